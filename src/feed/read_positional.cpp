// SPDX-License-Identifier: Apache-2.0
#include "feed/read_positional.h"

#include <fmt/core.h>

#include <algorithm>

namespace ledgermill::feed {

namespace {

constexpr std::uint64_t kMostBytes = 64U << 20;  // of a record, as with max_record_bytes

/// A stretch of the record that is spoken for.
struct Taken {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string what;
  int line = 0;
};

Padding read_padding(const YamlMap& map, const Field& field) {
  const std::string text = map.text("padding").value_or(field.type == FieldType::kString ? "spaces"
                                                        : field.is_number()              ? "zeros"
                                                                                         : "none");
  if (text == "none") return Padding::kNone;
  if (text == "spaces") return Padding::kSpaces;
  if (text != "zeros")
    throw map.mistake_at("padding", fmt::format("'{}' is no padding", text), "none, spaces or zeros");
  if (!field.is_number())
    throw map.mistake_at("padding", fmt::format("a {} is not padded with zeros", field_type_name(field.type)),
                         "none or spaces");
  if (field.scale > 0)
    throw map.mistake_at("padding", "a number padded with zeros has digits only, so no decimals",
                         "padding: none, for a decimal character in its place; or a scale of 0");
  return Padding::kZeros;
}

FieldPlace read_place(const YamlMap& map, const Field& field) {
  if (map.has("trim"))
    throw map.mistake_at("trim", "a field with a place is trimmed by its padding",
                         "padding: spaces takes the spaces behind a text, or before a number, away");
  const auto at = map.number("at", 1, kMostBytes);
  const auto length = map.number("length", 1, kMostBytes);
  if (!at || !length) {
    throw map.mistake(map.line(), fmt::format("the field '{}' has no '{}'", field.name, at ? "length" : "at"),
                      "decoding is positional: 'at' is its first byte, counted from 1, 'length' how many it has");
  }
  return {static_cast<std::uint32_t>(*at - 1), static_cast<std::uint32_t>(*length), read_padding(map, field)};
}

Literal read_literal(const YamlMap& map) {
  map.only({"at", "text"});
  const auto at = map.number("at", 1, kMostBytes);
  if (!at) throw map.mistake(map.line(), "the literal has no 'at'", "its first byte, counted from 1");
  Literal literal{static_cast<std::uint32_t>(*at - 1), map.required_text("text")};
  if (literal.text.find_first_of("\r\n") != std::string::npos)
    throw map.mistake_at("text", "a literal holds no line end");
  return literal;
}

void refuse_overlap(const YamlMap& schema, std::vector<Taken> taken) {
  std::sort(taken.begin(), taken.end(), [](const Taken& a, const Taken& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < taken.size(); ++i) {
    if (taken[i].begin >= taken[i - 1].end) continue;
    throw schema.mistake(taken[i].line, fmt::format("{} begins at {}, within {}, which ends at {}", taken[i].what,
                                                    taken[i].begin + 1, taken[i - 1].what, taken[i - 1].end));
  }
}

}  // namespace

PositionalLayout read_positional(const YamlMap& decoding, const YamlMap& schema, const Layout& layout,
                                 std::optional<std::uint32_t> fixed_bytes) {
  PositionalLayout positional;
  std::vector<Taken> taken;
  const std::vector<YamlMap> fields = schema.maps("fields");
  for (std::size_t f = 0; f < layout.fields.size(); ++f) {
    const FieldPlace place = read_place(fields.at(f), layout.fields[f]);
    positional.fields.push_back(place);
    taken.push_back({place.offset, place.offset + place.length, fmt::format("'{}'", layout.fields[f].name),
                     layout.fields[f].definition_line});
  }
  for (const YamlMap& map : decoding.maps("literals")) {
    const Literal literal = read_literal(map);
    positional.literals.push_back(literal);
    taken.push_back({literal.offset, literal.offset + static_cast<std::uint32_t>(literal.text.size()),
                     fmt::format("the literal \"{}\"", literal.text), map.line()});
  }
  refuse_overlap(schema, taken);
  std::sort(positional.literals.begin(), positional.literals.end(),
            [](const Literal& a, const Literal& b) { return a.offset < b.offset; });
  const auto last =
      std::max_element(taken.begin(), taken.end(), [](const Taken& a, const Taken& b) { return a.end < b.end; });
  const auto said = decoding.number("record_bytes", 1, kMostBytes);
  if (said && fixed_bytes)
    throw decoding.mistake_at("record_bytes", "fixed framing says how long a record is",
                              "leave 'record_bytes' out of 'decoding'");
  positional.record_bytes = said ? static_cast<std::uint32_t>(*said) : fixed_bytes.value_or(last->end);
  if (last->end > positional.record_bytes) {
    throw schema.mistake(last->line, fmt::format("{} ends at {}, the record has {} bytes", last->what, last->end,
                                                 positional.record_bytes));
  }
  return positional;
}

void refuse_places(const YamlMap& schema) {
  for (const YamlMap& field : schema.maps("fields")) {
    for (const char* key : {"at", "length", "padding"}) {
      if (field.has(key))
        throw field.mistake_at(key, fmt::format("'{}' belongs to a positional decoding", key),
                               "decoding: {kind: positional}");
    }
  }
}

}  // namespace ledgermill::feed
