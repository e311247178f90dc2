// SPDX-License-Identifier: Apache-2.0
#include "record/amount.h"

#include <algorithm>

namespace ledgermill {

namespace {
__extension__ typedef unsigned __int128 UInt128;
}

std::string Amount::text() const { return ExactSum{minor_units}.text(scale); }

std::string ExactSum::text(std::uint8_t scale) const {
  UInt128 rest = minor_units < 0 ? UInt128(0) - static_cast<UInt128>(minor_units) : static_cast<UInt128>(minor_units);
  std::string reversed;
  do {
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    if (scale > 0 && reversed.size() == scale) reversed += '.';
  } while (rest != 0 || reversed.size() <= scale || (scale > 0 && reversed.back() == '.'));
  if (minor_units < 0) reversed += '-';
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::optional<ExactSum> ExactSum::from_text(std::string_view text, std::uint8_t scale) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  constexpr std::size_t kMostDigits = 37;  // 10^37 < 2^127
  if (text.empty() || text.size() > kMostDigits) return std::nullopt;
  ExactSum sum;
  int decimals = -1;  // -1 until the point was seen
  bool digit_seen = false;
  for (const char c : text) {
    if (c == '.' && decimals < 0 && digit_seen) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    digit_seen = true;
    if (decimals >= 0 && ++decimals > scale) return std::nullopt;
    sum.minor_units = sum.minor_units * 10 + (c - '0');
  }
  if (!digit_seen || decimals == 0) return std::nullopt;
  for (int d = decimals < 0 ? 0 : decimals; d < scale; ++d) sum.minor_units *= 10;
  if (negative) sum.minor_units = -sum.minor_units;
  return sum;
}

}  // namespace ledgermill
