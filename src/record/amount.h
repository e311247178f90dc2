// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledgermill {

__extension__ typedef __int128 Int128;

/// Money and other decimals: an exact integer count of minor units. 12.50 with scale 2 is {1250, 2}.
struct Amount {
  std::int64_t minor_units = 0;
  std::uint8_t scale = 0;  ///< digits after the decimal point, 0 to 18

  /// "-1234.50"; always `scale` decimals, never a group separator.
  std::string text() const;
  bool operator==(const Amount&) const = default;
};

/// A sum of amounts of one scale that cannot overflow: 2^64 records of the largest amount fit.
struct ExactSum {
  Int128 minor_units = 0;

  void add(std::int64_t minor) { minor_units += minor; }
  ExactSum& operator+=(const ExactSum& other) {
    minor_units += other.minor_units;
    return *this;
  }
  /// Decimal text with `scale` decimals, e.g. "-1234.50".
  std::string text(std::uint8_t scale) const;
  /// Reads what `text` wrote (or any decimal with at most `scale` decimals); nothing when it is not such a number.
  static std::optional<ExactSum> from_text(std::string_view text, std::uint8_t scale);
  bool operator==(const ExactSum&) const = default;
};

}  // namespace ledgermill
