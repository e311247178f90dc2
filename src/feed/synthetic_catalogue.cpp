// SPDX-License-Identifier: Apache-2.0
#include "feed/synthetic_catalogue.h"

#include <fmt/core.h>

#include <algorithm>

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

CellRecipe read_sequence(const YamlMap& map) {
  CellRecipe recipe;
  recipe.kind = CellRecipe::Kind::kSequence;
  recipe.first = map.required_text("sequence");
  constexpr std::size_t kMostDigits = 9;
  if (recipe.first.size() > kMostDigits || recipe.first.find_first_not_of("0123456789") != std::string::npos)
    throw map.mistake_at("sequence", fmt::format("'{}' does not begin a sequence", recipe.first),
                         "1 to 9 digits; its width is kept");
  return recipe;
}

CellRecipe read_parts(const YamlMap& map) {
  CellRecipe recipe;
  recipe.kind = CellRecipe::Kind::kParts;
  const auto parts = map.map("parts");
  for (const std::string& name : parts->keys()) {
    recipe.parts.push_back(parts->texts(name.c_str()));
    if (recipe.parts.back().empty()) throw parts->mistake_at(name.c_str(), fmt::format("'{}' has no text", name));
  }
  if (recipe.parts.empty()) throw map.mistake_at("parts", "'parts' has no list");
  return recipe;
}

CellRecipe read_pool_cell(const YamlMap& map, const Field& field, std::size_t f, const std::vector<Pool>& pools) {
  CellRecipe recipe;
  recipe.kind = CellRecipe::Kind::kPool;
  const std::string name = map.required_text("pool");
  while (recipe.pool < pools.size() && pools[recipe.pool].name != name) ++recipe.pool;
  if (recipe.pool == pools.size()) throw map.mistake_at("pool", fmt::format("there is no pool '{}'", name));
  if (pools[recipe.pool].cells[f].kind == CellRecipe::Kind::kEmpty)
    throw map.mistake_at("pool", fmt::format("the pool '{}' does not describe '{}'", name, field.name));
  return recipe;
}

CellRecipe read_recipe(const YamlMap& map, const FeedDefinition& definition, std::size_t f,
                       const std::vector<Pool>& pools) {
  const Field& field = definition.layout.fields[f];
  map.only({"one_of", "day_from", "day_to", "from", "to", "pattern", "patterns", "parts", "sequence", "pool"});
  CellRecipe recipe;
  if (map.has("one_of")) {
    recipe.kind = CellRecipe::Kind::kOneOf;
    for (const std::string& text : map.texts("one_of"))
      recipe.texts.push_back(quoted_where_needed(text, definition.framing));
    if (recipe.texts.empty()) throw map.mistake_at("one_of", "'one_of' has no text");
  } else if (map.has("day_from")) {
    recipe.kind = CellRecipe::Kind::kDay;
    recipe.from = day_of(map, "day_from");
    recipe.to = day_of(map, "day_to");
  } else if (map.has("from")) {
    recipe.kind = CellRecipe::Kind::kNumber;
    recipe.from = number_of(map, "from", field);
    recipe.to = number_of(map, "to", field);
  } else if (map.has("pattern") || map.has("patterns")) {
    recipe.kind = CellRecipe::Kind::kPattern;
    recipe.patterns = map.texts("patterns");
    if (map.has("pattern")) recipe.patterns.push_back(map.required_text("pattern"));
    if (recipe.patterns.empty()) throw map.mistake_at("patterns", "'patterns' has no text");
  } else if (map.has("parts")) {
    recipe = read_parts(map);
  } else if (map.has("sequence")) {
    recipe = read_sequence(map);
  } else if (map.has("pool")) {
    recipe = read_pool_cell(map, field, f, pools);
  } else {
    throw map.mistake(map.line(), fmt::format("the cell '{}' is not described", field.name),
                      "give it one_of, day_from and day_to, from and to, pattern, patterns, parts, sequence or pool");
  }
  if (recipe.to < recipe.from)
    throw map.mistake(map.line(), fmt::format("the cell '{}' ends before it begins", field.name));
  return recipe;
}

std::size_t longest_of(const std::vector<std::string>& texts) {
  std::size_t longest = 0;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  return longest;
}

/// Bytes of the longest text that the recipe can give.
std::size_t longest(const CellRecipe& recipe, const Field& field) {
  const auto digits = [&field](std::int64_t minor) { return Amount{minor, field.scale}.text().size(); };
  std::size_t parts = recipe.parts.empty() ? 0 : recipe.parts.size() - 1;
  for (const std::vector<std::string>& part : recipe.parts) parts += longest_of(part);
  const bool number = recipe.kind == CellRecipe::Kind::kNumber;
  return std::max({longest_of(recipe.texts), longest_of(recipe.patterns), parts, recipe.first.size(),
                   number ? std::max(digits(recipe.from), digits(recipe.to)) : 0});
}

/// A good cell fits its place, so that what the truth file calls good is good.
void check_place(const YamlMap& map, const CellRecipe& recipe, const FeedDefinition& definition, std::size_t f) {
  if (definition.decoding != Decoding::kPositional) return;
  const Field& field = definition.layout.fields[f];
  const FieldPlace& place = definition.positional.fields[f];
  if (longest(recipe, field) > place.length)
    throw map.mistake(map.line(), fmt::format("the cell '{}' can have {} bytes, its place has {}", field.name,
                                              longest(recipe, field), place.length));
  if (recipe.from < 0 && place.padding == Padding::kZeros)
    throw map.mistake(map.line(), fmt::format("the cell '{}' is padded with zeros and cannot be negative", field.name));
}

/// The cells that `map` describes, by field; kEmpty where it does not.
std::vector<CellRecipe> read_cells(const YamlMap& cells, const FeedDefinition& definition,
                                   const std::vector<Pool>& pools) {
  std::vector<CellRecipe> recipes(definition.layout.fields.size());
  for (const std::size_t f : fields_in(cells, definition.layout)) {
    const auto map = cells.map(definition.layout.fields[f].name.c_str());
    if (!map)
      throw cells.mistake(cells.line(),
                          fmt::format("the cell '{}' is not described", definition.layout.fields[f].name));
    recipes[f] = read_recipe(*map, definition, f, pools);
    check_place(*map, recipes[f], definition, f);
  }
  return recipes;
}

std::vector<Pool> read_pools(const YamlMap& map, const FeedDefinition& definition) {
  std::vector<Pool> pools;
  for (const std::string& name : map.keys()) {
    const auto entry = map.map(name.c_str());
    if (!entry) throw map.mistake_at(name.c_str(), fmt::format("the pool '{}' is empty", name));
    entry->only({"rows", "cells"});
    constexpr std::uint64_t kMostRows = 1'000'000;
    const auto rows = entry->number("rows", 1, kMostRows);
    const auto cells = entry->map("cells");
    if (!rows || !cells)
      throw entry->mistake(entry->line(), fmt::format("the pool '{}' has no '{}'", name, rows ? "cells" : "rows"));
    Pool pool{name, static_cast<std::uint32_t>(*rows), read_cells(*cells, definition, {})};
    for (const CellRecipe& recipe : pool.cells) {
      if (recipe.kind == CellRecipe::Kind::kSequence)
        throw cells->mistake(cells->line(), "a sequence counts records, and a pool has none");
    }
    pools.push_back(std::move(pool));
  }
  return pools;
}

RecordKind read_kind(const YamlMap& map, const FeedDefinition& definition, const std::vector<Pool>& pools) {
  map.only({"name", "weight", "cells"});
  RecordKind kind;
  kind.name = map.required_text("name");
  kind.weight = static_cast<std::uint32_t>(map.number("weight", 1, kMostWeight).value_or(1));
  const auto cells = map.map("cells");
  if (!cells) throw map.mistake(map.line(), fmt::format("the kind '{}' has no 'cells'", kind.name));
  kind.cells = read_cells(*cells, definition, pools);
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
  map.only({"name", "about", "weight", "kinds", "cells", "cells_hex", "remove", "before", "append", "cut", "record",
            "repeat_header", "code", "field"});
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
  fault.cut = static_cast<std::uint32_t>(map.number("cut", 1, 1U << 20).value_or(0));
  fault.record = map.text("record");
  fault.repeat_header = map.flag("repeat_header", false);
  fault.code = map.text("code").value_or("");
  fault.field = map.text("field").value_or("");
  if (!fault.field.empty()) field_named(map, "field", fault.field, definition.layout);
  return fault;
}

}  // namespace

std::optional<std::string> sequence_text(const std::string& first, std::uint64_t n) {
  const std::size_t width = first.size();
  std::uint64_t numbers = 1;  // 10^width
  std::uint64_t tail = 1;     // 36^(width - 1)
  for (std::size_t i = 0; i < width; ++i) {
    numbers *= 10;
    if (i > 0) tail *= 36;
  }
  const std::uint64_t left = numbers - std::stoull(first);  // texts that are numbers
  std::string text(width, '0');
  std::uint64_t rest = n < left ? std::stoull(first) + n : n - left;
  const std::uint64_t base = n < left ? 10 : 36;
  if (base == 36) {
    if (rest / tail >= 26) return std::nullopt;
    text[0] = static_cast<char>('A' + rest / tail);
    rest %= tail;
  }
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (std::size_t i = width; rest > 0; rest /= base) text[--i] = kDigits[rest % base];
  return text;
}

SyntheticCatalogue load_catalogue(const FeedDefinition& definition) {
  if (!definition.synthetic) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("feed '{}' has no catalogue to generate records from", definition.name),
                  "name one in the definition: 'synthetic: FILE' (docs/formats/synthetic.md)");
  }
  const std::filesystem::path path = definition.path.parent_path() / *definition.synthetic;
  const YamlMap map = YamlMap::parse(read_small_file(path), path);
  map.only({"newline", "pools", "kinds", "faults", "history"});  // history: feed/history.cpp
  SyntheticCatalogue catalogue;
  const bool fixed = definition.framing_kind == FramingKind::kFixed;
  if (fixed && map.has("newline")) throw map.mistake_at("newline", "fixed records have no line ends", "leave it out");
  catalogue.newline = map.text("newline").value_or(fixed ? "" : "\n");
  if (const auto pools = map.map("pools")) catalogue.pools = read_pools(*pools, definition);
  for (const YamlMap& kind : map.maps("kinds")) catalogue.kinds.push_back(read_kind(kind, definition, catalogue.pools));
  if (catalogue.kinds.empty()) throw map.mistake(map.line(), "'kinds' is missing: there is no record to make");
  for (const YamlMap& fault : map.maps("faults"))
    catalogue.faults.push_back(read_fault(fault, definition, catalogue.kinds));
  return catalogue;
}

}  // namespace ledgermill::feed
