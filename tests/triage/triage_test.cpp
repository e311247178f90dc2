// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "triage/fixes.h"
#include "triage/reject_groups.h"
#include "triage/shape.h"
#include "triage/verdict.h"

namespace ledgermill::triage {

namespace {

Seen reject_of(std::string_view value, std::string_view record) {
  Seen seen;
  seen.batch = "b";
  seen.code = "type-error";
  seen.field = "Amount";
  seen.value = value;
  seen.record = record;
  return seen;
}

Layout date_and_amount() {
  Layout layout;
  Field date;
  date.name = "Date";
  date.type = FieldType::kDate;
  date.format = "%Y-%m-%d";
  Field amount;
  amount.name = "Amount";
  amount.type = FieldType::kDecimal;
  amount.scale = 2;
  layout.fields = {date, amount};
  return layout;
}

/// The group of two rejects, and two fixes tried on it.
Group group_of(std::vector<std::string> records) {
  Group group;
  group.key.code = "type-error";
  group.rejects = group.complete = records.size();
  for (std::string& record : records) group.samples.push_back({"", std::move(record)});
  return group;
}
Tried tried(const char* cause, std::vector<std::string> outputs, std::uint64_t passed, bool keeps = true) {
  return {{cause, cause, keeps, 1, Fix::Stage::kValue, {}}, std::move(outputs), passed};
}

}  // namespace

TEST(Shape, DatesSignBySignAndTextsInRuns) {
  EXPECT_EQ(shape_of("30/03/2025", ShapeDetail::kEachCharacter), "99/99/9999");
  EXPECT_EQ(shape_of("3/03/2025", ShapeDetail::kEachCharacter), "9/99/9999");
  EXPECT_EQ(shape_of("-1234.50", ShapeDetail::kRuns), "-9.9");
  EXPECT_EQ(shape_of("Salary Payment", ShapeDetail::kRuns), "Aa");
  EXPECT_EQ(shape_of("Bill", ShapeDetail::kRuns), "Aa");
  EXPECT_EQ(shape_of(" Bill", ShapeDetail::kRuns), " Aa");
  EXPECT_EQ(shape_of("\xc3\xa9\x01", ShapeDetail::kEachCharacter), "uu?");
  EXPECT_LE(shape_of(std::string(10'000, ','), ShapeDetail::kRuns).size(), 80U);
}

TEST(RejectGroups, SamplesAreBoundedInCountAndBytesAndDrawnFromTheWholeGroup) {
  RejectGroups groups;
  for (int i = 0; i < 10'000; ++i) groups.add("f", reject_of("1,5", "record " + std::to_string(i)));
  const auto all = groups.take();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].rejects, 10'000U);
  EXPECT_EQ(all[0].samples.size(), RejectGroups::kMostSamples);
  int from_the_second_half = 0;
  for (const Sample& sample : all[0].samples)
    from_the_second_half += std::stoi(sample.record.substr(7)) >= 5'000 ? 1 : 0;
  EXPECT_GT(from_the_second_half, 25);
  EXPECT_LT(from_the_second_half, 75);

  for (int i = 0; i < 500; ++i) groups.add("f", reject_of("1,5", std::string(60'000, static_cast<char>('a' + i % 9))));
  const auto large = groups.take();
  EXPECT_LE(large[0].sample_bytes, RejectGroups::kMostSampleBytes);
  EXPECT_GE(large[0].samples.size(), 1U);
}

TEST(RejectGroups, MoreShapesThanAreKeptGoToOneGroup) {
  RejectGroups groups;
  for (std::size_t i = 0; i < 1'000; ++i)
    groups.add("f", reject_of(std::string(1 + i % 70, ',') + std::string(i / 70, ';'), "r"));
  const auto all = groups.take();
  EXPECT_LE(all.size(), RejectGroups::kMostGroups + 1);
  std::uint64_t rejects = 0;
  for (const Group& group : all) rejects += group.rejects;
  EXPECT_EQ(rejects, 1'000U);
  EXPECT_EQ(all[0].key.shape, "(other)");
}

TEST(Split, IsStrict) {
  EXPECT_EQ(split("a,\"b,\"\"c\",", ',', '"'), (Cells{"a", "b,\"c", ""}));
  EXPECT_EQ(split("a,\"b", ',', '"'), std::nullopt);
  EXPECT_EQ(split("a,b\"c\"", ',', '"'), std::nullopt);
  EXPECT_EQ(split("a,\"b\"c", ',', '"'), std::nullopt);
  EXPECT_EQ(split("a\nb", ',', '"'), std::nullopt);
}

TEST(Fixes, SayNothingOfAGoodRecord) {
  const Layout layout = date_and_amount();
  RecordForm form;
  form.cells = true;
  form.layout = &layout;
  const Group group = group_of({"2025-03-30,1234.50"});
  for (const Fix& fix : fixes_for(group, form)) {
    if (fix.cause == "column-order") continue;  // it always can swap; the validator refuses what comes of it
    EXPECT_EQ(fix.apply(group.samples[0]), std::nullopt) << fix.cause << ": " << fix.text;
  }
}

TEST(Verdict, TwoReadingsThatBothPassAreAmbiguousAndNeitherIsSafe) {
  const Group group = group_of({"x", "y"});
  const Verdict verdict = verdict_of(group, {}, {tried("a", {"1", "2"}, 2), tried("b", {"3", "4"}, 2)});
  EXPECT_EQ(verdict.certainty, Certainty::kAmbiguous);
  EXPECT_FALSE(verdict.safe);
  ASSERT_EQ(verdict.others.size(), 1U);
}

TEST(Verdict, TwoFixesThatMakeTheSameRecordsAreOne) {
  const Group group = group_of({"x", "y"});
  const Verdict verdict = verdict_of(group, {}, {tried("a", {"1", "2"}, 2), tried("b", {"1", "2"}, 2)});
  EXPECT_EQ(verdict.certainty, Certainty::kProven);
  EXPECT_TRUE(verdict.safe);
}

TEST(Verdict, AFixThatFailsOnOneSampleGuessesOrLacksBytesIsNotSafe) {
  Group group = group_of({"x", "y", "z"});
  EXPECT_FALSE(verdict_of(group, {}, {tried("a", {"1", "2", "3"}, 2)}).safe);
  EXPECT_FALSE(verdict_of(group, {}, {tried("a", {"1", "2", "3"}, 3, false)}).safe);
  EXPECT_TRUE(verdict_of(group, {}, {tried("a", {"1", "2", "3"}, 3)}).safe);
  group.rejects = 4;
  EXPECT_FALSE(verdict_of(group, {}, {tried("a", {"1", "2", "3"}, 3)}).safe);
}

TEST(Verdict, AFixThatPassesOnHalfOfTheSamplesExplainsNothing) {
  const Group group = group_of({"x", "y"});
  EXPECT_EQ(verdict_of(group, {}, {tried("a", {"1", ""}, 1)}).certainty, Certainty::kUnknown);
}

}  // namespace ledgermill::triage
