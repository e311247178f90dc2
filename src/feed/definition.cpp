// SPDX-License-Identifier: Apache-2.0
#include "feed/definition.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/failure.h"
#include "base/file.h"
#include "feed/cell_decoder.h"
#include "feed/name_pattern.h"
#include "feed/read_positional.h"
#include "record/reason.h"
#include "yaml/yaml_map.h"

namespace ledgermill::feed {

namespace fs = std::filesystem;

namespace {

bool is_lower_name(std::string_view name, std::size_t most) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto other = [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= most && (letter(name[0]) || name[0] == '_') &&
         std::all_of(name.begin(), name.end(), other);
}

/// "Transaction Type" → "transaction_type"
std::string column_for(std::string_view label) {
  std::string column;
  for (const char c : label) {
    if (c >= 'A' && c <= 'Z')
      column += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      column += c;
    else if (!column.empty() && column.back() != '_')
      column += '_';
  }
  while (!column.empty() && column.back() == '_') column.pop_back();
  return column.empty() || (column[0] >= '0' && column[0] <= '9') ? "field_" + column : column;
}

/// "0.05" → 50000 parts per million, without floating point.
std::uint32_t parts_per_million(const YamlMap& map, const char* key) {
  const auto sum = ExactSum::from_text(map.required_text(key), 6);
  if (!sum || sum->minor_units < 0 || sum->minor_units > 1'000'000)
    throw map.mistake_at(key, fmt::format("'{}' must be a share from 0 to 1 with at most 6 decimals", key));
  return static_cast<std::uint32_t>(sum->minor_units);
}

void read_dialect(const YamlMap& map, FeedDefinition& definition) {
  map.only({"delimiter", "quoteChar", "doubleQuote", "escapeChar", "header", "skipInitialSpace", "commentChar",
            "preambleLines"});
  LineFraming& framing = definition.framing;
  framing.delimiter = map.byte("delimiter").value_or(framing.delimiter);
  framing.quote = map.byte("quoteChar").value_or(framing.quote);
  framing.double_quote = map.flag("doubleQuote", framing.double_quote);
  framing.escape = map.byte("escapeChar").value_or(framing.escape);
  framing.comment = map.byte("commentChar").value_or(framing.comment);
  framing.skip_initial_space = map.flag("skipInitialSpace", framing.skip_initial_space);
  definition.csv.header = map.flag("header", definition.csv.header);
  definition.csv.preamble_lines = static_cast<std::uint32_t>(map.number("preambleLines", 0, 1000).value_or(0));
  if (framing.delimiter == 0) throw map.mistake_at("delimiter", "a delimiter is needed");
  std::set<char> used{framing.delimiter};
  for (const auto& [key, c] : {std::pair{"quoteChar", framing.quote}, std::pair{"escapeChar", framing.escape},
                               std::pair{"commentChar", framing.comment}}) {
    if (c != 0 && !used.insert(c).second)
      throw map.mistake_at(key, fmt::format("'{}' is the same character as another of the dialect", key));
  }
}

void read_framing(const YamlMap& map, FeedDefinition& definition) {
  const std::string kind = map.text("kind").value_or("lines");
  if (kind != "lines" && kind != "fixed")
    throw map.mistake_at("kind", fmt::format("'{}' is neither lines nor fixed", kind), "no other framing is read");
  if (kind == "fixed") {
    map.only({"kind", "record_bytes"});
    const auto bytes = map.number("record_bytes", 1, 64U << 20);
    if (!bytes) throw map.mistake(map.line(), "'record_bytes' is missing in framing", "how many bytes each record has");
    definition.framing_kind = FramingKind::kFixed;
    definition.framing.max_record_bytes = static_cast<std::uint32_t>(*bytes);
    return;
  }
  map.only({"kind", "multiline", "max_record_bytes", "blank_lines"});
  definition.framing.multiline = map.flag("multiline", true);
  definition.framing.max_record_bytes = static_cast<std::uint32_t>(
      map.number("max_record_bytes", 64, 64U << 20).value_or(definition.framing.max_record_bytes));
  const std::string blank = map.text("blank_lines").value_or("skip");
  if (blank != "skip" && blank != "reject")
    throw map.mistake_at("blank_lines", "'blank_lines' is neither skip nor reject");
  definition.blank_lines = blank == "skip" ? BlankLines::kSkip : BlankLines::kReject;
}

Decoding read_decoding(const YamlMap& map) {
  const std::string kind = map.text("kind").value_or("csv");
  if (kind != "csv" && kind != "positional")
    throw map.mistake_at("kind", fmt::format("'{}' is neither csv nor positional", kind), "no other decoding is read");
  if (kind == "csv") {
    map.only({"kind"});
    return Decoding::kCsv;
  }
  map.only({"kind", "literals", "record_bytes"});
  return Decoding::kPositional;
}

/// What the dialect may say depends on framing and decoding: a key that would do nothing is a mistake.
void check_dialect(const YamlMap& map, FeedDefinition& definition) {
  const auto dialect = map.map("dialect");
  const auto refuse = [&](const char* key, const std::string& what, std::string hint) {
    throw dialect && dialect->has(key) ? dialect->mistake_at(key, what, std::move(hint))
                                       : map.mistake(map.line_of("framing"), what, std::move(hint));
  };
  if (definition.decoding == Decoding::kPositional) {
    for (const char* key : {"quoteChar", "doubleQuote", "escapeChar", "skipInitialSpace"}) {
      if (dialect && dialect->has(key))
        refuse(key, fmt::format("'{}' means nothing to a positional decoding", key), "leave it out");
    }
    definition.framing.quote = 0;
  }
  if (definition.framing_kind != FramingKind::kFixed) return;
  if (definition.framing.quote != 0)
    refuse("quoteChar", "fixed records are cut by length, so quotes cannot hold them together",
           "dialect: {quoteChar: \"\"}");
  if (definition.csv.header || definition.csv.preamble_lines > 0 || definition.framing.comment != 0)
    refuse(definition.csv.header             ? "header"
           : definition.framing.comment != 0 ? "commentChar"
                                             : "preambleLines",
           "fixed records have no lines, so no header, preamble or comments", "leave it out");
}

/// "decimal(12,2)" or the type's plain name.
void read_type(const YamlMap& map, Field& field) {
  const std::string type = map.text("type").value_or("string");
  for (const FieldType known : {FieldType::kString, FieldType::kInteger, FieldType::kDecimal, FieldType::kDate,
                                FieldType::kDatetime, FieldType::kBoolean}) {
    if (type == field_type_name(known)) {
      field.type = known;
      return;
    }
  }
  unsigned precision = 0;
  unsigned scale = 0;
  int end = 0;
  if (std::sscanf(type.c_str(), "decimal(%2u,%2u)%n", &precision, &scale, &end) == 2 &&
      static_cast<std::size_t>(end) == type.size() && precision >= 1 && precision <= 18 && scale <= precision) {
    field.type = FieldType::kDecimal;
    field.precision = static_cast<std::uint8_t>(precision);
    field.scale = static_cast<std::uint8_t>(scale);
    return;
  }
  throw map.mistake_at("type", fmt::format("'{}' is no type of a field", type),
                       type == "number" ? "money is exact: write type: decimal, with precision and scale"
                                        : "string, integer, decimal (or decimal(12,2)), date, datetime, boolean");
}

void read_format(const YamlMap& map, Field& field) {
  const bool is_date = field.type == FieldType::kDate;
  if (!is_date && field.type != FieldType::kDatetime) {
    if (map.has("format") && map.text("format") != "default")
      throw map.mistake_at("format", "only date and datetime have a format");
    return;
  }
  const std::string format = map.text("format").value_or("default");
  field.format = format != "default" ? format : is_date ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ";
  constexpr std::string_view kDirectives = "YymdHMS%";
  std::string seen;
  for (std::size_t i = 0; i < field.format.size(); ++i) {
    if (field.format[i] != '%') continue;
    const char directive = i + 1 < field.format.size() ? field.format[++i] : '?';
    if (kDirectives.find(directive) == std::string_view::npos ||
        (is_date && (directive == 'H' || directive == 'M' || directive == 'S'))) {
      throw map.mistake_at("format",
                           fmt::format("'%{}' is no directive of a {} format", directive, field_type_name(field.type)),
                           is_date ? "%Y %y %m %d, and other characters as they stand"
                                   : "%Y %y %m %d %H %M %S, and other characters as they stand");
    }
    seen += directive;
  }
  const bool complete = (seen.find('Y') != std::string::npos || seen.find('y') != std::string::npos) &&
                        seen.find('m') != std::string::npos && seen.find('d') != std::string::npos;
  if (!complete) throw map.mistake_at("format", "the format must have year, month and day", "e.g. %Y-%m-%d");
}

/// A bound is read as a cell of the field would be.
std::optional<Bound> read_bound(const YamlMap& map, const char* key, const Field& field) {
  const auto text = map.text(key);
  if (!text) return std::nullopt;
  if (field.type == FieldType::kString || field.type == FieldType::kBoolean)
    throw map.mistake_at(key, fmt::format("a {} has no '{}'", field_type_name(field.type), key));
  const Layout layout{{field}};
  RecordBlock block(layout, false);
  const std::vector<std::string> none;
  if (!CellDecoder(layout.fields[0], 0, none).decode(*text, block, 0))
    throw map.mistake_at(key, fmt::format("'{}' is no value of the field's type and format", *text));
  const std::int64_t value =
      field.type == FieldType::kDate ? block.dates(0)[0].days_since_epoch() : block.integers(0)[0];
  return Bound{value, *text};
}

void read_constraints(const YamlMap& map, Field& field) {
  if (map.has("unique"))
    throw map.mistake_at("unique", "'unique' is not supported",
                         "uniqueness across records is not judged by this version");
  map.only({"required", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern"});
  FieldConstraints& c = field.constraints;
  c.definition_line = map.line();
  c.required = map.flag("required", false);
  c.enumeration = map.texts("enum");
  c.pattern = map.text("pattern");
  const auto length = [&](const char* key) -> std::optional<std::uint32_t> {
    const auto value = map.number(key, 0, 1U << 20);
    if (!value) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
  };
  c.min_length = length("minLength");
  c.max_length = length("maxLength");
  c.minimum = read_bound(map, "minimum", field);
  c.maximum = read_bound(map, "maximum", field);
  if (field.type != FieldType::kString) {
    for (const char* key : {"enum", "minLength", "maxLength", "pattern"}) {
      if (map.has(key))
        throw map.mistake_at(key, fmt::format("only a string has '{}'", key),
                             "bounds of numbers and dates are minimum and maximum");
    }
  }
  constexpr std::size_t kMostValues = 32'000;
  if (c.enumeration.size() > kMostValues) throw map.mistake_at("enum", fmt::format("at most {} values", kMostValues));
  if (std::set<std::string>(c.enumeration.begin(), c.enumeration.end()).size() != c.enumeration.size())
    throw map.mistake_at("enum", "a value stands twice in 'enum'");
  if (c.minimum && c.maximum && c.minimum->value > c.maximum->value)
    throw map.mistake_at("minimum", "'minimum' is above 'maximum'");
  if (c.min_length && c.max_length && *c.min_length > *c.max_length)
    throw map.mistake_at("minLength", "'minLength' is above 'maxLength'");
}

Field read_field(const YamlMap& map) {
  map.only({"name", "column", "type", "precision", "scale", "format", "decimalChar", "groupChar", "trim", "sensitive",
            "at", "length", "padding", "trueValues", "falseValues", "description", "title", "constraints"});
  Field field;
  field.definition_line = map.line();
  field.name = map.required_text("name");
  field.column = map.text("column").value_or(column_for(field.name));
  if (!is_lower_name(field.column, 50))
    throw map.mistake_at("column", fmt::format("'{}' is no name of a column", field.column),
                         "lower-case letters, digits and _, at most 50");
  read_type(map, field);
  if (field.type == FieldType::kDecimal) {
    field.precision = static_cast<std::uint8_t>(map.number("precision", 1, 18).value_or(field.precision));
    field.scale = static_cast<std::uint8_t>(map.number("scale", 0, 18).value_or(field.scale));
    if (field.scale > field.precision) throw map.mistake_at("scale", "'scale' is above 'precision'");
  } else if (map.has("precision") || map.has("scale")) {
    throw map.mistake_at("precision", "only a decimal has precision and scale");
  }
  read_format(map, field);
  field.decimal_char = map.byte("decimalChar").value_or('.');
  field.group_char = map.byte("groupChar").value_or('\0');
  if (field.decimal_char == 0 || field.decimal_char == field.group_char || field.decimal_char == '-')
    throw map.mistake_at("decimalChar", "'decimalChar' must be a character of its own");
  if ((field.group_char >= '0' && field.group_char <= '9') || field.group_char == '-')
    throw map.mistake_at("groupChar", "'groupChar' must be no digit and no sign");
  field.trim = map.flag("trim", false);
  field.sensitive = map.flag("sensitive", false);
  if (map.has("trueValues")) field.true_values = map.texts("trueValues");
  if (map.has("falseValues")) field.false_values = map.texts("falseValues");
  if (const auto constraints = map.map("constraints")) read_constraints(*constraints, field);
  return field;
}

void read_schema(const YamlMap& map, FeedDefinition& definition) {
  for (const char* key : {"primaryKey", "foreignKeys", "uniqueKeys"}) {
    if (map.has(key))
      throw map.mistake_at(key, fmt::format("'{}' is not supported", key),
                           "keys across records are not judged by this version");
  }
  map.only({"fields", "missingValues"});
  if (map.has("missingValues")) definition.csv.missing_values = map.texts("missingValues");
  std::set<std::string> names;
  std::set<std::string> columns{"batch", "record_number", "posting"};
  for (const YamlMap& entry : map.maps("fields")) {
    Field field = read_field(entry);
    if (!names.insert(field.name).second)
      throw entry.mistake_at("name", fmt::format("there are two fields '{}'", field.name));
    if (!columns.insert(field.column).second) {
      throw entry.mistake(
          entry.line(), fmt::format("two fields have the column '{}', or it is one of the ledger's own", field.column),
          "give one of them another name by 'column:'");
    }
    definition.layout.fields.push_back(std::move(field));
  }
  if (definition.layout.fields.empty()) throw map.mistake(map.line(), "'fields' is missing or empty");
  constexpr std::size_t kMostFields = 1000;
  if (definition.layout.fields.size() > kMostFields)
    throw map.mistake(map.line(), fmt::format("at most {} fields", kMostFields));
}

bool is_builtin_code(std::string_view code) {
  for (std::uint16_t i = 1; i <= static_cast<std::uint16_t>(ReasonCode::kLastBuiltin); ++i) {
    if (code == reason_name(static_cast<ReasonCode>(i))) return true;
  }
  return false;
}

ModuleRule read_rule(const YamlMap& map, const Layout& layout) {
  map.only({"code", "field", "reads", "message"});
  ModuleRule rule;
  rule.code = map.required_text("code");
  rule.field = map.text("field").value_or("");
  rule.message = map.required_text("message");
  rule.reads = map.texts("reads");
  if (rule.reads.empty() && !rule.field.empty()) rule.reads.push_back(rule.field);
  constexpr std::size_t kMostCode = 23;  // BROKEN- before it makes a COBOL name of 30
  if (!is_lower_name(rule.code, kMostCode) || rule.code[0] == '_' || is_builtin_code(rule.code)) {
    throw map.mistake_at("code", fmt::format("'{}' is no code of a rule", rule.code),
                         "lower-case letters, digits and _, at most 23, and none of the built-in codes");
  }
  for (const std::string& name : rule.reads) {
    if (!layout.find(name))
      throw map.mistake(map.line(), fmt::format("rule '{}' speaks of '{}', which is no field", rule.code, name));
  }
  if (!rule.field.empty() && !layout.find(rule.field))
    throw map.mistake_at("field", fmt::format("'{}' is no field", rule.field));
  return rule;
}

/// It becomes a file name, so nothing but a COBOL word will do.
bool is_program_name(const std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  constexpr std::size_t kMost = 31;
  return !name.empty() && name.size() <= kMost && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

void read_rules(const YamlMap& map, FeedDefinition& definition) {
  map.only({"module", "timeout_ms", "max_abends", "reasons"});
  RuleModule module;
  module.program = map.required_text("module");
  if (!is_program_name(module.program))
    throw map.mistake_at("module", fmt::format("'{}' is no PROGRAM-ID", module.program),
                         "a letter, then at most 30 letters, digits and -; the folder is said by --modules");
  module.timeout_ms = static_cast<std::uint32_t>(map.number("timeout_ms", 10, 600'000).value_or(module.timeout_ms));
  module.most_abends = static_cast<std::uint32_t>(map.number("max_abends", 0, 1'000'000).value_or(module.most_abends));
  std::set<std::string> codes;
  for (const YamlMap& entry : map.maps("reasons")) {
    ModuleRule rule = read_rule(entry, definition.layout);
    if (!codes.insert(rule.code).second)
      throw entry.mistake_at("code", fmt::format("there are two rules '{}'", rule.code));
    module.rules.push_back(std::move(rule));
  }
  constexpr std::size_t kMostRules = 64;
  if (module.rules.empty() || module.rules.size() > kMostRules)
    throw map.mistake(map.line(), fmt::format("a rule module has 1 to {} reasons", kMostRules));
  definition.module = std::move(module);
}

void read_arrival(const YamlMap& map, FeedDefinition& definition) {
  map.only({"settle_seconds", "done_marker", "manifest"});
  if (const auto text = map.text("settle_seconds")) {
    const auto thousandths = ExactSum::from_text(*text, 3);
    if (!thousandths || thousandths->minor_units < 0 || thousandths->minor_units > 86'400'000)
      throw map.mistake_at("settle_seconds", "'settle_seconds' must be 0 to 86400");
    definition.arrival.settle_seconds = static_cast<double>(thousandths->minor_units) / 1000;
  }
  for (const char* key : {"done_marker", "manifest"}) {
    const auto name = map.text(key);
    if (!name) continue;
    if (name->empty() || name->find('/') != std::string::npos)
      throw map.mistake_at(key, fmt::format("'{}' must be a file name, e.g. \"{{name}}.done\"", key));
    (key[0] == 'd' ? definition.arrival.done_marker : definition.arrival.manifest) = name;
  }
}

void read_limits(const YamlMap& map, FeedDefinition& definition) {
  map.only({"max_rejects", "max_reject_ratio", "sum_field"});
  definition.limits.most_rejects = map.number("max_rejects", 0, std::numeric_limits<std::int64_t>::max());
  if (map.has("max_reject_ratio")) definition.limits.most_rejects_ppm = parts_per_million(map, "max_reject_ratio");
  definition.declared.sum_field = map.text("sum_field");
  if (definition.declared.sum_field) {
    const auto field = definition.layout.find(*definition.declared.sum_field);
    if (!field || !definition.layout.fields[*field].is_summed())
      throw map.mistake_at("sum_field", "'sum_field' must be a decimal field");
  }
}

FeedDefinition read_definition(const YamlMap& map) {
  map.only({"feed", "title", "description", "files", "business_date", "table", "encoding", "framing", "decoding",
            "dialect", "schema", "rules", "limits", "arrival", "archive", "synthetic"});
  FeedDefinition definition;
  definition.name = map.required_text("feed");
  if (!is_lower_name(definition.name, 40))
    throw map.mistake_at("feed", fmt::format("'{}' is no name of a feed", definition.name),
                         "lower-case letters, digits and _, at most 40");
  definition.title = map.text("title").value_or("");
  definition.files = map.text("files").value_or("");
  definition.business_date = map.text("business_date");
  definition.table = map.text("table").value_or(definition.name);
  if (!is_lower_name(definition.table, 40))
    throw map.mistake_at("table", fmt::format("'{}' is no name of a table", definition.table),
                         "lower-case letters, digits and _, at most 40");
  for (const char* key : {"files", "business_date"}) {
    const auto pattern = map.text(key);
    if (pattern && (pattern->find('/') != std::string::npos || std::count(pattern->begin(), pattern->end(), '*') > 4)) {
      throw map.mistake_at(key, fmt::format("'{}' is a pattern for file names: no folder, at most four *", key));
    }
  }
  if (definition.business_date) {
    for (const char* part : {"{YYYY}", "{MM}", "{DD}"}) {
      const auto at = definition.business_date->find(part);
      if (at == std::string::npos || definition.business_date->find(part, at + 1) != std::string::npos)
        throw map.mistake_at("business_date", fmt::format("'business_date' must have {} once", part));
    }
  }
  if (map.text("encoding").value_or("utf-8") != "utf-8")
    throw map.mistake_at("encoding", "only utf-8 is read by this version", "convert the file first, e.g. with iconv");
  if (const auto framing = map.map("framing")) read_framing(*framing, definition);
  const auto decoding = map.map("decoding");
  if (decoding) definition.decoding = read_decoding(*decoding);
  definition.csv.header =
      definition.framing_kind == FramingKind::kLines && definition.decoding == Decoding::kCsv;  // unless said otherwise
  if (const auto dialect = map.map("dialect")) read_dialect(*dialect, definition);
  check_dialect(map, definition);
  const auto schema = map.map("schema");
  if (!schema) throw map.mistake(map.line(), "'schema' is missing");
  read_schema(*schema, definition);
  if (definition.decoding == Decoding::kPositional) {
    const bool fixed = definition.framing_kind == FramingKind::kFixed;
    definition.positional = read_positional(*decoding, *schema, definition.layout,
                                            fixed ? std::optional(definition.framing.max_record_bytes) : std::nullopt);
  } else {
    refuse_places(*schema);
  }
  if (const auto rules = map.map("rules")) read_rules(*rules, definition);
  if (const auto limits = map.map("limits")) read_limits(*limits, definition);
  if (const auto arrival = map.map("arrival")) read_arrival(*arrival, definition);
  definition.archive = map.text("archive");
  definition.synthetic = map.text("synthetic");
  return definition;
}

/// The `feed:` of a YAML file, "" when it is no feed definition; cheap enough to look through a folder.
std::string feed_name_of(const fs::path& path) {
  try {
    return YamlMap::parse(read_small_file(path), path).text("feed").value_or("");
  } catch (const Failure&) {
    return {};  // some other YAML file; a definition with mistakes is found by its file's name
  }
}

}  // namespace

FeedDefinition parse_definition(std::string_view yaml, const fs::path& path) {
  const YamlMap map = YamlMap::parse(yaml, path);
  try {
    FeedDefinition definition = read_definition(map);
    definition.digest = Sha256::of(yaml);
    definition.path = path;
    return definition;
  } catch (const YAML::Exception& mistake) {
    throw map.mistake(mistake.mark.line + 1, mistake.msg);
  }
}

FeedDefinition load_definition(const fs::path& path) { return parse_definition(read_small_file(path), path); }

FeedDefinition find_definition(std::string_view name, const std::vector<fs::path>& folders) {
  if (name.ends_with(".yaml")) return load_definition(fs::path(name));
  std::string looked_in;
  for (const fs::path& folder : folders) {
    const fs::path direct = folder / (std::string(name) + ".yaml");
    if (is_lower_name(name, 40) && fs::exists(direct)) return load_definition(direct);
    looked_in += (looked_in.empty() ? "" : ", ") + folder.string();
  }
  std::string known;
  for (const fs::path& path : list_definitions(folders)) {
    const std::string feed = feed_name_of(path);
    if (feed == name) return load_definition(path);
    known += (known.empty() ? "" : ", ") + feed;
  }
  throw Failure(
      ReturnCode::kRefused, fmt::format("no feed '{}' in {}", name, looked_in.empty() ? "any folder" : looked_in),
      known.empty() ? "--feeds names a folder with definitions; 'ledgermill feed draft SAMPLE.csv' makes a first one"
                    : "found there: " + known);
}

std::vector<fs::path> list_definitions(const std::vector<fs::path>& folders) {
  std::map<std::string, fs::path> by_name;
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() != ".yaml") continue;
      const std::string name = feed_name_of(entry.path());
      if (!name.empty()) by_name.emplace(name, entry.path());
    }
  }
  std::vector<fs::path> paths;
  for (const auto& [name, path] : by_name) paths.push_back(path);
  return paths;
}

std::optional<BusinessDate> business_date_of(const FeedDefinition& definition, std::string_view file_name) {
  if (!definition.business_date) return std::nullopt;
  const auto named = date_in_name(*definition.business_date, file_name);
  if (!named) return std::nullopt;
  const BusinessDate date{static_cast<std::int16_t>(named->year), static_cast<std::int8_t>(named->month),
                          static_cast<std::int8_t>(named->day)};
  if (!date.exists()) {
    throw Failure(
        ReturnCode::kRefused,
        fmt::format("the name '{}' has the business date {}, a day that does not exist", file_name, date.text()),
        "give the right one by --business-date YYYY-MM-DD");
  }
  return date;
}

bool names_file(const FeedDefinition& definition, std::string_view file_name) {
  return !definition.files.empty() && fits_glob(definition.files, file_name);
}

}  // namespace ledgermill::feed
