// SPDX-License-Identifier: Apache-2.0
#include "feed/cell_decoder.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace ledgermill::feed {

namespace {

constexpr unsigned digit_of(char c) { return static_cast<unsigned>(static_cast<unsigned char>(c)) - '0'; }

/// Digits of an integer or decimal: an optional '-', digits with group separators every three, and, when `scale` is
/// above 0, optionally the decimal character and 1 to `scale` digits. No '+', no exponent, no ".5", no "5.".
std::optional<std::int64_t> parse_number(std::string_view cell, unsigned precision, unsigned scale, char decimal_char,
                                         char group_char) {
  std::size_t at = 0;
  const bool negative = !cell.empty() && cell[0] == '-';
  if (negative) ++at;
  const std::size_t digits_begin = at;
  std::uint64_t value = 0;
  unsigned significant = 0;
  const auto take = [&](unsigned digit) {
    value = value * 10 + digit;
    significant += significant > 0 || digit > 0 ? 1U : 0U;
  };
  unsigned since_group = 0;
  bool grouped = false;
  for (; at < cell.size(); ++at) {
    const unsigned digit = digit_of(cell[at]);
    if (digit <= 9) {
      take(digit);
      ++since_group;
      if (significant > 19) return std::nullopt;
    } else if (group_char != 0 && cell[at] == group_char && since_group > 0 &&
               (grouped ? since_group == 3 : since_group <= 3)) {
      grouped = true;
      since_group = 0;
    } else {
      break;
    }
  }
  if (at == digits_begin || (grouped && since_group != 3)) return std::nullopt;
  unsigned decimals = 0;
  if (at < cell.size()) {
    if (scale == 0 || cell[at] != decimal_char) return std::nullopt;
    for (++at; at < cell.size(); ++at) {
      const unsigned digit = digit_of(cell[at]);
      if (digit > 9 || ++decimals > scale) return std::nullopt;
      take(digit);
    }
    if (decimals == 0) return std::nullopt;
  }
  for (; decimals < scale; ++decimals) take(0);
  if (significant > precision || value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
  return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

/// "2025-03-30", by position; whether the day exists is for the caller.
std::optional<BusinessDate> parse_iso_date(std::string_view cell) {
  if (cell.size() != 10 || cell[4] != '-' || cell[7] != '-') return std::nullopt;
  const unsigned d[8] = {digit_of(cell[0]), digit_of(cell[1]), digit_of(cell[2]), digit_of(cell[3]),
                         digit_of(cell[5]), digit_of(cell[6]), digit_of(cell[8]), digit_of(cell[9])};
  unsigned worst = 0;
  for (const unsigned digit : d) worst = std::max(worst, digit);
  if (worst > 9) return std::nullopt;
  return BusinessDate{static_cast<std::int16_t>(d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3]),
                      static_cast<std::int8_t>(d[4] * 10 + d[5]), static_cast<std::int8_t>(d[6] * 10 + d[7])};
}

struct Moment {
  BusinessDate date{1970, 1, 1};
  int hour = 0, minute = 0, second = 0;
};

/// Exactly `digits` digits at `at`.
std::optional<int> take_digits(std::string_view cell, std::size_t& at, std::size_t digits) {
  if (at + digits > cell.size()) return std::nullopt;
  int number = 0;
  for (std::size_t i = 0; i < digits; ++i, ++at) {
    if (digit_of(cell[at]) > 9) return std::nullopt;
    number = number * 10 + static_cast<int>(digit_of(cell[at]));
  }
  return number;
}

/// By strptime's directives %Y %m %d %H %M %S %y %%; every other character stands for itself. Numbers have their full
/// width: a day is "03", never "3". A two-digit year is 1969 to 2068, as in POSIX.
std::optional<Moment> parse_moment(std::string_view cell, std::string_view format) {
  Moment moment;
  std::size_t at = 0;
  for (std::size_t f = 0; f < format.size(); ++f) {
    if (format[f] != '%' || f + 1 == format.size() || format[f + 1] == '%') {
      if (format[f] == '%') ++f;
      if (at >= cell.size() || cell[at++] != format[std::min(f, format.size() - 1)]) return std::nullopt;
      continue;
    }
    const char directive = format[++f];
    const auto number = take_digits(cell, at, directive == 'Y' ? 4 : 2);
    if (!number) return std::nullopt;
    switch (directive) {
      case 'Y':
        moment.date.year = static_cast<std::int16_t>(*number);
        break;
      case 'y':
        moment.date.year = static_cast<std::int16_t>(*number + (*number < 69 ? 2000 : 1900));
        break;
      case 'm':
        moment.date.month = static_cast<std::int8_t>(*number);
        break;
      case 'd':
        moment.date.day = static_cast<std::int8_t>(*number);
        break;
      case 'H':
        moment.hour = *number;
        break;
      case 'M':
        moment.minute = *number;
        break;
      case 'S':
        moment.second = *number;
        break;
      default:
        return std::nullopt;
    }
  }
  if (at != cell.size() || !moment.date.exists() || moment.hour > 23 || moment.minute > 59 || moment.second > 59)
    return std::nullopt;
  return moment;
}

std::optional<BusinessDate> parse_date(std::string_view cell, bool iso, const std::string& format) {
  if (iso) {
    const auto date = parse_iso_date(cell);
    return date && date->exists() ? date : std::nullopt;
  }
  const auto moment = parse_moment(cell, format);
  if (!moment) return std::nullopt;
  return moment->date;
}

std::optional<std::int64_t> parse_datetime(std::string_view cell, const std::string& format) {
  const auto moment = parse_moment(cell, format);
  if (!moment) return std::nullopt;
  const std::int64_t seconds = std::int64_t{moment->date.days_since_epoch()} * 86'400 + moment->hour * 3600 +
                               moment->minute * 60 + moment->second;
  return seconds * 1'000'000;
}

std::optional<std::int8_t> parse_boolean(std::string_view cell, const Field& field) {
  const auto is_one_of = [cell](const std::vector<std::string>& words) {
    return std::find(words.begin(), words.end(), cell) != words.end();
  };
  if (is_one_of(field.true_values)) return std::int8_t{1};
  if (is_one_of(field.false_values)) return std::int8_t{0};
  return std::nullopt;
}

template <class T>
bool store(std::span<T> column, std::size_t i, const std::optional<T>& value) {
  column[i] = value.value_or(T{});
  return value.has_value();
}

}  // namespace

CellDecoder::CellDecoder(const Field& field, std::size_t index, const std::vector<std::string>& missing_values)
    : field_(field),
      index_(index),
      missing_values_(missing_values),
      only_empty_is_missing_(missing_values.size() == 1 && missing_values[0].empty()),
      is_iso_date_(field.format == "%Y-%m-%d") {}

bool CellDecoder::is_missing(std::string_view cell) const {
  if (only_empty_is_missing_) return cell.empty();
  return std::find(missing_values_.begin(), missing_values_.end(), cell) != missing_values_.end();
}

bool CellDecoder::decode(std::string_view cell, RecordBlock& block, std::size_t i) const {
  if (is_missing(cell)) {
    invalidate(block, i);
    block.states(index_)[i] = FieldState::kMissing;
    return true;
  }
  const bool good = decode_value(cell, block, i);
  block.states(index_)[i] = good ? FieldState::kValid : FieldState::kInvalid;
  return good;
}

bool CellDecoder::decode_value(std::string_view cell, RecordBlock& block, std::size_t i) const {
  switch (field_.type) {
    case FieldType::kString:
      return true;
    case FieldType::kInteger:
      return store(block.integers(index_), i, parse_number(cell, 19, 0, 0, field_.group_char));
    case FieldType::kDecimal:
      return store(block.integers(index_), i,
                   parse_number(cell, field_.precision, field_.scale, field_.decimal_char, field_.group_char));
    case FieldType::kDate:
      return store(block.dates(index_), i, parse_date(cell, is_iso_date_, field_.format));
    case FieldType::kDatetime:
      return store(block.integers(index_), i, parse_datetime(cell, field_.format));
    case FieldType::kBoolean:
      return store(block.booleans(index_), i, parse_boolean(cell, field_));
  }
  return false;
}

void CellDecoder::invalidate(RecordBlock& block, std::size_t i) const {
  block.states(index_)[i] = FieldState::kInvalid;
  switch (field_.type) {
    case FieldType::kString:
      break;
    case FieldType::kInteger:
    case FieldType::kDecimal:
    case FieldType::kDatetime:
      block.integers(index_)[i] = 0;
      break;
    case FieldType::kDate:
      block.dates(index_)[i] = {};
      break;
    case FieldType::kBoolean:
      block.booleans(index_)[i] = 0;
      break;
  }
}

}  // namespace ledgermill::feed
