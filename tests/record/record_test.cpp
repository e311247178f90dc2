// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "record/amount.h"
#include "record/batch_id.h"
#include "record/business_date.h"
#include "record/control_totals.h"
#include "record/plan.h"
#include "record/staged_chunk.h"
#include "tests/support/files.h"

namespace ledgermill {
namespace {

using ledgermill::testing::failure_of;

TEST(Amount, IsWrittenWithAllItsDecimals) {
  EXPECT_EQ((Amount{-123450, 2}.text()), "-1234.50");
  EXPECT_EQ((Amount{5, 2}.text()), "0.05");
  EXPECT_EQ((Amount{-5, 0}.text()), "-5");
  EXPECT_EQ((Amount{std::numeric_limits<std::int64_t>::min(), 2}.text()), "-92233720368547758.08");
}

TEST(ExactSum, DoesNotOverflowWhereSixtyFourBitsWould) {
  ExactSum sum;
  for (int i = 0; i < 1000; ++i) sum.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(sum.text(2), "92233720368547758070.00");
  EXPECT_EQ(ExactSum::from_text(sum.text(2), 2), sum);
}

TEST(ExactSum, ReadsOnlyDecimalsOfItsScale) {
  EXPECT_EQ(ExactSum::from_text("12.5", 2)->minor_units, 1250);
  for (const char* wrong : {"", "-", "12.345", "1e3", " 1", "1,000", "+1", "."})
    EXPECT_FALSE(ExactSum::from_text(wrong, 2)) << wrong;
}

TEST(BusinessDate, KnowsTheDaysThatExist) {
  EXPECT_TRUE((BusinessDate{2024, 2, 29}.exists()));
  EXPECT_FALSE((BusinessDate{2023, 2, 29}.exists()));
  EXPECT_FALSE((BusinessDate{1900, 2, 29}.exists()));
  EXPECT_TRUE((BusinessDate{2000, 2, 29}.exists()));
  EXPECT_FALSE((BusinessDate{2025, 4, 31}.exists()));
  EXPECT_FALSE((BusinessDate{2025, 0, 1}.exists()));
  EXPECT_FALSE((BusinessDate{2025, 13, 1}.exists()));
}

TEST(BusinessDate, CountsDaysBothWaysOverThreeThousandYears) {
  EXPECT_EQ((BusinessDate{1970, 1, 1}.days_since_epoch()), 0);
  EXPECT_EQ((BusinessDate{2000, 1, 1}.days_since_epoch()), 10'957);
  for (std::int32_t day = -600'000; day < 600'000; day += 7) {
    const BusinessDate date = BusinessDate::from_days_since_epoch(day);
    ASSERT_TRUE(date.exists()) << date.text();
    ASSERT_EQ(date.days_since_epoch(), day) << date.text();
  }
}

TEST(BusinessDate, ReadsOneFormOnly) {
  EXPECT_EQ(BusinessDate::from_text("2025-03-30"), (BusinessDate{2025, 3, 30}));
  for (const char* wrong : {"2025-3-30", "2025-03-30 ", "20250330", "2025/03/30", "2025-02-30", ""})
    EXPECT_FALSE(BusinessDate::from_text(wrong)) << wrong;
}

TEST(Timestamp, HasNineDecimals) {
  EXPECT_EQ((Timestamp{1'743'376'002'127'715'654}.text()), "2025-03-30T23:06:42.127715654Z");
}

TEST(BatchId, NamesFeedDayFileAndAttempt) {
  const Digest file = Sha256::of(std::string_view("abc"));
  EXPECT_EQ(BatchId::of("transactions", BusinessDate{2025, 3, 30}, file, 1).text,
            "transactions/2025-03-30/ba7816bf8f01");
  EXPECT_EQ(BatchId::of("transactions", std::nullopt, file, 2).text, "transactions/ba7816bf8f01/2");
}

ControlTotals some_totals() {
  ControlTotals totals;
  totals.records = 10;
  totals.accepted = 7;
  totals.rejected = 3;
  totals.bytes = 100;
  totals.record_bytes = 90;
  totals.skipped.blank = {2, 10};
  totals.sums.push_back({"n", 2, {1000}, {700}, {300}, 1});
  return totals;
}

TEST(ControlTotals, AreBalancedOnlyWhenEverySumAgrees) {
  EXPECT_EQ(some_totals().imbalance(), "");
  const auto broken = [](auto harm) {
    ControlTotals totals = some_totals();
    harm(totals);
    return totals.imbalance();
  };
  EXPECT_NE(broken([](ControlTotals& t) { ++t.records; }), "");
  EXPECT_NE(broken([](ControlTotals& t) { --t.rejected; }), "");
  EXPECT_NE(broken([](ControlTotals& t) { ++t.bytes; }), "");
  EXPECT_NE(broken([](ControlTotals& t) { ++t.skipped.header.bytes; }), "");
  EXPECT_NE(broken([](ControlTotals& t) { t.sums[0].posted.add(1); }), "");
}

TEST(ControlTotals, SurviveTheirJson) { EXPECT_EQ(totals_from_json(totals_to_json(some_totals())), some_totals()); }

Plan some_plan() {
  Plan plan;
  plan.feed = "small";
  plan.table = "small";
  plan.file = {"x.csv", Sha256::of(std::string_view("abc")), 100};
  plan.business_date = BusinessDate{2025, 3, 30};
  plan.module = Sha256::of(std::string_view("module"));
  plan.planned_at = {1'743'376'002'127'715'654};
  Field field;
  field.name = "Näme \"quoted\"";
  field.column = "name";
  field.type = FieldType::kDecimal;
  field.scale = 2;
  field.constraints.minimum = Bound{-100, "-1.00"};
  field.constraints.required = true;
  plan.layout.fields.push_back(field);
  plan.module_rules.push_back({"amount_sign", "n", "wrong sign", {"n"}});
  plan.limits.most_rejects = 5;
  plan.declared.sum = "12.50";
  plan.header = "Näme\r\n";
  plan.cell_fields = {0};
  plan.head.header = {1, 6};
  plan.chunks.push_back({ChunkNumber{1}, 6, 94, 1, 10, 2, Sha256::of(std::string_view("chunk")), true});
  plan.records = 10;
  return plan;
}

TEST(Plan, SurvivesItsJson) {
  const std::string json = plan_to_json(some_plan());
  EXPECT_EQ(plan_to_json(plan_from_json(json)), json);
  const Plan back = plan_from_json(json);
  EXPECT_EQ(back.layout.fields[0].name, some_plan().layout.fields[0].name);
  EXPECT_EQ(back.chunks[0].first_line, 2U);
  EXPECT_TRUE(back.chunks[0].oversize);
  EXPECT_EQ(back.header, "Näme\r\n");
}

TEST(Plan, RefusesTextThatIsNoPlan) {
  const std::string json = plan_to_json(some_plan());
  for (const std::string& wrong :
       {std::string(), std::string("{}"), std::string("[1]"), std::string("null"), json.substr(0, json.size() / 2)}) {
    EXPECT_NE(failure_of([&] { plan_from_json(wrong); }), "") << wrong.substr(0, 40);
  }
}

TEST(Plan, RefusesAnyCutOfItsTextWithoutACrash) {
  const std::string json = plan_to_json(some_plan());
  for (std::size_t cut = 0; cut < json.size(); ++cut)
    ASSERT_NE(failure_of([&] { plan_from_json(json.substr(0, cut)); }), "") << cut;
}

TEST(ReasonCounts, ARecordCountsOnceForEachOfItsCodes) {
  StagedChunk chunk;
  chunk.reasons = {{ReasonCode::kTypeError, 0, {}},
                   {ReasonCode::kTypeError, 1, {}},
                   {ReasonCode::kEnum, 1, {}},
                   {module_rule(0), 0, {}}};
  chunk.rejects.resize(2);
  chunk.rejects[0].reasons = 3;
  chunk.rejects[1].first_reason = 3;
  chunk.rejects[1].reasons = 1;
  EXPECT_EQ(count_reasons(chunk, {{"amount_sign", "n", "", {}}}),
            (ReasonCounts{{"type-error", 1}, {"constraint-error", 1}, {"amount_sign", 1}}));
}

TEST(StagedChunk, AReasonThatThePlanDoesNotHaveIsNotCounted) {
  for (const std::size_t reasons : {1U, 2U}) {
    StagedChunk chunk;
    chunk.reasons.assign(reasons, {module_rule(40'000), kNoField, {}});
    StagedReject reject;
    reject.reasons = static_cast<std::uint32_t>(reasons);
    chunk.rejects.push_back(reject);
    EXPECT_THROW(count_reasons(chunk, {}), std::out_of_range) << reasons;
  }
}

}  // namespace
}  // namespace ledgermill
