// SPDX-License-Identifier: Apache-2.0
#include "record/business_date.h"

#include <fmt/core.h>

namespace ledgermill {

std::int32_t BusinessDate::days_since_epoch() const {
  const std::int32_t y = year - (month <= 2 ? 1 : 0);
  const std::int32_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int32_t year_of_era = y - era * 400;
  const std::int32_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

BusinessDate BusinessDate::from_days_since_epoch(std::int32_t days) {
  const std::int32_t z = days + 719468;
  const std::int32_t era = (z >= 0 ? z : z - 146096) / 146097;
  const std::int32_t day_of_era = z - era * 146097;
  const std::int32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int32_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int32_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::int32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return {static_cast<std::int16_t>(year), static_cast<std::int8_t>(month), static_cast<std::int8_t>(day)};
}

std::string BusinessDate::text() const { return fmt::format("{:04}-{:02}-{:02}", year, int{month}, int{day}); }

std::optional<BusinessDate> BusinessDate::from_text(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  int numbers[3] = {0, 0, 0};
  constexpr std::size_t kStart[] = {0, 5, 8};
  constexpr std::size_t kLength[] = {4, 2, 2};
  for (int part = 0; part < 3; ++part) {
    for (const char c : text.substr(kStart[part], kLength[part])) {
      if (c < '0' || c > '9') return std::nullopt;
      numbers[part] = numbers[part] * 10 + (c - '0');
    }
  }
  const BusinessDate date{static_cast<std::int16_t>(numbers[0]), static_cast<std::int8_t>(numbers[1]),
                          static_cast<std::int8_t>(numbers[2])};
  if (!date.exists()) return std::nullopt;
  return date;
}

std::string Timestamp::text() const {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kDay = 86'400 * kSecond;
  std::int64_t days = nanoseconds / kDay;
  std::int64_t rest = nanoseconds % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  const std::int64_t seconds = rest / kSecond;
  return fmt::format("{}T{:02}:{:02}:{:02}.{:09}Z",
                     BusinessDate::from_days_since_epoch(static_cast<std::int32_t>(days)).text(), seconds / 3600,
                     seconds / 60 % 60, seconds % 60, rest % kSecond);
}

}  // namespace ledgermill
