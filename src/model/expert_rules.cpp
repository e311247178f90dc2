// SPDX-License-Identifier: Apache-2.0
#include "model/expert_rules.h"

#include <algorithm>
#include <cmath>

#include "model/features.h"

namespace ledgermill::model {

namespace {

constexpr std::size_t place(std::string_view name) {
  for (std::size_t f = 0; f < kFeatures.size(); ++f)
    if (kFeatures[f] == name) return f;
  throw "no such feature";  // at compile time
}

/// 0 at `from`, 1 at `to`; missing counts as 0.
double ramp(float value, double from, double to) {
  if (std::isnan(value)) return 0;
  return std::clamp((value - from) / (to - from), 0.0, 1.0);
}

}  // namespace

double expert_score(const float* row) {
  constexpr std::size_t kAbsZ = place("abs_z_entity_desc");
  constexpr std::size_t kZDescription = place("z_description");
  constexpr std::size_t kSign = place("sign_surprise");
  constexpr std::size_t kAbsLag = place("abs_lag");
  constexpr std::size_t kSame = place("same_key_and_day");
  constexpr std::size_t kRepeats = place("seen_amount");
  constexpr std::size_t kCount = place("count_entity_desc");
  const double habit = ramp(row[kAbsZ], 3, 30) * 0.9;
  const double description = ramp(std::abs(row[kZDescription]), 4, 12) * 0.7;
  const double sign = row[kCount] >= 3 ? ramp(row[kSign], 2, 7) * 0.8 : 0;
  const double date = ramp(row[kAbsLag], 6, 60) * 0.95;
  const double again = row[kSame] > 0 ? (row[kRepeats] < 1.5F ? 0.85 : 0.4) : 0;
  return std::max({habit, description, sign, date, again});
}

}  // namespace ledgermill::model
