// SPDX-License-Identifier: Apache-2.0
// Each constraint of the feed definition, with a value that meets it and the neighbour that does not.
#include "tests/support/feeds.h"

namespace ledgermill::rules {
namespace {

using namespace ledgermill::testing;

struct Case {
  const char* field;
  std::vector<std::string> meets;
  std::vector<std::string> breaks;
  const char* reason;
};
class Constraints : public ::testing::TestWithParam<Case> {};

TEST_P(Constraints, AreMetOrNamed) {
  const feed::FeedDefinition definition = feed::parse_definition(
      std::string("feed: one\nschema: {fields: [{name: x, ") + GetParam().field + "}, {name: y}]}", "one.yaml");
  for (const std::string& cell : GetParam().meets)
    EXPECT_EQ(judge_text(definition, "x,y\n" + cell + ",\n").rejects(), "") << cell;
  for (const std::string& cell : GetParam().breaks)
    EXPECT_EQ(judge_text(definition, "x,y\n" + cell + ",\n").rejects(), std::string("1: ") + GetParam().reason + "(x)")
        << cell;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Constraints,
    ::testing::Values(
        Case{"constraints: {required: true}", {"a", " "}, {"", "\"\""}, "required"},
        Case{"constraints: {enum: [red, \"dark blue\"]}", {"red", "dark blue", ""}, {"Red", "blue", "red "}, "enum"},
        Case{"type: integer, constraints: {minimum: -5}", {"-5", "0"}, {"-6"}, "minimum"},
        Case{"type: integer, constraints: {maximum: 5}", {"5"}, {"6"}, "maximum"},
        Case{"type: \"decimal(9,2)\", constraints: {minimum: \"0.01\"}", {"0.01"}, {"0", "-1"}, "minimum"},
        Case{"type: date, constraints: {maximum: 2025-03-30}", {"2025-03-30"}, {"2025-03-31"}, "maximum"},
        Case{"type: datetime, constraints: {minimum: \"2025-03-30T00:00:00Z\"}",
             {"2025-03-30T00:00:00Z"},
             {"2025-03-29T23:59:59Z"},
             "minimum"},
        Case{"constraints: {minLength: 2}", {"ab", "\xc3\xa9\xc3\xa9"}, {"a", "\xc3\xa9"}, "minLength"},
        Case{"constraints: {maxLength: 2}", {"ab", "\xc3\xa9\xc3\xa9"}, {"abc"}, "maxLength"},
        Case{"constraints: {pattern: \"[A-Z]{2}[0-9]+\"}", {"DE12"}, {"DE", "xDE1", "DE1x"}, "pattern"}));

TEST(ConstraintJudge, APatternThatIsNoneNamesFieldAndLine) {
  const feed::FeedDefinition definition = feed::parse_definition(
      "feed: one\nschema:\n  fields:\n    - name: x\n      constraints: {pattern: \"(\"}\n", "one.yaml");
  const std::string fact = failure_of([&] { judge_text(definition, "x\n1\n"); });
  EXPECT_NE(fact.find("x"), std::string::npos);
  EXPECT_NE(fact.find("5"), std::string::npos) << fact;
}

TEST(ConstraintJudge, APatternThatWouldRunForEverDoesNot) {
  const feed::FeedDefinition definition = feed::parse_definition(
      "feed: one\nschema: {fields: [{name: x, constraints: {pattern: \"(a+)+b\"}}]}", "one.yaml");
  EXPECT_EQ(judge_text(definition, "x\n" + std::string(50'000, 'a') + "\n").rejects(), "1: pattern(x)");
}

}  // namespace
}  // namespace ledgermill::rules
