// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "triage/fix_parts.h"

namespace ledgermill::triage {

namespace {

constexpr auto kNone = std::nullopt;
using Text = std::optional<std::string>;

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::size_t count_of(const std::string& text, char c) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), c));
}

Text comma_for_point(const Field& field, const std::string& value) {
  const char other = field.decimal_char == '.' ? ',' : '.';
  if (field.type != FieldType::kDecimal || count_of(value, other) != 1) return kNone;
  if (value.find(field.decimal_char) == std::string::npos)
    return replaced(value, std::string(1, other), std::string(1, field.decimal_char));
  // "1.234,50": the field's point is their thousands mark. "1,234.50" is the next fix's.
  if (value.rfind(field.decimal_char) > value.find(other)) return kNone;
  const std::string bare = replaced(value, std::string(1, field.decimal_char), "");
  return replaced(bare, std::string(1, other), std::string(1, field.decimal_char));
}

/// Three digits behind each mark, one to three before the first.
Text without_mark(const std::string& value, std::string_view mark, char decimal) {
  const std::size_t end = std::min(value.size(), value.find(decimal));
  if (value.find(mark) >= end) return kNone;
  std::size_t at = value.find_first_of("0123456789");
  for (bool first = true; at < end; first = false) {
    std::size_t next = value.find(mark, at);
    if (next == std::string::npos || next > end) next = end;
    const std::size_t digits = next - at;
    if (!all_digits(std::string_view(value).substr(at, digits))) return kNone;
    if (first ? digits > 3 : digits != 3) return kNone;
    at = next == end ? end : next + mark.size();
  }
  return replaced(value, mark, "");
}

Text without_thousands(const Field& field, const std::string& value) {
  if (!field.is_number()) return kNone;
  for (const std::string_view mark : {",", " ", "'", ".", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x99"}) {
    if (mark[0] == field.decimal_char) continue;
    if (auto bare = without_mark(value, mark, field.decimal_char)) return bare;
  }
  return kNone;
}

Text sign_to_front(const Field& field, const std::string& value) {
  if (!field.is_number() || value.size() < 2 || (value.back() != '-' && value.back() != '+')) return kNone;
  const std::string digits = value.substr(0, value.size() - 1);
  if (digits.find_first_of("+-") != std::string::npos) return kNone;
  return value.back() == '-' ? "-" + digits : digits;
}

Text brackets_to_sign(const Field& field, const std::string& value) {
  if (!field.is_number() || value.size() < 3 || value.front() != '(' || value.back() != ')') return kNone;
  return "-" + value.substr(1, value.size() - 2);
}

Text other_minus(const Field& field, const std::string& value) {
  if (!field.is_number()) return kNone;
  for (const std::string_view minus : {"\xe2\x88\x92", "\xe2\x80\x93", "\xe2\x80\x90", "\xe2\x80\x91"}) {
    if (value.find(minus) != std::string::npos) return replaced(value, minus, "-");
  }
  return kNone;
}

Text without_currency(const Field& field, const std::string& value) {
  if (!field.is_number()) return kNone;
  std::string bare = value;
  for (const std::string_view sign : {"$", "\xe2\x82\xac", "\xc2\xa3", "EUR", "USD", "GBP", "CHF", "JPY"})
    bare = replaced(bare, sign, "");
  if (bare == value) return kNone;
  bare.erase(std::remove(bare.begin(), bare.end(), ' '), bare.end());
  return bare;
}

Text without_zeros(const Field& field, const std::string& value) {
  const std::size_t point = value.find(field.decimal_char);
  if (field.type != FieldType::kDecimal || field.scale == 0 || point == std::string::npos) return kNone;
  const std::size_t keep = point + 1 + field.scale;
  if (value.size() <= keep || value.find_first_not_of('0', keep) != std::string::npos) return kNone;
  return value.substr(0, keep);
}

/// The last digit carries the sign: EBCDIC's zones as their letters, or GnuCOBOL's of ASCII (p to y are negative).
Text overpunch(const Field& field, const std::string& value, bool implied_point) {
  if (!field.is_number() || value.size() < 2 || !all_digits(std::string_view(value).substr(0, value.size() - 1)))
    return kNone;
  constexpr std::array<std::string_view, 3> kSets{"{ABCDEFGHI", "}JKLMNOPQR", "pqrstuvwxy"};
  for (std::size_t set = 0; set < kSets.size(); ++set) {
    const std::size_t digit = kSets.at(set).find(value.back());
    if (digit == std::string_view::npos) continue;
    std::string digits = value.substr(0, value.size() - 1) + static_cast<char>('0' + digit);
    if (implied_point) {
      if (field.scale == 0) return kNone;  // the same as without
      if (digits.size() <= field.scale) digits.insert(0, field.scale + 1 - digits.size(), '0');
      digits.insert(digits.size() - field.scale, 1, field.decimal_char);
    }
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    if (digits.front() == field.decimal_char) digits.insert(0, 1, '0');
    return set == 0 ? digits : "-" + digits;
  }
  return kNone;
}

Text trimmed(const Field&, const std::string& value) {
  std::string text = replaced(value, "\xc2\xa0", " ");
  text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
  text.erase(text.find_last_not_of(" \t") + 1);
  return text;
}

Text letters_as_listed(const Field& field, const std::string& value) {
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
  };
  Text found;
  for (const std::string& listed : field.constraints.enumeration) {
    if (listed == value) return kNone;
    if (lower(listed) != lower(value)) continue;
    if (found) return kNone;
    found = listed;
  }
  return found;
}

Text opposite(const Field& field, const std::string& value) {
  if (field.type != FieldType::kDecimal || value.empty()) return kNone;
  return value.front() == '-' ? value.substr(1) : "-" + value;
}

Text hundredth(const Field& field, const std::string& value) {
  if (field.type != FieldType::kDecimal || field.scale < 2) return kNone;
  std::string whole = value;
  if (const std::size_t point = value.find(field.decimal_char); point != std::string::npos) {
    if (value.find_first_not_of('0', point + 1) != std::string::npos) return kNone;
    whole.resize(point);
  }
  const std::size_t sign = whole.front() == '-' ? 1 : 0;
  if (!all_digits(std::string_view(whole).substr(sign))) return kNone;
  if (whole.size() - sign < 3) whole.insert(sign, 3 - (whole.size() - sign), '0');
  return whole.insert(whole.size() - 2, 1, field.decimal_char);
}

}  // namespace

void add_value_fixes(std::vector<Fix>& fixes, const Group& group, const RecordForm& form) {
  const auto add = [&](const char* cause, const char* text, bool keeps, int order, CellChange change) {
    fixes.push_back({cause, text, keeps, order, Fix::Stage::kValue, on_cells(form, std::move(change))});
  };
  add("spaces-around", "cut spaces around the value", true, 1, trimmed);
  add("letter-case", "write the value as the list has it", true, 1, letters_as_listed);
  add("decimal-comma", "read the comma as the decimal point", true, 1, comma_for_point);
  add("thousands-mark", "leave thousands marks out", true, 2, without_thousands);
  add("trailing-sign", "put the sign in front", true, 1, sign_to_front);
  add("brackets", "read brackets as a minus sign", true, 1, brackets_to_sign);
  add("minus-sign", "write the minus sign as '-'", true, 1, other_minus);
  add("currency-sign", "leave the currency out", false, 2, without_currency);
  add("extra-decimals", "leave zeros behind the last decimal out", true, 1, without_zeros);
  add("overpunch", "read the last sign as digit with sign, the point implied", true, 1,
      [](const Field& field, const std::string& value) { return overpunch(field, value, true); });
  add("overpunch", "read the last sign as digit with sign, whole units", true, 2,
      [](const Field& field, const std::string& value) { return overpunch(field, value, false); });
  // A well-formed number that a rule refuses: these change what was said, so they are a question to the sender.
  const std::string& code = group.key.code;
  if (code == "type-error" || code == "missing-cell" || code == "extra-cell") return;
  const auto of_the_field = [name = group.key.field](CellChange change) -> CellChange {
    return [name, change = std::move(change)](const Field& field, const std::string& value) {
      return field.name == name ? change(field, value) : Text();
    };
  };
  add("sign-reversed", "turn the sign round", false, 8, of_the_field(opposite));
  add("unit", "divide by 100", false, 9, of_the_field(hundredth));
}

}  // namespace ledgermill::triage
