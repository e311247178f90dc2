// SPDX-License-Identifier: Apache-2.0
#include "job/condition.h"

#include "tests/support/files.h"

namespace ledgermill::job {
namespace {

using testing::failure_of;

Outcomes outcomes(std::initializer_list<std::pair<std::string, StepOutcome>> steps) {
  Outcomes all;
  for (const auto& [name, outcome] : steps) all.add(name, outcome);
  return all;
}

bool holds(const std::string& text, const Outcomes& of) { return Condition(text, {"A", "B", "SORT-1"}).holds(of); }

TEST(Condition, WithoutOneAStepRunsUpToReturnCodeFour) {
  EXPECT_TRUE(Condition().holds(outcomes({})));
  EXPECT_TRUE(Condition().holds(outcomes({{"A", {4, false}}})));
  EXPECT_FALSE(Condition().holds(outcomes({{"A", {5, false}}, {"B", {0, false}}})));
}

TEST(Condition, EachComparisonHoldsWhereItSays) {
  const Outcomes four = outcomes({{"A", {4, false}}});
  for (const char* text : {"rc = 4", "rc(A) <= 4", "rc >= 4", "rc != 3", "rc < 5", "rc(A)>3"})
    EXPECT_TRUE(holds(text, four)) << text;
  for (const char* text : {"rc = 3", "rc(A) < 4", "rc > 4", "rc != 4", "rc <= 3", "rc(A)>=5"})
    EXPECT_FALSE(holds(text, four)) << text;
}

TEST(Condition, NotBindsCloserThanAndAndThatCloserThanOr) {
  const Outcomes four = outcomes({{"A", {4, false}}});
  EXPECT_TRUE(holds("rc = 4 or rc = 4 and rc = 0", four));
  EXPECT_FALSE(holds("(rc = 4 or rc = 4) and rc = 0", four));
  EXPECT_TRUE(holds("not rc = 0 and rc = 4", four));
  EXPECT_FALSE(holds("not (rc = 0 or rc = 4)", four));
}

TEST(Condition, OfAStepThatDidNotRunNothingHolds) {
  const Outcomes four = outcomes({{"A", {4, false}}});
  EXPECT_FALSE(holds("rc(B) = 0 or rc(B) != 0", four));
  EXPECT_FALSE(holds("ran(B)", four));
  EXPECT_TRUE(holds("ran(A) and not ran(SORT-1)", four));
}

TEST(Condition, AfterAnAbendOnlyWhatSpeaksOfAbendsHolds) {
  const Outcomes abend = outcomes({{"A", {12, true}}});
  EXPECT_FALSE(holds("rc >= 0", abend));
  EXPECT_TRUE(holds("abend", abend));
  EXPECT_TRUE(holds("abend(A) and rc >= 0", abend));
  EXPECT_FALSE(holds("abend(B)", abend));
  EXPECT_TRUE(holds("abend or not abend", abend));
}

TEST(Condition, AMistakeIsNamedWithItsColumn) {
  const auto mistake = [](const std::string& text) { return failure_of([&] { Condition(text, {"A"}); }); };
  EXPECT_EQ(mistake("rc <> 4"), "'if: rc <> 4': a whole number is expected at column 5, not '>'");
  EXPECT_EQ(mistake("rc(B) = 4"), "'if: rc(B) = 4': the name of an earlier step is expected at column 4, not 'B'");
  EXPECT_EQ(mistake("rc = 4 rc"), "'if: rc = 4 rc': 'and', 'or' or the end is expected at column 8, not 'rc'");
  EXPECT_EQ(mistake("(rc = 4"), "'if: (rc = 4': ')' is expected at column 8, not 'the end'");
  EXPECT_NE(mistake(""), "");
  EXPECT_NE(mistake("ran"), "");
  EXPECT_NE(mistake(std::string(2000, '(')), "");
}

}  // namespace
}  // namespace ledgermill::job
