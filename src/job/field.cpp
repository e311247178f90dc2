// SPDX-License-Identifier: Apache-2.0
#include "job/field.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/failure.h"

namespace ledgermill::job {

namespace {

constexpr std::size_t kMostDigits = 40;

std::string bytes_of(const Field& field, std::string_view record) {
  const std::size_t begin = std::min(field.at - 1, record.size());
  std::string bytes(record.substr(begin, field.length));
  bytes.resize(field.length, ' ');
  return bytes;
}

Failure no_number(const Field& field, std::string_view kind, std::string_view bytes) {
  std::string shown;
  for (const char c : bytes.substr(0, 40)) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte >= 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return Failure(ReturnCode::kRefused,
                 fmt::format("bytes {} to {} are no {}: '{}'", field.at, field.at + field.length - 1, kind, shown));
}

/// Sign, 40 digits before and as many after the point; of a negative number each digit's complement to 9.
std::string ordered(bool negative, std::string whole, std::string fraction) {
  whole.insert(0, kMostDigits - std::min(kMostDigits, whole.size()), '0');
  fraction.resize(kMostDigits, '0');
  std::string digits = whole + fraction;
  if (digits.find_first_not_of('0') == std::string::npos) negative = false;
  if (negative) {
    for (char& digit : digits) digit = static_cast<char>('0' + ('9' - digit));
  }
  return (negative ? "-" : "0") + digits;  // '-' sorts before '0'
}

std::optional<std::string> ordered_decimal(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(' ') - first + 1);
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string whole(text.substr(0, point));
  const std::string fraction(text.substr(std::min(point + 1, text.size())));
  const auto digits = [](const std::string& part) {
    return part.size() <= kMostDigits && part.find_first_not_of("0123456789") == std::string::npos;
  };
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (!digits(whole) || !digits(fraction)) return std::nullopt;
  return ordered(negative, whole, fraction);
}

std::string ordered_zoned(const Field& field, std::string bytes) {
  const std::string_view as_found = bytes;
  const std::string shown(as_found);
  char& last = bytes.back();
  bool negative = false;
  if (last >= 'p' && last <= 'y') {
    negative = true;
    last = static_cast<char>(last - 'p' + '0');
  } else if (last == '}' || (last >= 'J' && last <= 'R')) {
    negative = true;
    last = last == '}' ? '0' : static_cast<char>(last - 'J' + '1');
  } else if (last == '{' || (last >= 'A' && last <= 'I')) {
    last = last == '{' ? '0' : static_cast<char>(last - 'A' + '1');
  }
  if (bytes.size() > kMostDigits || bytes.find_first_not_of("0123456789") != std::string::npos)
    throw no_number(field, "zoned number", shown);
  return ordered(negative, bytes, "");
}

std::string ordered_packed(const Field& field, const std::string& bytes) {
  std::string digits;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    digits += static_cast<char>(byte >> 4);
    digits += static_cast<char>(byte & 15);
  }
  const char sign = digits.back();
  digits.pop_back();
  for (char& digit : digits) {
    if (digit > 9) throw no_number(field, "packed number", bytes);
    digit = static_cast<char>(digit + '0');
  }
  if (sign < 10 || digits.size() > kMostDigits) throw no_number(field, "packed number", bytes);
  return ordered(sign == 0xB || sign == 0xD, digits, "");
}

std::string ordered_binary(std::string bytes) {
  bytes.front() = static_cast<char>(static_cast<unsigned char>(bytes.front()) ^ 0x80);
  return bytes;
}

std::string binary_literal(const Field& field, std::string_view literal) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(literal.data(), literal.data() + literal.size(), value);
  const unsigned bits = static_cast<unsigned>(field.length) * 8;
  const bool fits =
      bits == 64 || (value >= -(std::int64_t{1} << (bits - 1)) && value < (std::int64_t{1} << (bits - 1)));
  if (error != std::errc() || end != literal.data() + literal.size() || !fits)
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no whole number of {} bytes", literal, field.length));
  std::string bytes;
  for (std::size_t i = field.length; i > 0; --i)
    bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * (i - 1)) & 255);
  return ordered_binary(bytes);
}

bool compare(const std::string& left, Comparison how, const std::string& right) {
  // char_traits<char> compares as unsigned bytes.
  switch (how) {
    case Comparison::kEqual:
      return left == right;
    case Comparison::kNotEqual:
      return left != right;
    case Comparison::kLess:
      return left < right;
    case Comparison::kAtMost:
      return left <= right;
    case Comparison::kGreater:
      return left > right;
    case Comparison::kAtLeast:
      return left >= right;
  }
  return false;
}

}  // namespace

std::optional<FieldKind> field_kind_from_name(std::string_view name) {
  if (name == "text") return FieldKind::kText;
  if (name == "number") return FieldKind::kNumber;
  if (name == "zoned") return FieldKind::kZoned;
  if (name == "packed") return FieldKind::kPacked;
  if (name == "binary") return FieldKind::kBinary;
  return std::nullopt;
}

std::string comparable(const Field& field, std::string_view record) {
  const std::string bytes = bytes_of(field, record);
  switch (field.kind) {
    case FieldKind::kText:
      return bytes;
    case FieldKind::kNumber:
      if (const auto number = ordered_decimal(bytes)) return *number;
      throw no_number(field, "number", bytes);
    case FieldKind::kZoned:
      return ordered_zoned(field, bytes);
    case FieldKind::kPacked:
      return ordered_packed(field, bytes);
    case FieldKind::kBinary:
      return ordered_binary(bytes);
  }
  return bytes;
}

std::string comparable_literal(const Field& field, std::string_view literal) {
  if (field.kind == FieldKind::kBinary) return binary_literal(field, literal);
  if (field.kind == FieldKind::kText) {
    if (literal.size() > field.length)
      throw Failure(ReturnCode::kRefused,
                    fmt::format("'{}' is longer than the field's {} bytes", literal, field.length));
    return bytes_of({1, field.length, field.kind}, literal);
  }
  if (const auto number = ordered_decimal(literal)) return *number;
  throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no number", literal));
}

bool FieldCondition::holds(std::string_view record) const {
  const auto one = [&](const std::variant<Test, FieldCondition>& part) {
    if (const auto* inner = std::get_if<FieldCondition>(&part)) return inner->holds(record);
    const Test& test = std::get<Test>(part);
    return compare(comparable(test.field, record), test.comparison, test.value);
  };
  return join == Join::kAll ? std::all_of(parts.begin(), parts.end(), one)
                            : std::any_of(parts.begin(), parts.end(), one);
}

std::string rebuilt(const std::vector<OutputPart>& parts, std::string_view record) {
  std::string made;
  for (const OutputPart& each : parts) {
    if (const auto* text = std::get_if<std::string>(&each.part)) {
      made += *text;
    } else {
      made += bytes_of(std::get<Field>(each.part), record);
    }
  }
  return made;
}

}  // namespace ledgermill::job
