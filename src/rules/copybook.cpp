// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <set>

#include "base/failure.h"
#include "base/sha256.h"
#include "rules/module_judge.h"
#include "rules/module_layout.h"

namespace ledgermill::rules {

namespace {

constexpr std::size_t kMostNameBytes = 30;  // what every COBOL compiler takes
constexpr std::uint32_t kMostTextBytes = 4096;

/// "Transaction Type" → "TRANSACTION-TYPE"
std::string cobol_name(std::string_view label) {
  std::string name;
  for (const char c : label) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter)
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name;
}

class Copybook {
 public:
  Copybook(std::string_view feed, const Layout& layout, const RuleModule& module)
      : feed_(feed), layout_(layout), module_(module) {}

  std::string text() {
    std::string columns;
    for (const Field& field : layout_.fields) columns += column(field);
    std::string flags;
    for (const ModuleRule& rule : module_.rules) {
      flags += fmt::format("    05  {} PIC X OCCURS {}.\n", fresh(module_.flag_stem + "-" + cobol_name(rule.code)),
                           BlockLayout::kCapacity);
    }
    const std::string body = fmt::format(
        "01  LM-BLOCK.\n"
        "*>  The records to judge in this call, from 1.\n"
        "    05  FIRST-RECORD BINARY-LONG UNSIGNED.\n"
        "    05  LAST-RECORD BINARY-LONG UNSIGNED.\n"
        "*>  MOVE LM-LAYOUT TO LAYOUT-SEEN, first of all.\n"
        "    05  LAYOUT-SEEN BINARY-LONG UNSIGNED.\n"
        "    05  FILLER BINARY-LONG UNSIGNED.\n"
        "01  LM-COLUMNS.\n{}"
        "*>  MOVE \"Y\" to the flag of each rule that {}.\n"
        "01  LM-{}.\n{}",
        columns, module_.flag_stem == "BROKEN" ? "a record breaks" : "holds for a record", module_.flag_stem, flags);
    return fmt::format(
        "*> Linkage of the rule module of feed {}; generated, do not edit.\n"
        "*> States: 0 missing, 1 valid, 2 invalid.\n"
        "78  LM-LAYOUT VALUE {}.\n{}{}",
        feed_, layout_number(body + constants_), constants_, body);
  }

 private:
  std::string fresh(const std::string& name) {
    if (name.size() > kMostNameBytes) {
      throw Failure(ReturnCode::kRefused,
                    fmt::format("the rule module's name '{}' has {} characters, COBOL takes {}", name, name.size(),
                                kMostNameBytes),
                    "give the field or rule a shorter name in the feed definition");
    }
    if (!names_.insert(name).second) {
      throw Failure(ReturnCode::kRefused,
                    fmt::format("two fields or rules of feed '{}' have the COBOL name '{}'", feed_, name),
                    "rename one of them in the feed definition");
    }
    return name;
  }

  /// Constants for the values of an enum: they need no unique name each, so the value's place stands in it.
  void add_constants(const Field& field, const std::string& name) {
    for (std::size_t i = 0; i < field.constraints.enumeration.size(); ++i) {
      std::string constant = name + "-IS-" + cobol_name(field.constraints.enumeration[i]);
      if (constant.size() > kMostNameBytes || names_.contains(constant))
        constant = fmt::format("{}-IS-{}", name, i + 1);
      constants_ += fmt::format("78  {} VALUE {}.\n", fresh(constant), i + 1);
    }
  }

  std::string value_column(const Field& field, const std::string& name) {
    const auto one = [&](std::string_view suffix, std::string_view picture) {
      return fmt::format("    05  {} {} OCCURS {}.\n", fresh(name + std::string(suffix)), picture,
                         BlockLayout::kCapacity);
    };
    switch (field.type) {
      case FieldType::kInteger:
        return one("-VALUE", "BINARY-DOUBLE");
      case FieldType::kDecimal:
        return one("-MINOR", "BINARY-DOUBLE");
      case FieldType::kDatetime:
        return one("-MICROS", "BINARY-DOUBLE");
      case FieldType::kBoolean:
        return one("-FLAG", "BINARY-CHAR");
      case FieldType::kDate:
        return fmt::format(
            "    05  FILLER OCCURS {}.\n        10  {} BINARY-SHORT.\n        10  {} BINARY-CHAR.\n        10  {} "
            "BINARY-CHAR.\n",
            BlockLayout::kCapacity, fresh(name + "-YEAR"), fresh(name + "-MONTH"), fresh(name + "-DAY"));
      case FieldType::kString:
        break;
    }
    if (field.is_code()) {
      add_constants(field, name);
      return one("-CODE", "BINARY-SHORT");
    }
    if (!field.constraints.max_length || *field.constraints.max_length > kMostTextBytes ||
        *field.constraints.max_length == 0) {
      throw Failure(
          ReturnCode::kRefused,
          fmt::format("field '{}' cannot be shown to a rule module: it has neither enum nor a maxLength of 1 to {}",
                      field.name, kMostTextBytes),
          "give it constraints: {maxLength: N} in the feed definition");
    }
    return one("-TEXT", fmt::format("PIC X({})", *field.constraints.max_length));
  }

  std::string column(const Field& field) {
    const std::string name = cobol_name(field.name);
    if (name.empty())
      throw Failure(ReturnCode::kRefused, fmt::format("field '{}' has no letter for a COBOL name", field.name),
                    "rename it in the feed definition");
    const std::string states =
        fmt::format("    05  {} BINARY-CHAR OCCURS {}.\n", fresh(name + "-STATE"), BlockLayout::kCapacity);
    return states + value_column(field, name);
  }

  std::string_view feed_;
  const Layout& layout_;
  const RuleModule& module_;
  std::set<std::string> names_;
  std::string constants_;
};

}  // namespace

std::uint32_t layout_number(std::string_view linkage) {
  const Digest digest = Sha256::of(linkage);
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | std::to_integer<std::uint32_t>(digest.bytes[i]);
  return (number & 0x3fff'ffffU) | 1U;  // never 0; nine digits at most, as a literal
}

std::uint32_t layout_number_of(std::string_view copybook) {
  constexpr std::string_view kMark = "78  LM-LAYOUT VALUE ";
  const std::size_t at = copybook.find(kMark);
  return static_cast<std::uint32_t>(std::stoul(std::string(copybook.substr(at + kMark.size(), 12))));
}

std::string copybook(std::string_view feed, const Layout& layout, const RuleModule& module) {
  return Copybook(feed, layout, module).text();
}

}  // namespace ledgermill::rules
