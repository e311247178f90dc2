// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <limits>

#include "job/definition_parts.h"

namespace ledgermill::job {

namespace {

constexpr std::size_t kMostRecordBytes = 1U << 20;

Field field_of(const YamlMap& map, const RecordForm& form) {
  Field field;
  const auto at = map.number("at", 1, kMostRecordBytes);
  const auto length = map.number("length", 1, kMostRecordBytes);
  if (!at || !length) throw map.mistake(map.line(), fmt::format("{} needs 'at' and 'length'", map.where()));
  field.at = *at;
  field.length = *length;
  if (form.fixed_length != 0 && field.at - 1 + field.length > form.fixed_length)
    throw map.mistake_at("length", fmt::format("the field ends at byte {}, the record has {}",
                                               field.at - 1 + field.length, form.fixed_length));
  const std::string kind = map.text("as").value_or("text");
  const auto known = field_kind_from_name(kind);
  if (!known)
    throw map.mistake_at("as", fmt::format("'as' is '{}'; it is text, number, zoned, packed or binary", kind));
  field.kind = *known;
  if (field.kind == FieldKind::kBinary && field.length > 8)
    throw map.mistake_at("length", "a binary field has at most 8 bytes");
  return field;
}

Comparison comparison_of(const YamlMap& map) {
  static constexpr std::pair<std::string_view, Comparison> kComparisons[] = {
      {"=", Comparison::kEqual},   {"!=", Comparison::kNotEqual}, {"<", Comparison::kLess},
      {"<=", Comparison::kAtMost}, {">", Comparison::kGreater},   {">=", Comparison::kAtLeast}};
  const std::string sign = map.text("is").value_or("=");
  for (const auto& [known, comparison] : kComparisons) {
    if (sign == known) return comparison;
  }
  throw map.mistake_at("is", fmt::format("'is' is '{}'; it is =, !=, <, <=, > or >=", sign));
}

FieldCondition condition_of(const YamlMap& map, const RecordForm& form, const Parts& parts, int depth = 0) {
  if (depth > 20) throw map.mistake(map.line(), "conditions stand in each other more than 20 deep");
  FieldCondition condition;
  const bool all = map.has("all");
  if (all || map.has("any")) {
    map.only({all ? "all" : "any"});
    condition.join = all ? FieldCondition::Join::kAll : FieldCondition::Join::kAny;
    for (const YamlMap& part : map.maps(all ? "all" : "any"))
      condition.parts.emplace_back(condition_of(part, form, parts, depth + 1));
    if (condition.parts.empty()) throw map.mistake(map.line(), "a list of conditions is empty");
    return condition;
  }
  map.only({"at", "length", "as", "is", "value"});
  FieldCondition::Test test{field_of(map, form), comparison_of(map), ""};
  if (!map.has("value")) throw map.mistake(map.line(), fmt::format("'value' is missing in {}", map.where()));
  try {
    test.value = comparable_literal(test.field, parts.text(map, "value"));
  } catch (const Failure& mistake) {
    throw map.mistake_at("value", mistake.fact(), mistake.hint());
  }
  condition.parts.emplace_back(std::move(test));
  return condition;
}

RecordForm form_of(const YamlMap& map, const char* key) {
  RecordForm form;
  if (!map.has(key)) return form;
  const std::string choice = fmt::format("'{}' is lines, or {{fixed: LENGTH}}", key);
  if (!map.is_map(key)) {
    if (map.required_text(key) != "lines") throw map.mistake_at(key, choice);
    return form;
  }
  const YamlMap record = *map.map(key);
  record.only({"fixed"});
  const auto length = record.number("fixed", 1, kMostRecordBytes);
  if (!length) throw record.mistake(record.line(), choice);
  form.fixed_length = *length;
  return form;
}

Selection selection_of(const YamlMap& map, const Parts& parts) {
  Selection selection;
  selection.form = form_of(map, "record");
  if (const auto include = map.map("include")) selection.include = condition_of(*include, selection.form, parts);
  if (const auto omit = map.map("omit")) selection.omit = condition_of(*omit, selection.form, parts);
  for (const YamlMap& part : map.maps("output")) {
    if (part.has("text")) {
      part.only({"text"});
      selection.output.push_back({parts.text(part, "text")});
    } else {
      part.only({"at", "length"});
      selection.output.push_back({field_of(part, selection.form)});
    }
  }
  return selection;
}

Translation translation_of(const YamlMap& map, const CopyStep& step, const Parts& parts) {
  map.only({"from", "to", "keep"});
  if (map.has("from") == map.has("to"))
    throw map.mistake(map.line(), "'translate' needs one of 'from' and 'to', a code page");
  const char* key = map.has("from") ? "from" : "to";
  if (step.selection.form.fixed_length == 0)
    throw map.mistake_at(key, "what is translated are records of one length: line ends differ too",
                         "say 'record: {fixed: LENGTH}'");
  Translation made;
  made.direction = map.has("from") ? Translation::Direction::kFrom : Translation::Direction::kTo;
  made.code_page = parts.text(map, key);
  try {
    made.table = translation_table(made.code_page, made.direction);
  } catch (const Failure& mistake) {
    throw map.mistake_at(key, mistake.fact(), mistake.hint());
  }
  for (const YamlMap& each : map.maps("keep")) {
    each.only({"at", "length"});
    const Field field =
        field_of(each, made.direction == Translation::Direction::kFrom ? step.selection.form : RecordForm{});
    made.keep.push_back({field.at, field.length});
  }
  return made;
}

}  // namespace

SortStep sort_of(const YamlMap& map, const Parts& parts) {
  map.only({"record", "keys", "include", "omit", "output", "unique"});
  SortStep step;
  step.selection = selection_of(map, parts);
  for (const YamlMap& key : map.maps("keys")) {
    key.only({"at", "length", "as", "order"});
    const std::string order = key.text("order").value_or("ascending");
    if (order != "ascending" && order != "descending")
      throw key.mistake_at("order", fmt::format("'order' is '{}'; it is ascending or descending", order));
    step.keys.push_back({field_of(key, step.selection.form), order == "descending"});
  }
  if (step.keys.empty())
    throw map.mistake(map.line(), "a sort needs at least one key", "to write records as they come, use copy");
  step.unique = map.flag("unique", false);
  return step;
}

CopyStep copy_of(const YamlMap& map, const Parts& parts) {
  map.only({"record", "to", "translate", "include", "omit", "output", "skip", "records"});
  CopyStep step;
  step.selection = selection_of(map, parts);
  if (map.has("to")) step.to = form_of(map, "to");
  if (const auto translate = map.map("translate")) step.translation = translation_of(*translate, step, parts);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  step.skip = map.number("skip", 0, kMost).value_or(0);
  step.records = map.number("records", 0, kMost);
  return step;
}

}  // namespace ledgermill::job
