// SPDX-License-Identifier: Apache-2.0
// A wrong definition gets file, line, what is wrong and how to mend it.
#include "feed/draft.h"
#include "feed/name_pattern.h"
#include "tests/support/feeds.h"

namespace ledgermill::feed {
namespace {

using namespace ledgermill::testing;

struct Mistake {
  const char* yaml;
  const char* fact;  // must stand in it, the line included
};
class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreNamedWithTheirLine) {
  const std::string fact = failure_of([] { parse_definition(GetParam().yaml, "x.yaml"); });
  EXPECT_NE(fact.find(GetParam().fact), std::string::npos) << "got: " << fact;
}

INSTANTIATE_TEST_SUITE_P(
    Definitions, Mistakes,
    ::testing::Values(
        Mistake{"", "x.yaml:1: "}, Mistake{"- a\n- b\n", "x.yaml:1: "}, Mistake{"feed: [", "x.yaml:"},
        Mistake{"feed: x\n", "'schema' is missing"}, Mistake{"schema: {fields: [{name: a}]}\n", "'feed' is missing"},
        Mistake{"feed: \"Not A Name\"\nschema: {fields: [{name: a}]}", "x.yaml:1: 'Not A Name'"},
        Mistake{"feed: x\nshcema: {}\n", "x.yaml:2: unknown key 'shcema'"},
        Mistake{"feed: x\nfeed: y\n", "x.yaml:2: 'feed' stands here a second time"},
        Mistake{"feed: x\nschema: {fields: []}\n", "x.yaml:2"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a}\n    - {name: a}\n", "x.yaml:5"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, type: number}\n", "'number' is no type"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, type: \"decimal(19,2)\"}\n", "x.yaml:4"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, type: \"decimal(2,3)\"}\n", "x.yaml:4"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, type: date, format: \"%H:%M\"}\n", "x.yaml:4"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, type: date, format: \"%d.%m\"}\n",
                "must have year, month and day"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, type: integer, constraints: {minimum: abc}}\n",
                "'abc' is no value"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, type: integer, constraints: {minimum: 5, maximum: 4}}\n",
                "'minimum' is above 'maximum'"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, constraints: {enum: [b, b]}}\n", "a value stands twice"},
        Mistake{"feed: x\nschema:\n  fields:\n    - {name: a, constraints: {unique: true}}\n",
                "'unique' is not supported"},
        Mistake{"feed: x\nschema: {primaryKey: a, fields: [{name: a}]}\n", "'primaryKey' is not supported"},
        Mistake{"feed: x\ndialect: {delimiter: \";;\"}\nschema: {fields: [{name: a}]}\n", "x.yaml:2"},
        Mistake{"feed: x\ndialect: {delimiter: \"\\\"\"}\nschema: {fields: [{name: a}]}\n", "same character"},
        Mistake{"feed: x\nframing: {kind: rdw}\nschema: {fields: [{name: a}]}\n",
                "x.yaml:2: 'rdw' is neither lines nor fixed"},
        Mistake{"feed: x\nencoding: cp1047\nschema: {fields: [{name: a}]}\n", "x.yaml:2: only utf-8"},
        Mistake{"feed: x\nlimits: {max_reject_ratio: 1.5}\nschema: {fields: [{name: a}]}\n", "x.yaml:2"},
        Mistake{"feed: x\nlimits: {sum_field: b}\nschema: {fields: [{name: a}]}\n", "x.yaml:2"},
        Mistake{"feed: x\nbusiness_date: \"x-{YYYY}.csv\"\nschema: {fields: [{name: a}]}\n", "x.yaml:2"},
        Mistake{"feed: x\nfiles: \"a/*.csv\"\nschema: {fields: [{name: a}]}\n", "x.yaml:2"},
        Mistake{"feed: x\ntable: \"a; drop table b\"\nschema: {fields: [{name: a}]}\n", "no name of a table"},
        Mistake{"feed: x\nschema: {fields: [{name: a, column: \"a b\"}]}\n", "no name of a column"},
        Mistake{"feed: x\nschema: {fields: [{name: a}]}\nrules: {module: M}\n", "x.yaml:3"},
        Mistake{"feed: x\nschema: {fields: [{name: a}]}\nrules: {module: \"../evil\", reasons: [{code: c, field: a, "
                "message: m}]}\n",
                "x.yaml:3"},
        Mistake{
            "feed: x\nschema: {fields: [{name: a}]}\nrules: {module: M, reasons: [{code: c, field: b, message: m}]}\n",
            "x.yaml:3"}));

TEST(Definition, TheShippedOneIsInOrder) {
  const FeedDefinition definition = load_definition(LM_SOURCE_DIR "/feeds/transactions.yaml");
  EXPECT_EQ(definition.name, "transactions");
  EXPECT_EQ(definition.layout.fields.size(), 4U);
  EXPECT_EQ(business_date_of(definition, "transactions-2025-03-30.csv"), (BusinessDate{2025, 3, 30}));
  EXPECT_EQ(business_date_of(definition, "other.csv"), std::nullopt);
  EXPECT_NE(failure_of([&] { static_cast<void>(business_date_of(definition, "transactions-2025-02-30.csv")); }), "");
  EXPECT_TRUE(names_file(definition, "transactions-2025-03-30.csv"));
  EXPECT_FALSE(names_file(definition, "transactions-2025-03-30.truth.jsonl"));
}

TEST(Definition, IsFoundByNameAndProposesWhatIsThere) {
  EXPECT_EQ(find_definition("transactions", {LM_SOURCE_DIR "/feeds"}).name, "transactions");
  EXPECT_NE(failure_of([] { find_definition("transaction", {LM_SOURCE_DIR "/feeds"}); }), "");
}

TEST(Definition, AnyCutOfTheTextIsReadOrRefusedWithoutACrash) {
  const std::string text = content_of(LM_SOURCE_DIR "/feeds/transactions.yaml");
  for (std::size_t cut = 0; cut < text.size(); cut += 7)
    failure_of([&] { parse_definition(text.substr(0, cut), "x.yaml"); });
}

TEST(Glob, FitsWholeNamesOnly) {
  EXPECT_TRUE(fits_glob("a*.csv", "a.csv"));
  EXPECT_TRUE(fits_glob("a?c[0-9]*", "abc5"));
  EXPECT_FALSE(fits_glob("a*.csv", "a.csv.gz"));
  EXPECT_FALSE(fits_glob("a[0-9].csv", "ax.csv"));
}

TEST(Draft, DescribesItsSampleWellEnoughToLoadIt) {
  const TempFolder folder;
  std::string sample = "Day;Account No;Amount;Paid;Kind\n";
  for (int i = 0; i < 200; ++i)
    sample += "0" + std::to_string(1 + i % 9) + ".03.2025;" + std::to_string(1000 + i) + ";" + std::to_string(i) +
              ".50;true;" + (i % 2 == 0 ? "in" : "out") + "\n";
  const auto path = folder.write("sample.csv", sample);
  const std::string draft = draft_definition(path, "drafted");
  for (const char* part : {"delimiter: \";\"", "%d.%m.%Y", "type: integer", "type: decimal(18,2)", "type: boolean",
                           "enum: [\"in\", \"out\"]", "# guess"})
    EXPECT_NE(draft.find(part), std::string::npos) << part << "\n" << draft;
  EXPECT_EQ(judge({parse_definition(draft, "draft"), std::nullopt}, path).rejects(), "");
}

TEST(Draft, OfAHostileSampleParsesOrIsRefused) {
  const TempFolder folder;
  for (const std::string& sample : {std::string("x"), std::string("\"\n\"\n"), std::string(",,,\n,,,\n"),
                                    std::string("a,a\n1,2\n"), std::string("\0\0,\0\n", 5), std::string("\xff\xfe", 2),
                                    std::string("a: b\n- c\n"), std::string("\"a\\\"b\",c\n1,2\n")}) {
    const auto path = folder.write("s.csv", sample);
    failure_of([&] { parse_definition(draft_definition(path, "drafted"), "draft"); });
  }
}

}  // namespace
}  // namespace ledgermill::feed
