// SPDX-License-Identifier: Apache-2.0
// Records split by position, framed as lines or by length: what is read, and what each kind of damage costs.
#include <array>
#include <random>

#include "feed/fixed_framer.h"
#include "reject/reject_log.h"
#include "tests/support/feeds.h"

namespace ledgermill::feed {
namespace {

using namespace ledgermill::testing;

constexpr const char* kFields = R"yaml(
schema:
  fields:
    - {name: id, at: 1, length: 3, padding: none, constraints: {pattern: "[0-9A-Z]{3}"}}
    - {name: name, at: 5, length: 6, constraints: {required: true}}
    - {name: n, at: 12, length: 3, type: "decimal(3,0)", constraints: {required: true}}
)yaml";
constexpr const char* kLiterals =
    "decoding: {kind: positional, literals: [{at: 4, text: \",\"}, {at: 11, text: \",\"}]}\n";

/// 3 + 6 + 3 bytes and two commas: "100,Ann   ,042".
FeedDefinition by_line(const std::string& more = "") {
  return parse_definition("feed: small\n" + std::string(kLiterals) + more + kFields, "small.yaml");
}
FeedDefinition by_length() { return by_line("framing: {kind: fixed, record_bytes: 14}\n"); }

/// The cells of the accepted records, "100/Ann/42; …".
std::string accepted(const Judged& judged) {
  std::string text;
  for (const StagedChunk& chunk : judged.chunks) {
    for (std::size_t i = 0; i < chunk.accepted.size(); ++i) {
      text += text.empty() ? "" : "; ";
      for (std::size_t f = 0; f < chunk.columns.size(); ++f) {
        const StagedColumn& column = chunk.columns[f];
        text += f == 0 ? "" : "/";
        if (column.states[i] == FieldState::kMissing)
          text += "-";
        else if (judged.plan.layout.fields[f].type == FieldType::kString)
          text += chunk.text.at(column.texts[i]);
        else
          text += std::to_string(column.integers[i]);
      }
    }
  }
  return text;
}

TEST(Positional, ReadsCellsAtTheirPlacesWithoutTheirPadding) {
  const Judged judged = judge_text(by_line(), "100,Ann   ,042\n101,Bob Li,000\n");
  EXPECT_EQ(judged.rejects(), "");
  EXPECT_EQ(accepted(judged), "100/Ann/42; 101/Bob Li/0");
  EXPECT_EQ(judged.totals().sums[0].posted.text(0), "42");
}

TEST(Positional, ADelimiterOrQuoteInsideATextIsText) {
  EXPECT_EQ(accepted(judge_text(by_line(), "100,A, B, ,042\n101,\"x\"\"  ,001\n102,\"     ,002\n")),
            "100/A, B,/42; 101/\"x\"\"/1; 102/\"/2");
}

TEST(Positional, HasNoHeaderUnlessItSaysSo) {
  EXPECT_EQ(judge_text(by_line(), "100,Ann   ,042\n").records(), 1U);
  const FeedDefinition with_header = by_line("dialect: {header: true}\n");
  const Judged judged = judge_text(with_header, "id,name,n\n100,Ann   ,042\nid,name,n\n");
  EXPECT_EQ(judged.totals().skipped.header.bytes, 10U);
  EXPECT_EQ(judged.rejects(), "2: repeated-header");
  EXPECT_NE(failure_of([&] { judge_text(with_header, "100,Ann   ,042\n"); }).find("missing-label"), std::string::npos)
      << "a record in the header's place is not swallowed";
  EXPECT_NE(failure_of([&] { judge_text(with_header, "name,id,n\n"); }).find("order"), std::string::npos);
}

TEST(Positional, PaddingSaysWhatIsFilledUp) {
  const auto cells = [](const char* type, const char* padding, const std::string& text) {
    const Judged judged = judge_text(
        parse_definition("feed: p\ndecoding: {kind: positional}\nschema: {fields: [{name: f, at: 1, length: 4, type: " +
                             std::string(type) + ", padding: " + padding + "}]}",
                         "p.yaml"),
        text + "\n");
    return accepted(judged) + judged.rejects();
  };
  EXPECT_EQ(cells("string", "spaces", " ab "), " ab");
  EXPECT_EQ(cells("string", "none", " ab "), " ab ");
  EXPECT_EQ(cells("string", "spaces", "    "), "-");
  EXPECT_EQ(cells("integer", "zeros", "0042"), "42");
  EXPECT_EQ(cells("integer", "zeros", "  42"), "1: type-error(f)");
  EXPECT_EQ(cells("integer", "zeros", "-042"), "1: type-error(f)");
  EXPECT_EQ(cells("integer", "zeros", "-000"), "1: type-error(f)");
  EXPECT_EQ(cells("integer", "zeros", "    "), "-");
  EXPECT_EQ(cells("integer", "spaces", "  42"), "42");
  EXPECT_EQ(cells("integer", "spaces", "  -4"), "-4");
  EXPECT_EQ(cells("integer", "spaces", "42  "), "1: type-error(f)");
  EXPECT_EQ(cells("integer", "spaces", "4  2"), "1: type-error(f)");
  EXPECT_EQ(cells("integer", "none", "-042"), "-42");
  EXPECT_EQ(cells("integer", "none", "  42"), "1: type-error(f)");
  EXPECT_EQ(cells("\"decimal(4,1)\"", "none", "04.2"), "42");
  EXPECT_EQ(cells("\"decimal(4,1)\"", "spaces", " 4.2"), "42");
}

TEST(Positional, BytesOfNoFieldMayBeAnything) {
  const FeedDefinition definition = parse_definition(
      "feed: p\ndecoding: {kind: positional, record_bytes: 6}\nschema: {fields: [{name: b, at: 4, length: 1}, {name: "
      "a, "
      "at: 2, length: 1}]}",
      "p.yaml");
  EXPECT_EQ(accepted(judge_text(definition, ".a.b..\n,A,B,,\n")), "b/a; B/A");
  EXPECT_EQ(judge_text(definition, ".a.b.\n").rejects(), "1: record-length");
}

struct Damage {
  const char* name;
  std::string text;
  const char* rejects;
};
class LineDamages : public ::testing::TestWithParam<Damage> {};

TEST_P(LineDamages, CostsExactlyWhatItMust) {
  const Judged judged = judge_text(by_line("framing: {blank_lines: reject}\n"), GetParam().text);
  EXPECT_EQ(judged.rejects(), GetParam().rejects);
  EXPECT_EQ(judged.totals().imbalance(), "");
  EXPECT_EQ(judged.totals().bytes, GetParam().text.size());
}

INSTANTIATE_TEST_SUITE_P(
    Files, LineDamages,
    ::testing::Values(Damage{"none", "100,Ann   ,042\n", ""},
                      Damage{"noLastNewline", "100,Ann   ,042\n101,Bob   ,001", ""},
                      Damage{"crLf", "100,Ann   ,042\r\n101,Bob   ,001\r\n", ""},
                      Damage{"crAlone", "100,Ann   ,042\r101,Bob   ,001", ""},
                      Damage{"crInMidRecord", "100,An\rn  ,042\n",
                             "1: record-length missing-cell(name) missing-cell(n); 2: record-length missing-cell(name) "
                             "missing-cell(n) pattern(id)"},
                      Damage{"byteOrderMark",
                             "\xEF\xBB\xBF"
                             "100,Ann   ,042\n",
                             ""},
                      Damage{"byteOrderMarkInMidFile",
                             "100,Ann   ,042\n\xEF\xBB\xBF"
                             "101,Bob   ,001\n",
                             "2: record-length separator-error(name) separator-error(n) type-error(n) pattern(id)"},
                      Damage{"shifted", "1000,Ann   ,042\n",
                             "1: record-length separator-error(name) separator-error(n) type-error(n)"},
                      Damage{"shiftedWithinItsLength", "1000,Ann  ,042\n", "1: separator-error(name)"},
                      Damage{"longByASpace", "100,Ann   ,042 \n", "1: record-length"},
                      Damage{"shortWithinACell", "100,Ann   ,04\n", "1: record-length missing-cell(n)"},
                      Damage{"shortBeforeASeparator", "100,Ann   \n", "1: record-length missing-cell(n)"},
                      Damage{"oneByte", "1\n", "1: record-length missing-cell(id) missing-cell(name) missing-cell(n)"},
                      Damage{"blank", "\n100,Ann   ,042\n\n", "1: blank-row; 3: blank-row"},
                      Damage{"spaces", "              \n",
                             "1: separator-error(name) separator-error(n) pattern(id) required(name) required(n)"},
                      Damage{"otherSeparator", "100;Ann   ;042\n", "1: separator-error(name) separator-error(n)"},
                      Damage{"letters", "100,Ann   ,4x2\n", "1: type-error(n)"},
                      Damage{"sign", "100,Ann   ,-42\n", "1: type-error(n)"},
                      Damage{"decimals", "100,Ann   ,4.2\n", "1: type-error(n)"},
                      Damage{"missingNumber", "100,Ann   ,   \n", "1: required(n)"},
                      Damage{"missingName", "100,      ,042\n", "1: required(name)"},
                      Damage{"lowerCase", "1a0,Ann   ,042\n", "1: pattern(id)"},
                      Damage{"allReasons", "a,0;      ;0x2\n",
                             "1: separator-error(name) separator-error(n) type-error(n) pattern(id) required(name)"},
                      Damage{"nul", std::string("100,A\0n   ,042\n", 15), "1: nul-byte"},
                      Damage{"notUtf8", "100,Jos\xe9  ,042\n", "1: encoding-error"},
                      Damage{"utf8", "100,Jos\xc3\xa9 ,042\n", ""},
                      Damage{"characterCutByItsPlace", "100,Annab\xc3\xa9,042\n",
                             "1: record-length separator-error(n) encoding-error(name) type-error(n)"},
                      Damage{"characterAcrossASeparator", "100,Annab\xc3\xa9\x30\x34\x32\n",
                             "1: separator-error(n) encoding-error(name)"},
                      Damage{"ctrlZ", "100,Ann   ,042\n\x1a",
                             "2: record-length missing-cell(id) missing-cell(name) missing-cell(n)"}));

TEST(Positional, ALineOverTheLimitIsNeverLoadedAndCostsItself) {
  const std::string text = "100,Ann   ,042\n" + std::string(5000, ',') + "\n101,Bob   ,001\n";
  const Judged judged = judge_text(by_line("framing: {max_record_bytes: 1000}\n"), text, 1024);
  EXPECT_EQ(judged.rejects(), "2: record-too-long");
  EXPECT_EQ(accepted(judged), "100/Ann/42; 101/Bob/1");
  EXPECT_EQ(judged.totals().bytes, text.size());
}

class FixedDamages : public ::testing::TestWithParam<Damage> {};

TEST_P(FixedDamages, CostsExactlyWhatItMust) {
  const Judged judged = judge_text(by_length(), GetParam().text);
  EXPECT_EQ(judged.rejects(), GetParam().rejects);
  EXPECT_EQ(judged.totals().imbalance(), "");
  EXPECT_EQ(judged.totals().bytes, GetParam().text.size());
}

INSTANTIATE_TEST_SUITE_P(
    Files, FixedDamages,
    ::testing::Values(
        Damage{"none", "100,Ann   ,042101,Bob   ,001", ""},
        Damage{"tornAtTheEnd", "100,Ann   ,042101,Bob ", "2: record-length missing-cell(name) missing-cell(n)"},
        Damage{"oneByteTooMany", "100,Ann   ,0421",
               "2: record-length missing-cell(id) missing-cell(name) missing-cell(n)"},
        Damage{"shorterThanOneRecord", "100,", "1: record-length missing-cell(name) missing-cell(n)"},
        Damage{"lineEndInARecord", "100,A\nn   ,042101,Bob   ,001", ""},
        Damage{"lineEndBehindTheRecords", "100,Ann   ,042\n",
               "2: record-length missing-cell(id) missing-cell(name) missing-cell(n)"},
        Damage{"byteOrderMark",
               "\xEF\xBB\xBF"
               "100,Ann   ,042",
               ""},
        Damage{"nul", std::string("100,A\0n   ,042101,Bob   ,001", 28), "1: nul-byte"},
        Damage{"onlySpaces", "              101,Bob   ,001",
               "1: separator-error(name) separator-error(n) pattern(id) required(name) required(n)"},
        // A character cut by the end of a record is whole in neither: both are rejects, and the third is not.
        Damage{"characterAcrossRecords",
               "100,Ann   ,04\xc3\xa9"
               "01,Bob   ,001102,Cy    ,003",
               "1: encoding-error; 2: encoding-error"}));

TEST(Fixed, WithCsvIsCutByLengthAndSplitAtDelimiters) {
  const FeedDefinition definition =
      small_definition("framing: {kind: fixed, record_bytes: 8}\ndialect: {quoteChar: \"\"}\n");
  const Judged judged = judge_text(definition, "x,yy,1.5\"q,y,002x,y,1,2x,y");
  EXPECT_EQ(judged.rejects(), "3: extra-cell; 4: record-length");
  EXPECT_EQ(accepted(judged), "x/yy/150; \"q/y/200");
}

TEST(Fixed, RecordNumbersAndBytesOfARejectLeadToItsPlace) {
  const Judged judged = judge_text(by_length(), "100,Ann   ,042101,Bob   ,0x1102,Cy    ,003", 14);
  ASSERT_EQ(judged.plan.chunks.size(), 3U);
  EXPECT_EQ(judged.plan.chunks[2].first_line, 3U) << "each record counts as one line";
  const BatchId batch = BatchId::of("small", std::nullopt, judged.plan.file.sha256, 1);
  const std::string line = reject::render(judged.plan, batch, judged.chunks[1], judged.chunks[1].rejects.at(0));
  for (const char* part : {"\"record_number\":2", "\"line\":2", "\"byte_offset\":14", "\"length\":14",
                           "\"row\":\"101,Bob   ,0x1\"", "\"value\":\"0x1\""})
    EXPECT_NE(line.find(part), std::string::npos) << part << "\n" << line;
}

TEST(Positional, ReasonsSayWhatTheLayoutDemands) {
  const Judged judged = judge_text(by_line(), "1000,Ann   ,042\n100,An\n");
  const BatchId batch = BatchId::of("small", std::nullopt, judged.plan.file.sha256, 1);
  const std::string shifted = reject::render(judged.plan, batch, judged.chunks[0], judged.chunks[0].rejects.at(0));
  EXPECT_NE(shifted.find("the record does not have the layout's 14 bytes"), std::string::npos) << shifted;
  EXPECT_NE(shifted.find("'0' stands where the layout has the separator at this field"), std::string::npos) << shifted;
  const std::string cut = reject::render(judged.plan, batch, judged.chunks[0], judged.chunks[0].rejects.at(1));
  EXPECT_NE(cut.find("the record ends before or within this cell"), std::string::npos) << cut;
}

TEST(Positional, AShiftedSensitiveValueStaysOutOfTheRejectLog) {
  const FeedDefinition definition = parse_definition(
      "feed: p\ndecoding: {kind: positional}\nschema: {fields: [{name: secret, at: 1, length: 4, sensitive: true}, "
      "{name: "
      "n, type: integer, at: 5, length: 4}]}",
      "p.yaml");
  const Judged judged = judge_text(definition, "PASSWORD1\nABCD12x4\n");
  const BatchId batch = BatchId::of("p", std::nullopt, judged.plan.file.sha256, 1);
  const std::string shifted = reject::render(judged.plan, batch, judged.chunks[0], judged.chunks[0].rejects.at(0));
  EXPECT_EQ(shifted.find("WORD"), std::string::npos) << shifted;
  const std::string in_place = reject::render(judged.plan, batch, judged.chunks[0], judged.chunks[0].rejects.at(1));
  EXPECT_NE(in_place.find("12x4"), std::string::npos) << in_place;
}

TEST(Plan, KeepsFramingAndRecordLength) {
  const Plan plan = judge_text(by_length(), "100,Ann   ,042").plan;
  const Plan read = plan_from_json(plan_to_json(plan));
  EXPECT_EQ(read.framing, FramingKind::kFixed);
  EXPECT_EQ(read.record_bytes, 14U);
}

TEST(Plan, OfAnEarlierProgramHasLines) {
  std::string json = plan_to_json(judge_text(small_definition(), "a,b,n\nx,y,1\n").plan);
  const std::string keys = "\"framing\":\"lines\",\"record_bytes\":0,";
  ASSERT_NE(json.find(keys), std::string::npos);
  json.erase(json.find(keys), keys.size());
  EXPECT_EQ(plan_from_json(json).framing, FramingKind::kLines);
  EXPECT_EQ(plan_from_json(json).record_bytes, 0U);
}

/// Records, good and bad, in an order drawn by `seed`.
std::string drawn(const std::vector<std::string>& records, std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  std::string text;
  for (int i = 0; i < count; ++i) text += records[random() % records.size()];
  return text;
}

void expect_chunks_change_nothing(const FeedDefinition& definition, const std::string& text,
                                  std::uint32_t chunk_bytes) {
  const Judged whole = judge_text(definition, text);
  const Judged cut = judge_text(definition, text, chunk_bytes);
  ASSERT_EQ(whole.plan.chunks.size(), 1U);
  ASSERT_GT(cut.plan.chunks.size(), 2U);
  ASSERT_EQ(cut.rejects(), whole.rejects());
  ASSERT_EQ(accepted(cut), accepted(whole));
  ASSERT_EQ(cut.totals(), whole.totals());
  ASSERT_EQ(cut.totals().bytes, text.size());
}

TEST(Chunks, CuttingAPositionalFileAnywhereChangesNothing) {
  const std::vector<std::string> lines{
      "100,Ann   ,042\n", "101,A,b,c,,001\r\n", "1000,Ann   ,042\n", "\n", "102,Jos\xc3\xa9 ,007\r", "\"\n",
      "103,Cy    ,0x7\n", "104,\xff     ,001\n"};
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    expect_chunks_change_nothing(by_line("framing: {blank_lines: reject}\n"), drawn(lines, seed, 900),
                                 200 + static_cast<std::uint32_t>(seed * 37));
  }
}

TEST(Chunks, CuttingAFixedFileAnywhereChangesNothing) {
  const std::vector<std::string> records{"100,Ann   ,042", "101,A\nb,c,,001",      "102;Bob   ;001",
                                         "103,Cy    ,0x7", "104,Jos\xc3\xa9 ,007", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n"};
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    const std::string torn = std::string("105,De").substr(0, seed % 7);
    expect_chunks_change_nothing(by_length(), drawn(records, seed, 900) + torn,
                                 1 + static_cast<std::uint32_t>(seed * 37));
  }
}

TEST(FixedFramer, TellsTheRestFromARecordThatGoesOn) {
  std::array<FramedSpan, 8> spans;
  FixedFramer more("abcdefgh", 3, MoreBytes::kFollow);
  ASSERT_EQ(more.next(spans), 2U);
  EXPECT_EQ(more.consumed(), 6U);
  EXPECT_EQ(more.lines(), 2U);
  EXPECT_EQ(more.next(spans), 0U);
  FixedFramer last("abcdefgh", 3, MoreBytes::kNone);
  ASSERT_EQ(last.next(spans), 3U);
  EXPECT_EQ(spans[1].kind, FrameKind::kRecord);
  EXPECT_EQ(spans[2].kind, FrameKind::kTorn);
  EXPECT_EQ(spans[2].frame.offset, 6U);
  EXPECT_EQ(spans[2].frame.length, 2U);
  EXPECT_EQ(spans[2].frame.line, 2U);
  EXPECT_EQ(spans[2].end, 8U);
  EXPECT_EQ(last.next(spans), 0U);
}

TEST(FixedFramer, HandsOutRecordsAFewAtATime) {
  std::array<FramedSpan, 2> spans;
  FixedFramer framer("aabbccddee", 2, MoreBytes::kNone);
  EXPECT_EQ(framer.next(spans), 2U);
  EXPECT_EQ(framer.next(spans), 2U);
  ASSERT_EQ(framer.next(spans), 1U);
  EXPECT_EQ(spans[0].frame.offset, 8U);
  EXPECT_EQ(framer.next(spans), 0U);
}

struct Mistake {
  const char* yaml;
  const char* fact;
};
class PositionalMistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(PositionalMistakes, AreNamedWithTheirLine) {
  const std::string fact = failure_of([] { parse_definition("feed: x\n" + std::string(GetParam().yaml), "x.yaml"); });
  EXPECT_NE(fact.find(GetParam().fact), std::string::npos) << "got: " << fact;
}

INSTANTIATE_TEST_SUITE_P(
    Definitions, PositionalMistakes,
    ::testing::Values(
        Mistake{"framing: {kind: fixed}\nschema: {fields: [{name: a}]}", "x.yaml:2: 'record_bytes' is missing"},
        Mistake{"framing: {kind: fixed, record_bytes: 0}\nschema: {fields: [{name: a}]}", "x.yaml:2"},
        Mistake{"framing: {kind: fixed, record_bytes: 5, multiline: true}\nschema: {fields: [{name: a}]}",
                "unknown key 'multiline'"},
        Mistake{"framing: {kind: fixed, record_bytes: 5}\nschema: {fields: [{name: a}]}", "quotes cannot hold"},
        Mistake{"framing: {kind: fixed, record_bytes: 5}\ndialect: {quoteChar: \"\", header: true}\nschema: {fields: "
                "[{name: a}]}",
                "x.yaml:3: fixed records have no lines"},
        Mistake{"framing: {kind: lines, record_bytes: 5}\nschema: {fields: [{name: a}]}", "unknown key 'record_bytes'"},
        Mistake{"decoding: {kind: copybook}\nschema: {fields: [{name: a}]}", "x.yaml:2: 'copybook' is neither"},
        Mistake{"decoding: {kind: csv, literals: []}\nschema: {fields: [{name: a}]}", "unknown key 'literals'"},
        Mistake{"schema: {fields: [{name: a, at: 1}]}", "x.yaml:2: 'at' belongs to a positional decoding"},
        Mistake{"decoding: {kind: positional}\nschema: {fields: [{name: a}]}", "x.yaml:3: the field 'a' has no 'at'"},
        Mistake{"decoding: {kind: positional}\nschema: {fields: [{name: a, at: 1}]}", "has no 'length'"},
        Mistake{"decoding: {kind: positional}\nschema: {fields: [{name: a, at: 0, length: 1}]}", "x.yaml:3"},
        Mistake{"decoding: {kind: positional}\nschema: {fields: [{name: a, at: 1, length: 2, trim: true}]}",
                "trimmed by its padding"},
        Mistake{"decoding: {kind: positional}\nschema: {fields: [{name: a, at: 1, length: 2, padding: zeros}]}",
                "a string is not padded with zeros"},
        Mistake{"decoding: {kind: positional}\nschema: {fields: [{name: a, type: \"decimal(4,2)\", at: 1, length: 5}]}",
                "no decimals"},
        Mistake{"decoding: {kind: positional}\nschema:\n  fields:\n    - {name: a, at: 1, length: 3}\n    - {name: b, "
                "at: 3, length: 2}",
                "x.yaml:6: 'b' begins at 3, within 'a', which ends at 3"},
        Mistake{"decoding: {kind: positional, literals: [{at: 2, text: \",\"}]}\nschema: {fields: [{name: a, at: 1, "
                "length: 3}]}",
                "within 'a'"},
        Mistake{"decoding: {kind: positional, record_bytes: 2}\nschema: {fields: [{name: a, at: 1, length: 3}]}",
                "'a' ends at 3, the record has 2 bytes"},
        Mistake{
            "framing: {kind: fixed, record_bytes: 2}\ndecoding: {kind: positional}\nschema: {fields: [{name: a, at: "
            "1, length: 3}]}",
            "'a' ends at 3, the record has 2 bytes"},
        Mistake{"framing: {kind: fixed, record_bytes: 5}\ndecoding: {kind: positional, record_bytes: 5}\nschema: "
                "{fields: [{name: a, at: 1, length: 3}]}",
                "fixed framing says how long a record is"},
        Mistake{"decoding: {kind: positional, literals: [{at: 2, text: \"\\n\"}]}\nschema: {fields: [{name: a, at: 1, "
                "length: 1}]}",
                "no line end"},
        Mistake{"decoding: {kind: positional}\ndialect: {quoteChar: \"'\"}\nschema: {fields: [{name: a, at: 1, length: "
                "1}]}",
                "x.yaml:3: 'quoteChar' means nothing"}));

TEST(Definition, TheShippedOrdersAreInOrder) {
  const FeedDefinition orders = load_definition(LM_SOURCE_DIR "/feeds/orders.yaml");
  EXPECT_EQ(orders.positional.record_bytes, 64U);
  EXPECT_FALSE(orders.csv.header);
  EXPECT_EQ(load_definition(LM_SOURCE_DIR "/feeds/transformed_orders.yaml").positional.record_bytes, 92U);
}

}  // namespace
}  // namespace ledgermill::feed
