// SPDX-License-Identifier: Apache-2.0
#include "job/definition.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>

#include "job/definition_parts.h"
#include "yaml/yaml_map.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostNameBytes = 40;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostNameBytes && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

std::string required_name(const YamlMap& map, const char* key) {
  const std::string name = map.required_text(key);
  if (!is_name(name))
    throw map.mistake_at(
        key, fmt::format("'{}' cannot be a name: letters, digits, '_' and '-', at most {}", name, kMostNameBytes));
  return name;
}

std::chrono::seconds timeout_of(const YamlMap& map, std::chrono::seconds otherwise) {
  const auto text = map.text("timeout");
  if (!text) return otherwise;
  if (const auto duration = duration_from_text(*text)) return *duration;
  throw map.mistake_at("timeout", fmt::format("'{}' is no time: 90s, 10m or 2h, at most 720h", *text));
}

std::optional<std::uint64_t> memory_of(const YamlMap& map, std::optional<std::uint64_t> otherwise) {
  const auto text = map.text("memory");
  if (!text) return otherwise;
  constexpr std::uint64_t kLeast = 64U << 20;  // below, libcob itself cannot be loaded
  const auto size = size_from_text(*text);
  if (size && *size >= kLeast) return size;
  throw map.mistake_at("memory", fmt::format("'{}' is no size: 512M or 2G, at least 64M", *text));
}

/// `${NAME}` of the job, its own and those from outside.
void read_variables(const YamlMap& job, const DefinitionWords& words, Parts& parts) {
  if (const auto map = job.map("variables")) {
    for (const std::string& name : map->keys()) {
      if (!is_name(name) || name == "RUN_DATE")
        throw map->mistake_at(name.c_str(), fmt::format("'{}' cannot be a variable's name", name));
      parts.variables[name] = map->text(name.c_str()).value_or("");
    }
  }
  for (const auto& [name, text] : words.variables) {
    if (!parts.variables.contains(name))
      throw Failure(ReturnCode::kRefused, fmt::format("--set {}: the job has no such variable", name),
                    "name it under 'variables:' first");
    parts.variables[name] = text;
  }
}

void read_run_date(const YamlMap& map, const DefinitionWords& words, JobDefinition& job) {
  std::optional<BusinessDate> date = words.run_date;
  if (const auto text = map.text("run_date")) {
    const auto own = BusinessDate::from_text(*text);
    if (!own) throw map.mistake_at("run_date", fmt::format("'{}' is no day: YYYY-MM-DD", *text));
    if (!date) date = own;
  }
  job.run_date_given = date.has_value();
  job.run_date = date.value_or(words.today);
}

Balance balance_of(const YamlMap& map, const Step& step) {
  map.only({"in", "out", "rejects"});
  Balance balance;
  const auto names = [&](const char* key) {
    std::vector<std::string> list;
    if (!map.has(key)) return list;
    if (map.is_list(key))
      list = map.texts(key);
    else
      list = {map.required_text(key)};
    for (const std::string& name : list) {
      if (step.binding(name) == nullptr)
        throw map.mistake_at(key, fmt::format("'{}' is no DD of step {}", name, step.name));
    }
    return list;
  };
  balance = {names("in"), names("out"), names("rejects")};
  if (balance.in.empty() || (balance.out.empty() && balance.rejects.empty()))
    throw map.mistake(map.line(), "a balance needs 'in', and 'out' or 'rejects'");
  return balance;
}

/// Names of temporaries must be made before they are read; said with the line of the reader.
void refuse_unmade_temporaries(const JobDefinition& job, const YamlMap& map) {
  std::set<std::string> made;
  for (const Step& step : job.steps) {
    std::vector<std::string> made_here;
    for (const Binding& binding : step.bindings) {
      const auto* temporary = std::get_if<Temporary>(&binding.source);
      if (temporary == nullptr) continue;
      if (binding.disposition == Disposition::kNew) {
        made_here.push_back(temporary->name);
      } else if (!made.contains(temporary->name)) {
        throw map.mistake(binding.line, fmt::format("temporary '{}' is made by no earlier step", temporary->name),
                          "the step that makes it says disp: new");
      }
    }
    made.insert(made_here.begin(), made_here.end());
  }
}

Digest digest_of(std::string_view yaml, const DefinitionWords& words) {
  Sha256 sha;
  sha.update(yaml);
  for (const auto& [name, text] : words.variables) sha.update(fmt::format("\n{}={}:{}", name, text.size(), text));
  if (words.run_date) sha.update("\nrun date " + words.run_date->text());
  return sha.finish();
}

Step step_of(const YamlMap& map, const Step& defaults, const ProgramStep& program_defaults, const Parts& parts,
             const std::vector<std::string>& earlier) {
  map.only({"step", "program", "sort", "copy", "dialect", "copybooks", "libraries", "timeout", "memory", "parm",
            "environment", "if", "max_rc", "dd", "balance"});
  Step step = defaults;
  step.name = required_name(map, "step");
  step.line = map.line_of("step");
  if (std::find(earlier.begin(), earlier.end(), step.name) != earlier.end())
    throw map.mistake_at("step", fmt::format("step '{}' stands here a second time", step.name));
  const int works = int{map.has("program")} + int{map.has("sort")} + int{map.has("copy")};
  if (works != 1)
    throw map.mistake(map.line(), fmt::format("step {} needs exactly one of 'program', 'sort', 'copy'", step.name));
  step.timeout = timeout_of(map, defaults.timeout);
  step.memory_bytes = memory_of(map, defaults.memory_bytes);
  if (map.has("program")) step.work = program_of(map, program_defaults, parts);
  if (map.has("sort")) step.work = sort_of(*map.map("sort"), parts);
  if (map.has("copy")) step.work = copy_of(*map.map("copy"), parts);
  if (!map.has("program")) {
    for (const char* key : {"dialect", "copybooks", "libraries", "parm"}) {
      if (map.has(key)) throw map.mistake_at(key, fmt::format("'{}' is for programs, not for sort and copy", key));
    }
  }
  if (const auto environment = map.map("environment")) {
    for (const std::string& name : environment->keys()) {
      if (name.starts_with("DD_") || name.find('=') != std::string::npos)
        throw environment->mistake_at(name.c_str(), fmt::format("'{}' cannot be set here", name),
                                      "files are bound under 'dd:'");
      step.environment[name] = parts.text(*environment, name.c_str());
    }
  }
  if (const auto text = map.text("if")) {
    try {
      step.condition = Condition(*text, earlier);
    } catch (const Failure& mistake) {
      throw map.mistake_at("if", mistake.fact(), mistake.hint());
    }
  }
  step.max_rc =
      static_cast<std::int32_t>(map.number("max_rc", 0, std::numeric_limits<std::int32_t>::max()).value_or(4));
  if (const auto dd = map.map("dd")) step.bindings = bindings_of(*dd, parts);
  if (const auto balance = map.map("balance")) step.balance = balance_of(*balance, step);
  if (!map.has("program")) refuse_wrong_utility_dds(map, step);
  for (const Binding& binding : step.bindings) {
    if (map.has("program") && !binding.keys.empty())
      throw map.mistake(binding.line,
                        fmt::format("DD {}: 'keys' is for copy; a program says its keys itself", binding.dd));
  }
  return step;
}

}  // namespace

std::string_view disposition_name(Disposition disposition) {
  switch (disposition) {
    case Disposition::kShared:
      return "shared";
    case Disposition::kOld:
      return "old";
    case Disposition::kNew:
      return "new";
    case Disposition::kAppend:
      return "append";
  }
  return "";
}

const Binding* Step::binding(std::string_view dd) const {
  const auto at = std::find_if(bindings.begin(), bindings.end(), [&](const Binding& each) { return each.dd == dd; });
  return at == bindings.end() ? nullptr : &*at;
}

JobDefinition parse_definition(std::string_view yaml, const fs::path& file, const DefinitionWords& words) {
  const YamlMap map = YamlMap::parse(yaml, file);
  map.only(
      {"job", "title", "dialect", "copybooks", "libraries", "variables", "run_date", "timeout", "memory", "steps"});
  JobDefinition job;
  job.file = file;
  job.name = required_name(map, "job");
  job.title = map.text("title").value_or("");
  job.digest = digest_of(yaml, words);
  Parts parts{words.folder, fs::absolute(file).lexically_normal().parent_path().parent_path(), {}};
  read_variables(map, words, parts);
  read_run_date(map, words, job);
  parts.variables["RUN_DATE"] = job.run_date.text();

  Step defaults;
  defaults.timeout = timeout_of(map, defaults.timeout);
  defaults.memory_bytes = memory_of(map, std::nullopt);
  const ProgramStep program_defaults = program_words_of(map, {}, parts);
  std::vector<std::string> earlier;
  for (const YamlMap& step : map.maps("steps")) {
    job.steps.push_back(step_of(step, defaults, program_defaults, parts, earlier));
    earlier.push_back(job.steps.back().name);
  }
  if (job.steps.empty()) throw map.mistake_at("steps", "a job needs at least one step");
  refuse_unmade_temporaries(job, map);
  return job;
}

std::optional<std::chrono::seconds> duration_from_text(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end + 1 != text.data() + text.size() || number <= 0) return std::nullopt;
  const std::int64_t unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : 0;
  constexpr std::int64_t kMost = 30LL * 24 * 3600;
  if (unit == 0 || number > kMost / unit) return std::nullopt;
  return std::chrono::seconds(number * unit);
}

std::optional<std::uint64_t> size_from_text(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end + 1 != text.data() + text.size()) return std::nullopt;
  const unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
  if (shift == 0 || number == 0 || number >= (std::uint64_t{1} << 44 >> shift)) return std::nullopt;
  return number << shift;
}

std::string with_variables(std::string_view text, const std::map<std::string, std::string>& variables,
                           std::string& unknown) {
  std::string made;
  while (true) {
    const std::size_t begin = text.find("${");
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return made + std::string(text);
    const std::string name(text.substr(begin + 2, end - begin - 2));
    const auto value = variables.find(name);
    if (value == variables.end()) unknown = name;
    made += text.substr(0, begin);
    if (value != variables.end()) made += value->second;
    text.remove_prefix(end + 1);
  }
}

}  // namespace ledgermill::job
