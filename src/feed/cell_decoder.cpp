// SPDX-License-Identifier: Apache-2.0
#include "feed/cell_decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
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

/// Eight bytes as one number, the first byte lowest.
std::uint64_t eight_bytes(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// Whether every byte of `word` is 0 to 9 (for bytes made by xor with '0': whether every one was a digit).
bool all_below_ten(std::uint64_t word) { return (((word + 0x7676767676767676U) | word) & 0x8080808080808080U) == 0; }

/// The number that eight digits make, the first of them in the lowest byte (each 0 to 9): pairs, then fours, then all.
std::uint64_t number_of_eight(std::uint64_t digits) {
  digits = (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ffU;
  digits = (digits * 100 + (digits >> 16)) & 0x0000ffff0000ffffU;
  return (digits * 10000 + (digits >> 32)) & 0xffffffffU;
}

constexpr std::array<std::uint32_t, 10> kPowersOfTen{1,      10,      100,      1000,      10000,
                                                     100000, 1000000, 10000000, 100000000, 1000000000};

/// What parse_number says of the common form: one to eight digits, then the decimal character and one to `scale`
/// digits or neither. Nothing for any other text, good or bad. Reads the eight bytes before the decimal character, of
/// which `before` stand before the cell.
std::optional<std::int64_t> parse_common_number(std::string_view cell, std::size_t before, unsigned precision,
                                                unsigned scale, char decimal_char) {
  if (cell.empty()) return std::nullopt;
  const bool negative = cell[0] == '-';
  const std::size_t end = cell.size();
  unsigned decimals = std::min<unsigned>(scale, static_cast<unsigned>(end - 1));
  while (decimals > 0 && cell[end - 1 - decimals] != decimal_char) --decimals;
  const std::size_t whole_end = decimals > 0 ? end - 1 - decimals : end;
  const std::size_t whole = whole_end - (negative ? 1 : 0);
  if (whole - 1 > 7 || whole + scale > precision || scale >= kPowersOfTen.size() || before + whole_end < 8)
    return std::nullopt;
  const std::uint64_t digits =
      (eight_bytes(cell.data() + whole_end - 8) ^ 0x3030303030303030U) >> (8 * (8 - whole)) << (8 * (8 - whole));
  if (!all_below_ten(digits)) return std::nullopt;
  std::uint64_t fraction = 0;
  for (std::size_t at = whole_end + 1; at < end; ++at) {
    const unsigned digit = digit_of(cell[at]);
    if (digit > 9) return std::nullopt;
    fraction = fraction * 10 + digit;
  }
  const auto value = static_cast<std::int64_t>(number_of_eight(digits) * kPowersOfTen[scale] +
                                               fraction * kPowersOfTen[scale - decimals]);
  return negative ? -value : value;
}

/// "2025-03-30", by position; whether the day exists is for the caller.
std::optional<BusinessDate> parse_iso_date(std::string_view cell) {
  if (cell.size() != 10) return std::nullopt;
  // After the xor a digit is 0 to 9 and a hyphen 0, and adding can reach 0x80 only from another byte.
  const std::uint64_t head = eight_bytes(cell.data()) ^ 0x2d30302d30303030U;
  if ((((head + 0x7f76767f76767676U) | head) & 0x8080808080808080U) != 0) return std::nullopt;
  const unsigned tens = digit_of(cell[8]);
  const unsigned ones = digit_of(cell[9]);
  if (tens > 9 || ones > 9) return std::nullopt;
  const auto digit = [head](unsigned i) { return static_cast<unsigned>(head >> (8 * i)) & 0xffU; };
  return BusinessDate{static_cast<std::int16_t>(digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3)),
                      static_cast<std::int8_t>(digit(5) * 10 + digit(6)), static_cast<std::int8_t>(tens * 10 + ones)};
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

bool CellDecoder::is_among_missing_values(std::string_view cell) const {
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

TextRef CellDecoder::trimmed(const ChunkText& text, TextRef cell) const {
  if (!field_.trim) return cell;
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  std::string_view plain = text.at(cell);
  while (!plain.empty() && is_space(plain.front())) plain.remove_prefix(1), ++cell.offset;
  while (!plain.empty() && is_space(plain.back())) plain.remove_suffix(1);
  cell.length = static_cast<std::uint32_t>(plain.size());
  return cell;
}

template <class Decode>
void CellDecoder::decode_each(const ChunkText& text, std::span<const std::uint32_t> records, RecordBlock& block,
                              Findings& findings, Decode decode) const {
  FieldState* const states = block.states(index_).data();
  TextRef* const places = block.texts(index_).data();
  for (const std::uint32_t i : records) {
    if (field_.trim) places[i] = trimmed(text, places[i]);
    const std::string_view cell = text.at(places[i]);
    if (is_missing(cell)) {
      invalidate(block, i);
      states[i] = FieldState::kMissing;
    } else if (decode(cell, i)) {
      states[i] = FieldState::kValid;
    } else {
      states[i] = FieldState::kInvalid;
      findings.push_back({i, {ReasonCode::kTypeError, static_cast<std::uint16_t>(index_), places[i]}});
    }
  }
}

void CellDecoder::decode_column(const ChunkText& text, std::span<const std::uint32_t> records, RecordBlock& block,
                                Findings& findings) const {
  const char* const first = text.source.data();
  const auto each = [&](auto decode) { decode_each(text, records, block, findings, decode); };
  switch (field_.type) {
    case FieldType::kString:
      return each([](std::string_view, std::size_t) { return true; });
    case FieldType::kInteger:
    case FieldType::kDecimal: {
      std::int64_t* const values = block.integers(index_).data();
      const unsigned precision = field_.type == FieldType::kInteger ? 19 : field_.precision;
      const unsigned scale = field_.type == FieldType::kInteger ? 0 : field_.scale;
      return each([=, this](std::string_view cell, std::size_t i) {
        auto value = parse_common_number(cell, static_cast<std::size_t>(cell.data() - first), precision, scale,
                                         field_.decimal_char);
        if (!value) value = parse_number(cell, precision, scale, field_.decimal_char, field_.group_char);
        values[i] = value.value_or(0);
        return value.has_value();
      });
    }
    case FieldType::kDate: {
      const std::span<BusinessDate> dates = block.dates(index_);
      if (is_iso_date_) {
        return each([first = dates.data()](std::string_view cell, std::size_t i) {
          const auto date = parse_iso_date(cell);
          const bool good = date && date->exists();
          first[i] = good ? *date : BusinessDate{};
          return good;
        });
      }
      return each([=, this](std::string_view cell, std::size_t i) {
        return store(dates, i, parse_date(cell, is_iso_date_, field_.format));
      });
    }
    case FieldType::kDatetime:
    case FieldType::kBoolean:
      return each([&](std::string_view cell, std::size_t i) { return decode_value(cell, block, i); });
  }
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
