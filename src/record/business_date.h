// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledgermill {

/// A day of the proleptic Gregorian calendar. Four bytes, as COBOL sees it: BINARY-SHORT, BINARY-CHAR, BINARY-CHAR.
struct BusinessDate {
  std::int16_t year = 0;  ///< 0 to 9999
  std::int8_t month = 0;  ///< 1 to 12
  std::int8_t day = 0;    ///< 1 to 31

  /// True for a day that exists (30 February does not).
  constexpr bool exists() const {
    if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
    if (day <= 28) return true;  // nearly always, so the branches below are seldom taken and seldom guessed wrong
    constexpr std::int8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
  }
  /// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
  /// Only for a day that exists.
  std::int32_t days_since_epoch() const;
  static BusinessDate from_days_since_epoch(std::int32_t days);
  /// "2025-03-30"
  std::string text() const;
  /// Exactly "YYYY-MM-DD" and a day that exists; nothing otherwise.
  static std::optional<BusinessDate> from_text(std::string_view text);

  auto operator<=>(const BusinessDate&) const = default;
};
static_assert(sizeof(BusinessDate) == 4);

/// A moment, in nanoseconds since 1970-01-01 UTC.
struct Timestamp {
  std::int64_t nanoseconds = 0;

  /// "2025-03-30T23:06:42.127715654Z"
  std::string text() const;
  auto operator<=>(const Timestamp&) const = default;
};

}  // namespace ledgermill
