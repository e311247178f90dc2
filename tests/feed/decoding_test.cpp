// SPDX-License-Identifier: Apache-2.0
// Cells: what each type accepts, and the refused neighbour of each.
#include <random>

#include "feed/cell_decoder.h"
#include "tests/support/feeds.h"

namespace ledgermill::feed {
namespace {

using namespace ledgermill::testing;

struct Case {
  const char* field;     // of the definition
  const char* accepted;  // cells, separated by |
  const char* refused;
};

std::vector<std::string> split(const std::string& cells) {
  std::vector<std::string> all(1);
  for (const char c : cells) {
    if (c == '|')
      all.emplace_back();
    else
      all.back() += c;
  }
  return all;
}

class CellTypes : public ::testing::TestWithParam<Case> {};

TEST_P(CellTypes, AcceptTheirFormAndRefuseTheNeighbours) {
  const FeedDefinition definition =
      parse_definition(std::string("feed: one\ndialect: {delimiter: \";\"}\nschema:\n  fields:\n    - {name: x, ") +
                           GetParam().field + "}\n    - {name: y}\n",
                       "one.yaml");
  for (const std::string& cell : split(GetParam().accepted))
    EXPECT_EQ(judge_text(definition, "x;y\n" + cell + ";z\n").rejects(), "") << "'" << cell << "'";
  for (const std::string& cell : split(GetParam().refused))
    EXPECT_EQ(judge_text(definition, "x;y\n" + cell + ";z\n").rejects(), "1: type-error(x)") << "'" << cell << "'";
}

INSTANTIATE_TEST_SUITE_P(
    Types, CellTypes,
    ::testing::Values(Case{"type: integer", "0|-1|007|9223372036854775807||-0",
                           "1.0|+1|1e3| 1|1 |--1|-|9223372036854775808|0x10|1,000|one|\xd9\xa1"},
                      Case{"type: integer, groupChar: \",\"", "1,000|1000|12,345,678|-1,000",
                           "1,00|,100|1,,000|1000,000|1,0000|1,000,"},
                      Case{"type: \"decimal(18,2)\"",
                           "1234|1234.5|-1234.50|0|-0.0|0.01|9999999999999999.99|0000000000000000000000000.10",
                           "12.345|.5|5.|1,5|1e2|$1|99999999999999999.99|1.2.3|NaN|inf|--5|5-|+5|1 000"},
                      Case{"type: \"decimal(4,2)\"", "99.99|-99.99|00099.99", "100.00|100|99.999"},
                      Case{"type: \"decimal(12,2)\", decimalChar: \",\", groupChar: \".\"", "1.234,50|1234,5|-0,01",
                           "1,234.50|1.23,4.5"},
                      Case{"type: date", "2025-03-30|2024-02-29|0001-01-01|9999-12-31",
                           "2025-02-30|2023-02-29|2025-3-30|2025-03-30T00:00:00|20250330|30-03-2025|2025-00-10|2025-13-"
                           "01|today|2025-03-3O"},
                      Case{"type: date, format: \"%d.%m.%Y\"", "30.03.2025|29.02.2024",
                           "03.30.2025|3.3.2025|30.03.25|30-03-2025"},
                      Case{"type: date, format: \"%y%m%d\"", "250330|690101", "20250330|250230|25033"},
                      Case{"type: datetime", "2025-03-30T23:06:42Z|1969-12-31T23:59:59Z",
                           "2025-03-30 23:06:42|2025-03-30T24:00:00Z|2025-03-30T23:60:00Z|2025-03-30T23:06:42"},
                      Case{"type: boolean", "true|false|1|0|TRUE", "yes|2|tRUE| true"},
                      Case{"type: boolean, trueValues: [J], falseValues: [N]", "J|N", "true|j"},
                      Case{"type: \"decimal(3,0)\"", "999|-1|0", "1000|1.0|1."}));

TEST(CellTypes, MissingValuesAreTheDefinitions) {
  const FeedDefinition definition = parse_definition(
      "feed: one\nschema: {missingValues: [\"\", \"NULL\", \"-\"], fields: [{name: x, type: integer}, {name: y, "
      "constraints: {required: true}}]}",
      "one.yaml");
  EXPECT_EQ(judge_text(definition, "x,y\nNULL,a\n-,a\n,a\nnull,a\n1,-\n").rejects(),
            "4: type-error(x); 5: required(y)");
}

TEST(CellTypes, TrimmingIsTheDefinitions) {
  const FeedDefinition definition =
      parse_definition("feed: one\nschema: {fields: [{name: x, type: integer, trim: true}, {name: y}]}", "one.yaml");
  EXPECT_EQ(judge_text(definition, "x,y\n 1 ,a\n\t2,b\n  ,c\n").rejects(), "");
}

/// Cells of up to `longest` bytes, most of them numbers or nearly.
std::vector<std::string> any_cells(std::mt19937_64& random, std::size_t longest) {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < RecordBlock::kCapacity; ++i) {
    std::string cell = random() % 3 == 0 ? "-" : "";
    const std::size_t length = random() % longest;
    while (cell.size() < length) cell += static_cast<char>('0' + random() % 10);
    if (random() % 2 == 0 && !cell.empty())
      cell.insert(cell.size() - random() % std::min<std::size_t>(cell.size(), 5), ".");
    if (random() % 8 == 0 && !cell.empty()) cell[random() % cell.size()] = static_cast<char>(random() % 256);
    cells.push_back(std::move(cell));
  }
  return cells;
}

TEST(Columns, AreDecodedAsTheirCellsAre) {
  std::mt19937_64 random(3);
  for (const char* type : {"integer", "\"decimal(18,2)\"", "\"decimal(4,2)\"", "\"decimal(12,5)\"", "\"decimal(9,0)\"",
                           "integer, groupChar: \",\"", "boolean", "string"}) {
    const FeedDefinition definition =
        parse_definition(std::string("feed: one\nschema: {fields: [{name: x, type: ") + type + "}]}", "one.yaml");
    const Field& field = definition.layout.fields[0];
    const CellDecoder decoder(field, 0, definition.csv.missing_values);
    RecordBlock one_by_one(definition.layout, false);
    RecordBlock at_once(definition.layout, false);
    for (int round = 0; round < 20; ++round) {
      std::string source;
      std::vector<std::uint32_t> records;
      for (const std::string& cell : any_cells(random, 14)) {
        const auto i = static_cast<std::uint32_t>(records.size());
        at_once.texts(0)[i] = {static_cast<std::uint32_t>(source.size()), static_cast<std::uint32_t>(cell.size())};
        source += cell;
        records.push_back(i);
      }
      const ChunkText text{source, {}};
      Findings findings;
      decoder.decode_column(text, records, at_once, findings);
      std::size_t refused = 0;
      for (const std::uint32_t i : records) {
        const std::string_view cell = text.at(at_once.texts(0)[i]);
        refused += decoder.decode(cell, one_by_one, i) ? 0U : 1U;
        ASSERT_EQ(at_once.states(0)[i], one_by_one.states(0)[i]) << type << ": '" << cell << "'";
        if (field.type == FieldType::kInteger || field.type == FieldType::kDecimal) {
          ASSERT_EQ(at_once.integers(0)[i], one_by_one.integers(0)[i]) << type << ": '" << cell << "'";
        }
      }
      ASSERT_EQ(findings.size(), refused) << type;
    }
  }
}

TEST(Columns, OfDatesHoldTheDaysThatExist) {
  const FeedDefinition definition =
      parse_definition("feed: one\nschema: {fields: [{name: x, type: date}]}", "one.yaml");
  const CellDecoder decoder(definition.layout.fields[0], 0, definition.csv.missing_values);
  RecordBlock block(definition.layout, false);
  std::mt19937_64 random(4);
  for (int round = 0; round < 200'000; ++round) {
    std::string cell = BusinessDate::from_days_since_epoch(static_cast<std::int32_t>(random() % 30'000)).text();
    if (round % 2 == 0)
      cell[random() % cell.size()] = static_cast<char>(random() % 4 == 0 ? random() % 256 : '0' + random() % 10);
    const auto day = BusinessDate::from_text(cell);
    block.texts(0)[0] = {0, static_cast<std::uint32_t>(cell.size())};
    Findings findings;
    const std::uint32_t first = 0;
    decoder.decode_column(ChunkText{cell, {}}, std::span(&first, 1), block, findings);
    ASSERT_EQ(findings.empty(), day.has_value()) << "'" << cell << "'";
    ASSERT_EQ(block.dates(0)[0], day.value_or(BusinessDate{})) << "'" << cell << "'";
  }
}

}  // namespace
}  // namespace ledgermill::feed
