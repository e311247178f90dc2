// SPDX-License-Identifier: Apache-2.0
#include "model/features.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/leak_gates.h"
#include "record/business_date.h"

namespace ledgermill::model {
namespace {

/// A ledger of 40 accounts, deterministic.
std::vector<Observation> ledger_of(std::size_t rows) {
  std::vector<Observation> all;
  std::uint64_t state = 7;
  const auto below = [&state](std::uint64_t n) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33) % n;
  };
  for (std::size_t i = 0; i < rows; ++i) {
    Observation seen;
    seen.feed = 1;
    seen.file_day = 19'700 + static_cast<std::int32_t>(i / 200);
    seen.entry_day = seen.file_day - static_cast<std::int32_t>(below(3));
    seen.entity = 1 + below(40);
    seen.description = 1 + below(5);
    seen.type = 1 + seen.description % 2;
    seen.amount = static_cast<std::int64_t>(1000 * seen.entity + 50 * below(20) + 1) * (below(9) == 0 ? -1 : 1);
    all.push_back(seen);
  }
  return all;
}

std::size_t place(std::string_view name) {
  for (std::size_t f = 0; f < kFeatures.size(); ++f)
    if (kFeatures[f] == name) return f;
  return kFeatures.size();
}

std::vector<std::string> names() { return {kFeatures.begin(), kFeatures.end()}; }

TEST(Features, AreEqualByteForByteWithTheFutureRemoved) {
  const auto seen = ledger_of(20'000);
  const Gate gate = past_only_gate(seen, stream_features, names());
  EXPECT_TRUE(gate.passed) << gate.detail;
}

TEST(Features, AMeanOfTheFutureIsCaught) {
  const auto seen = ledger_of(2'000);
  const auto planted = [](std::span<const Observation> all) {
    auto rows = stream_features(all);
    double sum = 0;
    for (std::size_t i = all.size(); i-- > 0;) {
      sum += static_cast<double>(all[i].amount);
      rows[i][3] = static_cast<float>(sum / static_cast<double>(all.size() - i));
    }
    return rows;
  };
  const Gate gate = past_only_gate(seen, planted, names());
  EXPECT_FALSE(gate.passed);
  EXPECT_NE(gate.detail.find("trailing_zeros"), std::string::npos) << gate.detail;
}

TEST(Features, AHundredfoldIsTwoTensFromHabit) {
  FeatureStream stream;
  Observation seen;
  seen.feed = 1;
  seen.entity = 7;
  seen.description = 9;
  for (int day = 0; day < 30; ++day) {
    seen.file_day = seen.entry_day = 19'700 + day;
    seen.amount = 12'000 + day;
    stream.next(seen);
  }
  seen.amount = 1'201'500;
  const FeatureRow row = stream.next(seen);
  EXPECT_EQ(row[place("tens")], 2.0F);
  EXPECT_GT(row[place("z_entity_desc")], 10.0F);
  EXPECT_LT(row[place("tens_distance")], 1.0F);
}

TEST(Features, ASwappedDayIsSeenByWhatSwappingBackGains) {
  FeatureStream stream;
  Observation seen;
  seen.file_day = BusinessDate{2025, 3, 5}.days_since_epoch();
  seen.entry_day = BusinessDate{2025, 5, 3}.days_since_epoch();
  seen.amount = 100;
  const FeatureRow row = stream.next(seen);
  EXPECT_EQ(row[place("abs_lag_swapped")], 0.0F);
  EXPECT_EQ(row[place("swap_gain")], 59.0F);
}

TEST(Features, TheStateStaysBelow200BytesAKey) {
  FeatureStream stream;
  for (const Observation& seen : ledger_of(100'000)) stream.next(seen);
  const auto state = stream.state();
  EXPECT_LE(static_cast<double>(state.bytes) / static_cast<double>(state.keys + state.amounts), 200.0);
}

TEST(Features, TheLargestAndSmallestAmountAreNoTrouble) {
  FeatureStream stream;
  Observation seen;
  for (const std::int64_t amount :
       {std::int64_t{0}, std::int64_t{999'999'999'999'999'999}, std::int64_t{-999'999'999'999'999'999}}) {
    seen.amount = amount;
    EXPECT_TRUE(std::isfinite(stream.next(seen)[0]));
  }
}

}  // namespace
}  // namespace ledgermill::model
