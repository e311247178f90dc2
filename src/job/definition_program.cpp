// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "job/definition_parts.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostParmBytes = 32760;  // a halfword length, as PARMDD allows

std::vector<fs::path> folders_of(const YamlMap& map, const char* key, const std::vector<fs::path>& otherwise,
                                 const Parts& parts) {
  if (!map.has(key)) return otherwise;
  std::vector<fs::path> folders;
  for (const std::string& raw : map.texts(key)) folders.push_back(parts.program_path(map, key, raw));
  return folders;
}

/// One of two words.
template <class Choice>
Choice choice_of(const YamlMap& map, const char* key, std::pair<const char*, Choice> one,
                 std::pair<const char*, Choice> other) {
  const std::string word = map.required_text(key);
  if (word == one.first) return one.second;
  if (word == other.first) return other.second;
  throw map.mistake_at(key, fmt::format("'{}' is '{}'; it is {} or {}", key, word, one.first, other.first));
}

std::string refused_bytes_of(const YamlMap& map, const std::string& word) {
  if (word == "refuse") return Binding{}.refused_bytes;
  if (word == "allow_nul") return "\r";
  if (word == "allow") return "";
  throw map.mistake_at("bytes", fmt::format("'bytes' is '{}'; it is refuse, allow_nul or allow", word));
}

cobol::Dialect dialect_of(const YamlMap& map, cobol::Dialect dialect) {
  using cobol::RuntimeChecks;
  using cobol::SignConvention;
  using cobol::SourceFormat;
  map.only({"standard", "format", "sign", "binary_truncate", "checks", "flags"});
  dialect.standard = map.text("standard").value_or(dialect.standard);
  if (map.has("format"))
    dialect.format =
        choice_of<SourceFormat>(map, "format", {"fixed", SourceFormat::kFixed}, {"free", SourceFormat::kFree});
  if (map.has("sign"))
    dialect.sign =
        choice_of<SignConvention>(map, "sign", {"ascii", SignConvention::kAscii}, {"ebcdic", SignConvention::kEbcdic});
  if (map.has("binary_truncate")) dialect.binary_truncate = map.flag("binary_truncate", true);
  if (map.has("checks"))
    dialect.checks = choice_of<RuntimeChecks>(map, "checks", {"on", RuntimeChecks::kOn}, {"off", RuntimeChecks::kOff});
  if (map.has("flags")) dialect.flags = map.texts("flags");
  try {
    dialect.validate();
  } catch (const Failure& mistake) {
    throw map.mistake(map.line(), mistake.fact(), mistake.hint());
  }
  return dialect;
}

/// "name(+1)" names a generation of the group "name".
Dataset dataset_of(const YamlMap& map, const char* key, std::string raw, const Parts& parts) {
  Dataset dataset;
  const std::size_t open = raw.rfind('(');
  if (raw.ends_with(')') && open != std::string::npos && open > 0) {
    const bool plus = raw[open + 1] == '+';
    const char* const begin = raw.data() + open + (plus ? 2 : 1);
    const char* const last = raw.data() + raw.size() - 1;
    int number = 0;
    const auto [end, error] = std::from_chars(begin, last, number);
    if (error == std::errc() && end == last && begin != last) {
      if ((number > 0) != plus || number < -9999 || number > 99)
        throw map.mistake_at(key, fmt::format("'{}' is no generation: (+1), (0) or (-1)", raw));
      dataset.generation = number;
      raw.resize(open);
    }
  }
  dataset.path = parts.path(map, key, raw);
  return dataset;
}

void read_source(const YamlMap& map, Binding& binding, const Parts& parts) {
  const int sources = int{map.has("path")} + int{map.has("concat")} + int{map.has("temporary")} + int{map.has("data")} +
                      int{map.has("dummy")};
  if (sources != 1)
    throw map.mistake(
        binding.line,
        fmt::format("DD {} needs exactly one of 'path', 'concat', 'temporary', 'data', 'dummy'", binding.dd));
  if (map.has("path")) {
    binding.source = dataset_of(map, "path", map.required_text("path"), parts);
  } else if (map.has("concat")) {
    Concatenation all;
    for (const std::string& raw : map.texts("concat")) all.parts.push_back(dataset_of(map, "concat", raw, parts));
    if (all.parts.empty()) throw map.mistake_at("concat", "'concat' needs at least one path");
    binding.source = all;
  } else if (map.has("temporary")) {
    const std::string name = map.required_text("temporary");
    if (name.find_first_of("/.") != std::string::npos)
      throw map.mistake_at("temporary", fmt::format("'{}' cannot name a temporary: no '/' and no '.'", name));
    binding.source = Temporary{name};
  } else if (map.has("data")) {
    binding.source = InlineData{parts.text(map, "data")};
  } else {
    if (!map.flag("dummy", true)) throw map.mistake_at("dummy", "'dummy' is true, or is left out");
    binding.source = Dummy{};
  }
}

Disposition disposition_of(const YamlMap& map) {
  const std::string word = map.text("disp").value_or("shared");
  for (const Disposition each : {Disposition::kShared, Disposition::kOld, Disposition::kNew, Disposition::kAppend}) {
    if (disposition_name(each) == word) return each;
  }
  throw map.mistake_at("disp", fmt::format("'disp' is '{}'; it is shared, old, new or append", word));
}

/// `pass` is what a temporary does anyhow, and nothing for others.
Afterwards afterwards_of(const YamlMap& map, const char* key, const Binding& binding, Afterwards otherwise) {
  const auto word = map.text(key);
  if (!word) return otherwise;
  if (*word == "keep") return Afterwards::kKeep;
  if (*word == "delete") return Afterwards::kDelete;
  const bool temporary = std::holds_alternative<Temporary>(binding.source);
  if (*word == "pass" && temporary) return Afterwards::kKeep;
  throw map.mistake_at(key, fmt::format("'{}' is '{}'; it is keep, delete, or pass for a temporary", key, *word));
}

void refuse_contradictions(const YamlMap& map, const Binding& binding) {
  const bool path = std::holds_alternative<Dataset>(binding.source);
  const bool temporary = std::holds_alternative<Temporary>(binding.source);
  if (!path && !temporary && binding.disposition != Disposition::kShared)
    throw map.mistake_at("disp", fmt::format("DD {}: 'disp' is for a path or a temporary", binding.dd));
  if (binding.replace && (!path || binding.disposition != Disposition::kNew))
    throw map.mistake_at("replace", fmt::format("DD {}: 'replace' is for a path that is new", binding.dd));
  const auto* dataset = std::get_if<Dataset>(&binding.source);
  const bool generation = dataset != nullptr && dataset->generation;
  if (binding.limit && !(generation && *dataset->generation > 0))
    throw map.mistake_at("limit", fmt::format("DD {}: 'limit' is for a new generation, name(+1)", binding.dd));
  if (binding.disposition == Disposition::kNew && generation && *dataset->generation < 1)
    throw map.mistake_at("path", fmt::format("DD {}: a new generation is name(+1)", binding.dd));
  if (const auto* all = std::get_if<Concatenation>(&binding.source)) {
    for (const Dataset& part : all->parts) {
      if (part.generation.value_or(0) > 0) throw map.mistake_at("concat", "a generation that is read is (0) or (-1)");
    }
  }
}

std::vector<IndexKey> keys_of(const YamlMap& map) {
  constexpr std::size_t kMostKeyBytes = 255;  // of Berkeley DB's files and of VSAM's
  std::vector<IndexKey> keys;
  for (const YamlMap& each : map.maps("keys")) {
    each.only({"at", "length", "duplicates"});
    const auto at = each.number("at", 1, 1U << 20);
    const auto length = each.number("length", 1, kMostKeyBytes);
    if (!at || !length) throw each.mistake(each.line(), fmt::format("{} needs 'at' and 'length'", each.where()));
    keys.push_back({*at, *length, each.flag("duplicates", false)});
  }
  if (keys.empty() || keys.front().duplicates)
    throw map.mistake_at("keys", "'keys' is a list whose first key is the primary one, which has no duplicates");
  return keys;
}

Binding binding_of(const YamlMap& dd, const std::string& name, const Parts& parts) {
  Binding binding;
  binding.dd = name;
  binding.line = dd.line_of(name.c_str());
  if (!dd.is_map(name.c_str())) {
    if (dd.is_list(name.c_str()))
      throw dd.mistake_at(name.c_str(), fmt::format("DD {} is a path or a mapping", name),
                          "several paths: {concat: [...]}");
    binding.source = dataset_of(dd, name.c_str(), dd.required_text(name.c_str()), parts);
    return binding;
  }
  const YamlMap map = *dd.map(name.c_str());
  map.only({"path", "concat", "temporary", "data", "dummy", "disp", "success", "failure", "replace", "limit",
            "required", "long_lines", "bytes", "keys", "unused"});
  read_source(map, binding, parts);
  binding.disposition = disposition_of(map);
  binding.success = afterwards_of(map, "success", binding, Afterwards::kKeep);
  binding.failure = afterwards_of(map, "failure", binding,
                                  binding.disposition == Disposition::kNew ? Afterwards::kDelete : Afterwards::kKeep);
  binding.replace = map.flag("replace", false);
  if (const auto limit = map.number("limit", 1, 9999)) binding.limit = static_cast<unsigned>(*limit);
  binding.required = map.flag("required", true);
  if (map.has("long_lines"))
    binding.cut_long_lines = choice_of<bool>(map, "long_lines", {"refuse", false}, {"cut", true});
  if (const auto bytes = map.text("bytes")) binding.refused_bytes = refused_bytes_of(map, *bytes);
  if (map.has("keys")) binding.keys = keys_of(map);
  binding.unused = map.flag("unused", false);
  refuse_contradictions(map, binding);
  return binding;
}

}  // namespace

std::string Parts::text(const YamlMap& map, const char* key) const {
  return text(map, key, map.text(key).value_or(""));
}

std::string Parts::text(const YamlMap& map, const char* key, std::string_view raw) const {
  std::string unknown;
  std::string made = with_variables(raw, variables, unknown);
  if (unknown.empty()) return made;
  std::string known;
  for (const auto& [name, value] : variables) known += (known.empty() ? "known here: " : ", ") + name;
  throw map.mistake_at(key, fmt::format("'${{{}}}' has no value", unknown), known);
}

fs::path Parts::path(const YamlMap& map, const char* key, std::string_view raw) const {
  const std::string made = text(map, key, raw);
  if (made.empty() || made.find('\0') != std::string::npos)
    throw map.mistake_at(key, "a path is empty, or holds a NUL byte");
  return (folder / made).lexically_normal();
}

/// A job that is installed names its programs as in its source tree: they lie beside its folder.
fs::path Parts::program_path(const YamlMap& map, const char* key, std::string_view raw) const {
  fs::path here = path(map, key, raw);
  const fs::path there = (beside / text(map, key, raw)).lexically_normal();
  std::error_code error;
  return !fs::exists(here, error) && fs::exists(there, error) ? there : here;
}

ProgramStep program_words_of(const YamlMap& map, const ProgramStep& defaults, const Parts& parts) {
  ProgramStep step = defaults;
  if (const auto dialect = map.map("dialect")) step.dialect = dialect_of(*dialect, defaults.dialect);
  step.copybooks = folders_of(map, "copybooks", defaults.copybooks, parts);
  step.libraries = folders_of(map, "libraries", defaults.libraries, parts);
  return step;
}

ProgramStep program_of(const YamlMap& map, const ProgramStep& defaults, const Parts& parts) {
  ProgramStep step = program_words_of(map, defaults, parts);
  step.program = parts.program_path(map, "program", map.required_text("program"));
  if (map.has("parm")) step.parm = parts.text(map, "parm");
  if (step.parm && (step.parm->size() > kMostParmBytes || step.parm->find('\0') != std::string::npos))
    throw map.mistake_at("parm", fmt::format("'parm' has at most {} bytes, and no NUL", kMostParmBytes));
  return step;
}

std::vector<Binding> bindings_of(const YamlMap& dd, const Parts& parts) {
  std::vector<Binding> bindings;
  for (const std::string& name : dd.keys()) {
    if (name.empty() || name.front() == '.' || name.find_first_of(std::string_view("=/ \0", 4)) != std::string::npos)
      throw dd.mistake_at(name.c_str(), fmt::format("'{}' cannot be a DD name", name));
    bindings.push_back(binding_of(dd, name, parts));
  }
  return bindings;
}

namespace {

/// libcob reads and writes indexed files record by record, as they are.
void refuse_wrong_indexed_copy(const YamlMap& map, const Step& step, const CopyStep& copy) {
  const Selection& selection = copy.selection;
  if (selection.include || selection.omit || !selection.output.empty() || copy.skip != 0 || copy.records ||
      copy.translation)
    throw map.mistake(step.line, fmt::format("step {}: a copy of an indexed file copies all of it", step.name),
                      "copy to a temporary in a step of its own, and select or translate in another");
  for (const auto& [dd, form] :
       {std::pair{"IN", copy.selection.form}, {"OUT", copy.to.value_or(copy.selection.form)}}) {
    const Binding& binding = *step.binding(dd);
    if (binding.keys.empty()) continue;
    if (form.fixed_length == 0)
      throw map.mistake(binding.line, fmt::format("DD {} is indexed: its records have one length", dd),
                        std::string(dd) == "IN" ? "say 'record: {fixed: LENGTH}'" : "say 'to: {fixed: LENGTH}'");
    for (const IndexKey& key : binding.keys) {
      if (key.at - 1 + key.length > form.fixed_length)
        throw map.mistake(binding.line, fmt::format("DD {}: a key ends at byte {}, the record has {}", dd,
                                                    key.at - 1 + key.length, form.fixed_length));
    }
    if (!std::holds_alternative<Dataset>(binding.source) && !std::holds_alternative<Temporary>(binding.source))
      throw map.mistake(binding.line, fmt::format("DD {} is indexed: it is a path or a temporary", dd));
  }
}

}  // namespace

void refuse_wrong_utility_dds(const YamlMap& map, const Step& step) {
  const Binding* in = step.binding("IN");
  const Binding* out = step.binding("OUT");
  if (in == nullptr || out == nullptr || step.bindings.size() != 2)
    throw map.mistake(step.line, fmt::format("step {} needs the DDs IN and OUT, and no other", step.name));
  const bool to_nowhere = std::holds_alternative<Dummy>(out->source);
  if (in->disposition != Disposition::kShared)
    throw map.mistake(in->line, "IN is read: its disp is shared, or left out");
  const bool indexed = !out->keys.empty();
  if (!to_nowhere && out->disposition != Disposition::kNew &&
      out->disposition != (indexed ? Disposition::kOld : Disposition::kAppend))
    throw map.mistake(out->line, indexed ? "OUT is written: its disp is new, or old to add records to what is there"
                                         : "OUT is written: its disp is new or append");
  const auto* copy = std::get_if<CopyStep>(&step.work);
  if (in->keys.empty() && !indexed) return;
  if (copy == nullptr)
    throw map.mistake(step.line, fmt::format("step {}: sort does not know indexed files", step.name),
                      "copy to a temporary first, and sort that");
  refuse_wrong_indexed_copy(map, step, *copy);
}

}  // namespace ledgermill::job
