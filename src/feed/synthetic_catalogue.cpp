// SPDX-License-Identifier: Apache-2.0
#include "feed/synthetic_catalogue.h"

#include <fmt/core.h>

#include "base/failure.h"
#include "base/file.h"
#include "yaml/yaml_map.h"

namespace ledgermill::feed {

namespace {

constexpr std::uint64_t kMostWeight = 1'000'000;

std::string quoted_where_needed(const std::string& text, const LineFraming& framing) {
  const std::string special{framing.delimiter, framing.quote, '\n', '\r'};
  if (framing.quote == 0 || text.find_first_of(special) == std::string::npos) return text;
  std::string quoted(1, framing.quote);
  for (const char c : text) {
    if (c == framing.quote) quoted += framing.quote;
    quoted += c;
  }
  return quoted + framing.quote;
}

std::int64_t day_of(const YamlMap& map, const char* key) {
  const std::string text = map.required_text(key);
  const auto date = BusinessDate::from_text(text);
  if (!date) throw map.mistake_at(key, fmt::format("'{}' is no day", text), "write it as 2025-03-30");
  return date->days_since_epoch();
}

std::int64_t number_of(const YamlMap& map, const char* key, const Field& field) {
  const std::string text = map.required_text(key);
  const auto sum = ExactSum::from_text(text, field.scale);
  constexpr Int128 kMost = 999'999'999'999'999'999;
  if (!sum || sum->minor_units > kMost || sum->minor_units < -kMost) {
    throw map.mistake_at(key,
                         fmt::format("'{}' is no number with at most {} decimals and 18 digits", text, field.scale));
  }
  return static_cast<std::int64_t>(sum->minor_units);
}

CellRecipe read_recipe(const YamlMap& map, const Field& field, const LineFraming& framing) {
  map.only({"one_of", "day_from", "day_to", "from", "to", "pattern"});
  CellRecipe recipe;
  if (map.has("one_of")) {
    recipe.kind = CellRecipe::Kind::kOneOf;
    for (const std::string& text : map.texts("one_of")) recipe.texts.push_back(quoted_where_needed(text, framing));
    if (recipe.texts.empty()) throw map.mistake_at("one_of", "'one_of' has no text");
  } else if (map.has("day_from")) {
    recipe = {CellRecipe::Kind::kDay, {}, day_of(map, "day_from"), day_of(map, "day_to"), {}};
  } else if (map.has("from")) {
    recipe = {CellRecipe::Kind::kNumber, {}, number_of(map, "from", field), number_of(map, "to", field), {}};
  } else if (map.has("pattern")) {
    recipe.kind = CellRecipe::Kind::kPattern;
    recipe.pattern = map.required_text("pattern");
  } else {
    throw map.mistake(map.line(), fmt::format("the cell '{}' is not described", field.name),
                      "give it one_of, day_from and day_to, from and to, or pattern");
  }
  if (recipe.to < recipe.from)
    throw map.mistake(map.line(), fmt::format("the cell '{}' ends before it begins", field.name));
  return recipe;
}

std::size_t field_named(const YamlMap& map, const char* key, const std::string& label, const Layout& layout) {
  const auto field = layout.find(label);
  if (!field) throw map.mistake_at(key, fmt::format("the feed has no field '{}'", label));
  return *field;
}

/// The labels of `layout` that are keys of `map`; any other key is a mistake.
std::vector<std::size_t> fields_in(const YamlMap& map, const Layout& layout) {
  for (const std::string& key : map.keys()) {
    if (!layout.find(key)) throw map.mistake(map.line_of(key.c_str()), fmt::format("the feed has no field '{}'", key));
  }
  std::vector<std::size_t> fields;
  for (std::size_t f = 0; f < layout.fields.size(); ++f) {
    if (map.has(layout.fields[f].name.c_str())) fields.push_back(f);
  }
  return fields;
}

RecordKind read_kind(const YamlMap& map, const FeedDefinition& definition) {
  map.only({"name", "weight", "cells"});
  RecordKind kind;
  kind.name = map.required_text("name");
  kind.weight = static_cast<std::uint32_t>(map.number("weight", 1, kMostWeight).value_or(1));
  kind.cells.resize(definition.layout.fields.size());
  const auto cells = map.map("cells");
  if (!cells) throw map.mistake(map.line(), fmt::format("the kind '{}' has no 'cells'", kind.name));
  for (const std::size_t f : fields_in(*cells, definition.layout)) {
    const Field& field = definition.layout.fields[f];
    kind.cells[f] = read_recipe(*cells->map(field.name.c_str()), field, definition.framing);
  }
  for (std::size_t f = 0; f < kind.cells.size(); ++f) {
    const Field& field = definition.layout.fields[f];
    if (kind.cells[f].kind == CellRecipe::Kind::kEmpty && field.constraints.required) {
      throw cells->mistake(
          cells->line(), fmt::format("the kind '{}' does not describe the required cell '{}'", kind.name, field.name));
    }
  }
  return kind;
}

/// "ff 41" as two bytes.
std::string bytes_of_hex(const YamlMap& map, const char* key) {
  std::string bytes;
  int nibbles = 0;
  int value = 0;
  for (const char c : map.required_text(key)) {
    if (c == ' ') continue;
    const int nibble = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (nibble < 0) throw map.mistake_at(key, "only the digits 0 to 9, a to f and spaces are bytes in hex");
    value = value * 16 + nibble;
    if (++nibbles % 2 == 0) {
      bytes += static_cast<char>(value);
      value = 0;
    }
  }
  return bytes;
}

Fault read_fault(const YamlMap& map, const FeedDefinition& definition, const std::vector<RecordKind>& kinds) {
  map.only({"name", "about", "weight", "kinds", "cells", "cells_hex", "remove", "before", "append", "repeat_header",
            "code", "field"});
  Fault fault;
  fault.name = map.required_text("name");
  fault.weight = static_cast<std::uint32_t>(map.number("weight", 1, kMostWeight).value_or(1));
  for (const std::string& name : map.texts("kinds")) {
    std::size_t k = 0;
    while (k < kinds.size() && kinds[k].name != name) ++k;
    if (k == kinds.size()) throw map.mistake_at("kinds", fmt::format("there is no kind '{}'", name));
    fault.kinds.push_back(k);
  }
  if (const auto cells = map.map("cells")) {
    for (const std::size_t f : fields_in(*cells, definition.layout)) {
      fault.cells.push_back({f, cells->texts(definition.layout.fields[f].name.c_str())});
    }
  }
  if (const auto cells = map.map("cells_hex")) {
    for (const std::size_t f : fields_in(*cells, definition.layout)) {
      fault.cells.push_back({f, {bytes_of_hex(*cells, definition.layout.fields[f].name.c_str())}});
    }
  }
  if (const auto label = map.text("remove")) fault.remove = field_named(map, "remove", *label, definition.layout);
  fault.before = map.text("before").value_or("");
  fault.append = map.text("append").value_or("");
  fault.repeat_header = map.flag("repeat_header", false);
  fault.code = map.text("code").value_or("");
  fault.field = map.text("field").value_or("");
  if (!fault.field.empty()) field_named(map, "field", fault.field, definition.layout);
  return fault;
}

}  // namespace

SyntheticCatalogue load_catalogue(const FeedDefinition& definition) {
  if (!definition.synthetic) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("feed '{}' has no catalogue to generate records from", definition.name),
                  "name one in the definition: 'synthetic: FILE' (docs/formats/synthetic.md)");
  }
  const std::filesystem::path path = definition.path.parent_path() / *definition.synthetic;
  const YamlMap map = YamlMap::parse(read_small_file(path), path);
  map.only({"newline", "kinds", "faults"});
  SyntheticCatalogue catalogue;
  catalogue.newline = map.text("newline").value_or("\n");
  for (const YamlMap& kind : map.maps("kinds")) catalogue.kinds.push_back(read_kind(kind, definition));
  if (catalogue.kinds.empty()) throw map.mistake(map.line(), "'kinds' is missing: there is no record to make");
  for (const YamlMap& fault : map.maps("faults"))
    catalogue.faults.push_back(read_fault(fault, definition, catalogue.kinds));
  return catalogue;
}

}  // namespace ledgermill::feed
