// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "batch/interruption.h"
#include "cli/session.h"
#include "cli/view.h"
#include "job/run.h"

namespace ledgermill::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

struct Words {
  std::string definition;
  std::string folder = ".";
  std::string runs = "job-runs";
  std::vector<std::string> variables;
  std::string run_date;
  std::string from_step;
  bool anew = false;
  bool dry_run = false;

  void add_to(CLI::App& command, Session& session);
  job::JobOptions options(const Session& session) const;
};

void add_runs_option(CLI::App& command, std::string& runs) {
  command.add_option("--runs", runs, "Folder of what comes of runs")->capture_default_str();
}

void Words::add_to(CLI::App& command, Session& session) {
  command.add_option("definition", definition, "The job: a YAML file, or the name of one in jobs/ or installed")
      ->required();
  command.add_option("--folder", folder, "Folder that relative paths of the job begin at")->capture_default_str();
  command.add_option("--set", variables, "NAME=TEXT: gives a variable of the job another value")
      ->allow_extra_args(false);
  command.add_option("--run-date", run_date, "YYYY-MM-DD: what ${RUN_DATE} and the programs see as today");
  command.add_option("--cache", session.settings.cache, "Folder for compiled programs [LEDGERMILL_CACHE]");
  add_runs_option(command, runs);
  add_json_option(command, session);
}

BusinessDate today() {
  constexpr std::int64_t kNanosecondsADay = 86'400'000'000'000;
  return BusinessDate::from_days_since_epoch(static_cast<std::int32_t>(now().nanoseconds / kNanosecondsADay));
}

job::JobOptions Words::options(const Session& session) const {
  job::JobOptions options;
  options.definition = session.job_file(definition);
  options.words.folder = fs::absolute(folder + "/.").lexically_normal().parent_path();  // no slash at its end
  options.words.today = today();
  options.runs = fs::absolute(runs).lexically_normal();
  options.cache = session.module_places().cache;
  options.program_version = LEDGERMILL_VERSION;
  for (const std::string& variable : variables) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos)
      throw Failure(ReturnCode::kRefused, fmt::format("--set {}: NAME=TEXT is wanted", variable));
    options.words.variables[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  if (!run_date.empty()) {
    options.words.run_date = BusinessDate::from_text(run_date);
    if (!options.words.run_date)
      throw Failure(ReturnCode::kRefused, fmt::format("--run-date {}: no day, YYYY-MM-DD is wanted", run_date));
  }
  for (const char* name : {"PATH", "LANG", "TZ"}) {
    if (const char* value = std::getenv(name); value != nullptr) options.environment[name] = value;
  }
  return options;
}

/// Paths below the current folder as people would type them.
std::string from_here(const std::string& path) {
  const std::string here = fs::current_path().string() + "/";
  return path.starts_with(here) ? path.substr(here.size()) : path;
}

std::string count_text(const std::optional<std::uint64_t>& records) { return records ? grouped(*records) : "?"; }

/// "TRANSFORM  ended  rc 0" and how it came to it.
std::string step_text(const job::StepRecord& step) {
  std::string text = fmt::format("  {}  {}", step.name, job::state_name(step.state));
  if (step.ran()) text += fmt::format("  rc {}", step.rc);
  if (step.program_rc && *step.program_rc != step.rc) text += fmt::format(" (the program's: {})", *step.program_rc);
  if (!step.how.empty()) text += fmt::format(", {}, {:.2f} s", step.how, step.seconds);
  if (!step.words.empty()) text += "\n    " + shown(step.words);
  if (!step.hint.empty()) text += "\n    hint: " + step.hint;
  text += '\n';
  std::vector<std::vector<std::string>> rows;
  for (const job::DdRecord& dd : step.dds) {
    for (const job::FileRecord& file : dd.files)
      rows.push_back(
          {"  ", dd.dd, dd.role, dd.end, shown(from_here(file.path)), count_text(file.records), grouped(file.bytes)});
  }
  if (!rows.empty()) {
    rows.insert(rows.begin(), {"  ", "DD", "", "", "file", "records", "bytes"});
    text += table(rows, 5);
  }
  if (step.balance)
    text += fmt::format("    balance: {} in, {} out, {} rejected\n", grouped(step.balance->in),
                        grouped(step.balance->out), grouped(step.balance->rejects));
  if (step.log_lines_left_out > 0)
    text += fmt::format("    the log is full: {} lines are not kept\n", grouped(step.log_lines_left_out));
  return text;
}

Json run_json(const job::Manifest& manifest, const std::string& state) {
  return {{"job", manifest.job},
          {"run", manifest.run},
          {"state", state},
          {"rc", manifest.rc},
          {"run_date", manifest.run_date},
          {"began", manifest.began},
          {"ended", manifest.ended},
          {"steps", manifest.steps.size()},
          {"restarts", manifest.continued.size()}};
}

/// Shows a run while it goes: a line a step, and where there is a terminal how long the step has been at it.
class RunView {
 public:
  explicit RunView(bool json) : json_(json), terminal_(::isatty(STDERR_FILENO) == 1) {}

  job::RunObserver observer() {
    job::RunObserver observer;
    observer.begun = [this](const job::Manifest& manifest, bool continued) {
      if (!json_)
        fmt::print("job {}, run {}{}\n", manifest.job, manifest.run, continued ? ", which is gone on with" : "");
      std::fflush(stdout);
    };
    observer.step_began = [](const job::StepRecord&) {};
    observer.step_goes_on = [this](const job::StepRecord& step, double seconds, std::uint64_t lines) {
      if (!terminal_ || seconds < last_ + 1) return;
      last_ = seconds;
      fmt::print(stderr, "\r  {}: {:.0f} s, {} lines of output\033[K", step.name, seconds, grouped(lines));
    };
    observer.step_ended = [this](const job::StepRecord& step) {
      if (terminal_ && last_ > 0) fmt::print(stderr, "\r\033[K");
      last_ = 0;
      fmt::print("{}", json_ ? job::step_json(step) + "\n" : step_text(step));
      std::fflush(stdout);
    };
    observer.interrupted = batch::interrupted;
    return observer;
  }

 private:
  bool json_;
  bool terminal_;
  double last_ = 0;
};

Json check_json(const job::JobCheck& check) {
  Json steps = Json::array();
  for (const job::PreparedStep& step : check.prepared.steps) {
    Json dds = Json::array();
    for (const job::PreparedDd& dd : step.dds)
      dds.push_back({{"dd", dd.binding->dd},
                     {"role", job::role_name(dd.role)},
                     {"disp", job::disposition_name(dd.binding->disposition)}});
    Json called = Json::array();
    for (const job::CalledProgram& each : step.called) called.push_back(each.name);
    steps.push_back({{"step", step.step->name},
                     {"program", step.program},
                     {"if", step.step->condition.text()},
                     {"dd", dds},
                     {"calls", called}});
  }
  Json inputs = Json::array();
  for (const job::CheckedInput& input : check.inputs) {
    inputs.push_back({{"step", input.step},
                      {"dd", input.dd},
                      {"path", input.file.path},
                      {"bytes", input.file.bytes},
                      {"records", input.file.records ? Json(*input.file.records) : Json()},
                      {"sha256", input.file.sha256}});
  }
  Json problems = Json::array();
  for (const Failure& problem : check.prepared.problems)
    problems.push_back({{"fact", problem.fact()}, {"hint", problem.hint()}});
  return {{"job", check.job.name}, {"run_date", check.job.run_date.text()}, {"steps", steps},
          {"inputs", inputs},      {"remarks", check.prepared.remarks},     {"problems", problems}};
}

std::string check_text(const job::JobCheck& check) {
  std::string text = fmt::format("job {}, run date {}\n", check.job.name, check.job.run_date.text());
  for (const job::PreparedStep& step : check.prepared.steps) {
    text += fmt::format("  {}: {}, if {}\n", step.step->name, step.program, step.step->condition.text());
    for (const job::PreparedDd& dd : step.dds)
      text += fmt::format("    {}  {}, {}\n", dd.binding->dd, job::role_name(dd.role),
                          job::disposition_name(dd.binding->disposition));
    for (const job::CalledProgram& each : step.called) text += fmt::format("    calls {}\n", each.name);
  }
  for (const job::CheckedInput& input : check.inputs)
    text += fmt::format("  {} of {}: {}, {} records, {} bytes\n", input.dd, input.step,
                        shown(from_here(input.file.path)), count_text(input.file.records), grouped(input.file.bytes));
  return text;
}

void check(const Words& words, Session& session) {
  const auto checked = job::check_job(words.options(session));
  fmt::print("{}", session.settings.json
                       ? check_json(*checked).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                       : check_text(*checked));
  for (const std::string& remark : checked->prepared.remarks) {
    if (!session.settings.json) fmt::print(stderr, "ledgermill: {}\n", remark);
  }
  for (const Failure& problem : checked->prepared.problems) {
    print_failure(problem);
    session.ended_with(problem.code());
  }
}

void print_what_went_wrong(const job::Manifest& manifest) {
  for (const job::StepRecord& step : manifest.steps) {
    if (step.state != job::StepRecord::State::kFailed && step.state != job::StepRecord::State::kInterrupted) continue;
    const std::string look = fmt::format("ledgermill job log {} {}", manifest.run, step.name);
    const std::string hint = !step.hint.empty() ? step.hint : look + "; the same command goes on with this step";
    print_failure(Failure(ReturnCode::kRefused,
                          fmt::format("step {}: {}", step.name, step.words.empty() ? step.how : step.words), hint));
  }
}

void run(const Words& words, Session& session) {
  if (words.dry_run) return check(words, session);
  if (words.anew && !words.from_step.empty())
    throw Failure(ReturnCode::kRefused, "--new and --from-step contradict each other");
  job::StartWords start;
  start.anew = words.anew;
  if (!words.from_step.empty()) start.from_step = words.from_step;
  RunView view(session.settings.json);
  const job::Manifest manifest = job::run_job(words.options(session), start, view.observer());
  if (session.settings.json)
    fmt::print("{}\n", run_json(manifest, std::string(job::state_name(manifest.state))).dump());
  else
    fmt::print("run {} {}, RC {}\n", manifest.run,
               manifest.state == job::Manifest::State::kEnded ? "ended" : "did not end well", manifest.rc);
  print_what_went_wrong(manifest);
  session.ended_with(static_cast<ReturnCode>(manifest.rc));
}

void list(const std::string& runs, const std::string& name, const Session& session) {
  std::vector<std::string> damaged;
  std::vector<std::vector<std::string>> rows{{"job", "run", "state", "began", "RC"}};
  for (const job::Manifest& manifest : job::list_runs(fs::absolute(runs), name, damaged)) {
    const std::string state = job::run_state(fs::absolute(runs), manifest);
    if (session.settings.json)
      fmt::print("{}\n", run_json(manifest, state).dump());
    else
      rows.push_back({manifest.job, manifest.run, state, manifest.began, std::to_string(manifest.rc)});
  }
  if (!session.settings.json) fmt::print("{}", table(rows, 4));
  for (const std::string& fact : damaged) fmt::print(stderr, "ledgermill: {}\n", fact);
}

void show(const std::string& runs, const std::string& name, const Session& session) {
  const job::FoundRun found = job::find_run(fs::absolute(runs), name);
  const std::string state = job::run_state(fs::absolute(runs), found.manifest);
  if (session.settings.json) {
    Json manifest = Json::parse(job::manifest_json(found.manifest));
    manifest["state"] = state;
    fmt::print("{}\n", manifest.dump());
    return;
  }
  fmt::print("job {}, run {}, {}, RC {}\n  definition {}, run date {}\n  {} to {}\n", found.manifest.job,
             found.manifest.run, state, found.manifest.rc, shown(found.manifest.definition), found.manifest.run_date,
             found.manifest.began, found.manifest.ended.empty() ? "(not ended)" : found.manifest.ended);
  if (state == "killed") fmt::print("  no process works on it; the command that began it goes on with it\n");
  for (const job::StepRecord& step : found.manifest.steps) fmt::print("{}", step_text(step));
}

/// A log may be large, and holds what programs said: on a terminal control characters are shown, not obeyed.
void print_log(const std::string& runs, const std::string& name, const std::string& step) {
  job::FoundRun found = job::find_run(fs::absolute(runs), name);
  const job::StepRecord* record = found.manifest.step(step);
  if (record == nullptr)
    throw Failure(ReturnCode::kRefused, fmt::format("run {} has no step '{}'", found.manifest.run, step));
  const fs::path path = found.folder / record->name / "output.log";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) throw Failure(ReturnCode::kRefused, fmt::format("step {} has no log: it was not run", step));
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  std::array<char, 64 << 10> bytes{};
  while (std::fgets(bytes.data(), static_cast<int>(bytes.size()), file.get()) != nullptr) {
    std::string line(bytes.data());
    const bool ended = line.ends_with('\n');
    if (ended) line.pop_back();
    fmt::print("{}{}", terminal ? shown(line) : line, ended ? "\n" : "");
  }
}

void add_looks(CLI::App& command, Session& session) {
  const auto runs = std::make_shared<std::string>("job-runs");
  const auto name = std::make_shared<std::string>();
  const auto step = std::make_shared<std::string>();
  auto* list_command = command.add_subcommand("list", "The runs that there were");
  list_command->add_option("job", *name, "Of this job only");
  add_runs_option(*list_command, *runs);
  add_json_option(*list_command, session);
  list_command->footer("Example:\n  ledgermill job list transform-orders\n");
  list_command->callback([=, &session] { list(*runs, *name, session); });

  auto* show_command = command.add_subcommand("show", "One run: its steps, files and counts");
  show_command->add_option("run", *name, "Id of the run, or the job's name for its newest")->required();
  add_runs_option(*show_command, *runs);
  add_json_option(*show_command, session);
  show_command->footer("Example:\n  ledgermill job show transform-orders --json\n");
  show_command->callback([=, &session] { show(*runs, *name, session); });

  auto* log_command = command.add_subcommand("log", "What a step said, line by line with its times");
  log_command->add_option("run", *name, "Id of the run, or the job's name for its newest")->required();
  log_command->add_option("step", *step, "The step")->required();
  add_runs_option(*log_command, *runs);
  log_command->footer("Example:\n  ledgermill job log transform-orders TRANSFORM\n");
  log_command->callback([=] { print_log(*runs, *name, *step); });
}

}  // namespace

void add_job(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("job", "Whole COBOL programs as steps, as under JCL: run, check, list, show, log");
  command->require_subcommand(1);
  command->footer("Example:\n  ledgermill job run jobs/transform-orders.yaml\n");
  const auto words = std::make_shared<Words>();

  auto* run_command = command->add_subcommand("run", "Run a job, or go on with its run that did not end well");
  words->add_to(*run_command, session);
  run_command->add_option("--from-step", words->from_step, "Begin at this step; those before it are passed over");
  run_command->add_flag("--new", words->anew, "Begin a new run, and give up one that did not end well");
  run_command->add_flag("--dry-run", words->dry_run, "Run nothing: the same as 'job check'");
  run_command->footer(
      "The same command after any crash goes on with the step that did not end.\n\nExamples:\n"
      "  ledgermill job run jobs/transform-orders.yaml\n"
      "  ledgermill job run jobs/month-end.yaml --set REGION=north --run-date 2025-03-31\n"
      "  ledgermill job run jobs/month-end.yaml --from-step REPORT\n");
  run_command->callback([words, &session] { run(*words, session); });

  auto* check_command = command->add_subcommand("check", "Compile every program and look at every DD; run nothing");
  const auto check_words = std::make_shared<Words>();
  check_words->add_to(*check_command, session);
  check_command->footer("Example:\n  ledgermill job check jobs/transform-orders.yaml --json\n");
  check_command->callback([check_words, &session] { check(*check_words, session); });
  add_looks(*command, session);
}

}  // namespace ledgermill::cli
