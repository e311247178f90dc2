// SPDX-License-Identifier: Apache-2.0
#include "job/manifest.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::job {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr int kVersion = 1;
constexpr std::array kStepStates{"waiting", "running",     "publishing", "ended",
                                 "failed",  "interrupted", "skipped",    "bypassed"};
constexpr std::array kRunStates{"running", "ended", "failed", "given up"};
constexpr std::array kMoves{"place", "replace", "delete"};

template <class Enum, std::size_t N>
Enum from_name(const std::array<const char*, N>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) throw std::runtime_error("'" + name + "' is no state");
  return static_cast<Enum>(at - names.begin());
}

template <class Value>
Json optional_json(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json file_json(const FileRecord& file) {
  return {
      {"path", file.path}, {"bytes", file.bytes}, {"records", optional_json(file.records)}, {"sha256", file.sha256}};
}

Json dd_json(const DdRecord& dd) {
  Json files = Json::array();
  for (const FileRecord& file : dd.files) files.push_back(file_json(file));
  return {{"dd", dd.dd},
          {"role", dd.role},
          {"kind", dd.kind},
          {"disp", dd.disposition},
          {"end", dd.end},
          {"records", optional_json(dd.records())},
          {"records_before", dd.records_before},
          {"files", files}};
}

Json program_json(const ProgramRecord& program) {
  return {{"path", program.path},         {"sha256", program.sha256}, {"digest", program.digest},
          {"compiler", program.compiler}, {"words", program.words},   {"called", program.called}};
}

Json json_of(const StepRecord& step) {
  Json dds = Json::array();
  for (const DdRecord& dd : step.dds) dds.push_back(dd_json(dd));
  Json moves = Json::array();
  for (const Move& move : step.moves)
    moves.push_back({{"move", kMoves.at(static_cast<std::size_t>(move.kind))}, {"from", move.from}, {"to", move.to}});
  Json balance;
  if (step.balance)
    balance = {{"in", step.balance->in}, {"out", step.balance->out}, {"rejects", step.balance->rejects}};
  return {{"step", step.name},
          {"state", state_name(step.state)},
          {"after_publishing", state_name(step.after_publishing)},
          {"began", step.began},
          {"ended", step.ended},
          {"seconds", step.seconds},
          {"how", step.how},
          {"program_rc", optional_json(step.program_rc)},
          {"rc", step.rc},
          {"abend", step.abend},
          {"words", step.words},
          {"hint", step.hint},
          {"program", program_json(step.program)},
          {"dd", dds},
          {"balance", balance},
          {"log", step.log},
          {"log_lines", step.log_lines},
          {"log_lines_left_out", step.log_lines_left_out},
          {"private_folders", step.private_folders},
          {"moves", moves}};
}

FileRecord file_of(const Json& json) {
  FileRecord file{json.at("path"), json.at("bytes"), std::nullopt, json.at("sha256")};
  if (!json.at("records").is_null()) file.records = json.at("records").get<std::uint64_t>();
  return file;
}

StepRecord step_of(const Json& json) {
  StepRecord step;
  step.name = json.at("step");
  step.state = from_name<StepRecord::State>(kStepStates, json.at("state"));
  step.after_publishing = from_name<StepRecord::State>(kStepStates, json.at("after_publishing"));
  step.began = json.at("began");
  step.ended = json.at("ended");
  step.seconds = json.at("seconds");
  step.how = json.at("how");
  if (!json.at("program_rc").is_null()) step.program_rc = json.at("program_rc").get<std::int32_t>();
  step.rc = json.at("rc");
  step.abend = json.at("abend");
  step.words = json.at("words");
  step.hint = json.at("hint");
  const Json& program = json.at("program");
  step.program = {program.at("path"),     program.at("sha256"), program.at("digest"),
                  program.at("compiler"), program.at("words"),  program.at("called")};
  for (const Json& each : json.at("dd")) {
    DdRecord dd{each.at("dd"),
                each.at("role"),
                each.at("kind"),
                each.at("disp"),
                each.at("end"),
                {},
                each.at("records_before")};
    for (const Json& file : each.at("files")) dd.files.push_back(file_of(file));
    step.dds.push_back(std::move(dd));
  }
  if (const Json& balance = json.at("balance"); !balance.is_null())
    step.balance = BalanceRecord{balance.at("in"), balance.at("out"), balance.at("rejects")};
  step.log = json.at("log");
  step.log_lines = json.at("log_lines");
  step.log_lines_left_out = json.at("log_lines_left_out");
  step.private_folders = json.at("private_folders").get<std::vector<std::string>>();
  for (const Json& move : json.at("moves"))
    step.moves.push_back({from_name<Move::Kind>(kMoves, move.at("move")), move.at("from"), move.at("to")});
  return step;
}

Manifest manifest_of(const Json& json) {
  if (json.at("version").get<int>() > kVersion) throw std::runtime_error("it was written by a later version");
  Manifest manifest;
  manifest.job = json.at("job");
  manifest.run = json.at("run");
  manifest.state = from_name<Manifest::State>(kRunStates, json.at("state"));
  manifest.rc = json.at("rc");
  manifest.program_version = json.at("ledgermill");
  manifest.definition = json.at("definition");
  manifest.definition_sha256 = json.at("definition_sha256");
  manifest.folder = json.at("folder");
  manifest.run_date = json.at("run_date");
  manifest.run_date_given = json.at("run_date_given");
  manifest.began = json.at("began");
  manifest.ended = json.at("ended");
  manifest.continued = json.at("continued").get<std::vector<std::string>>();
  manifest.generations = json.at("generations").get<std::map<std::string, unsigned>>();
  for (const Json& step : json.at("steps")) manifest.steps.push_back(step_of(step));
  return manifest;
}

/// Paths and programs' words may hold bytes that are no UTF-8: shown as U+FFFD rather than refused.
std::string dump(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string_view state_name(StepRecord::State state) { return kStepStates.at(static_cast<std::size_t>(state)); }
std::string_view state_name(Manifest::State state) { return kRunStates.at(static_cast<std::size_t>(state)); }

std::optional<std::uint64_t> DdRecord::records() const {
  std::uint64_t sum = 0;
  for (const FileRecord& file : files) {
    if (!file.records) return std::nullopt;
    sum += *file.records;
  }
  return sum;
}

StepRecord* Manifest::step(const std::string& name) {
  const auto at = std::find_if(steps.begin(), steps.end(), [&](const StepRecord& each) { return each.name == name; });
  return at == steps.end() ? nullptr : &*at;
}

std::string manifest_json(const Manifest& manifest) {
  Json steps = Json::array();
  for (const StepRecord& step : manifest.steps) steps.push_back(json_of(step));
  const Json json{{"version", kVersion},
                  {"job", manifest.job},
                  {"run", manifest.run},
                  {"state", state_name(manifest.state)},
                  {"rc", manifest.rc},
                  {"ledgermill", manifest.program_version},
                  {"definition", manifest.definition},
                  {"definition_sha256", manifest.definition_sha256},
                  {"folder", manifest.folder},
                  {"run_date", manifest.run_date},
                  {"run_date_given", manifest.run_date_given},
                  {"began", manifest.began},
                  {"ended", manifest.ended},
                  {"continued", manifest.continued},
                  {"generations", manifest.generations},
                  {"steps", steps}};
  return dump(json, 1) + "\n";
}

std::string step_json(const StepRecord& step) { return dump(json_of(step), -1); }

Manifest manifest_from_json(std::string_view json, const fs::path& path) {
  try {
    return manifest_of(Json::parse(json));
  } catch (const std::exception& damaged) {
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no manifest: {}", path.string(), damaged.what()),
                  "move the run's folder away, or begin anew with --new");
  }
}

void write_manifest(const Manifest& manifest, const fs::path& run_folder) {
  write_atomically(run_folder / "manifest.json", manifest_json(manifest));
}

std::optional<Manifest> read_manifest(const fs::path& run_folder) {
  const fs::path path = run_folder / "manifest.json";
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  constexpr std::size_t kMostBytes = 64U << 20;
  return manifest_from_json(read_small_file(path, kMostBytes), path);
}

}  // namespace ledgermill::job
