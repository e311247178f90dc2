// SPDX-License-Identifier: Apache-2.0
#include "job/step_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "job/step_files.h"
#include "job/step_process.h"
#include "job/utility/utility.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

using State = StepRecord::State;
using How = ProcessEnd::How;

constexpr std::int32_t kBadly = 12;

/// Folders of one step in its run; all but the log go when it has ended.
struct StepFolders {
  fs::path step, work, modules, temporary;

  explicit StepFolders(const fs::path& folder)
      : step(folder), work(folder / "work"), modules(folder / "modules"), temporary(folder / "tmp") {
    remove();
    for (const fs::path& each : {work, modules, temporary}) fs::create_directories(each);
  }
  void remove() const {
    std::error_code ignored;  // what stays is private and small; the run's folder shows it
    for (const fs::path& each : {work, modules, temporary}) fs::remove_all(each, ignored);
  }
};

/// libcob looks for NAME.so in one folder: the step's own, of links.
void link_modules(const PreparedStep& step, const fs::path& folder) {
  std::error_code error;
  fs::create_symlink(step.library, folder / (step.program + ".so"), error);
  for (const CalledProgram& called : step.called) {
    if (called.name != step.program) fs::create_symlink(called.library, folder / (called.name + ".so"), error);
  }
}

std::vector<std::string> environment_of(const PreparedStep& step, const JobDefinition& job, const JobOptions& options,
                                        const StepFolders& folders, const StepFiles& files) {
  std::map<std::string, std::string> all = options.environment;
  all["TMPDIR"] = folders.temporary.string();
  all["COB_LIBRARY_PATH"] = folders.modules.string();
  // GnuCOBOL 3.2 would refuse control characters and split long lines, 3.1 does neither: what is lost is looked for
  // before the step runs.
  all["COB_LS_VALIDATE"] = "false";
  all["COB_LS_SPLIT"] = "false";
  if (job.run_date_given) {
    std::string date = job.run_date.text();
    std::replace(date.begin(), date.end(), '-', '/');
    all["COB_CURRENT_DATE"] = date;  // the time of day goes on
  }
  for (const auto& [name, text] : step.step->environment) all[name] = text;
  std::vector<std::string> entries = files.environment();
  for (const auto& [name, text] : all) entries.push_back(name + "=" + text);
  return entries;
}

std::variant<ModuleLaunch, ExecutableLaunch, OwnWork> work_of(const PreparedStep& step, const StepFiles& files,
                                                              const StepFolders& folders) {
  if (const auto* sort = std::get_if<SortStep>(&step.step->work))
    return [sort, in = UtilityInput{files.lent_path("IN"), files.shown_path("IN")}, out = files.lent_path("OUT"),
            work = folders.temporary] { sort_records(*sort, in, out, work); };
  const auto* copy = std::get_if<CopyStep>(&step.step->work);
  if (copy != nullptr && step.compiled)
    return ModuleLaunch{step.library, step.program, {}, false, std::nullopt, std::nullopt};
  if (copy != nullptr)
    return [copy, in = UtilityInput{files.lent_path("IN"), files.shown_path("IN")}, out = files.lent_path("OUT")] {
      copy_records(*copy, in, out);
    };
  const auto& program = std::get<ProgramStep>(step.step->work);
  if (step.kind == PreparedStep::Kind::kExecutable)
    return ExecutableLaunch{step.library, program.parm, step.step->memory_bytes};
  std::vector<std::string> called;
  for (const CalledProgram& each : step.called) called.push_back(each.name);
  return ModuleLaunch{step.library, step.program, called, step.has_parameters, program.parm, step.step->memory_bytes};
}

ProgramRecord program_record(const PreparedStep& step) {
  ProgramRecord record;
  const auto* program = std::get_if<ProgramStep>(&step.step->work);
  record.path = program != nullptr ? program->program.string() : step.program;
  record.sha256 = step.sha256;
  record.digest = step.digest();
  if (step.compiled) {
    record.compiler = step.compiled->compiler;
    record.words = step.compiled->words;
  }
  for (const CalledProgram& called : step.called) record.called.push_back(called.name + " " + called.digest);
  return record;
}

/// How the process ended becomes the step's return code (docs/formats/job.md has the table).
void judge(const ProcessEnd& end, const Step& step, StepRecord& record) {
  record.how = how_name(end.how);
  record.seconds = end.seconds;
  record.log_lines = end.log_lines;
  record.log_lines_left_out = end.log_lines_left_out;
  record.words = end.words;
  record.state = State::kFailed;
  switch (end.how) {
    case How::kReturned:
    case How::kStopRun:
    case How::kExited:
      record.program_rc = end.return_code;
      record.rc = end.return_code < 0 ? kBadly : end.return_code;
      if (end.return_code >= 0 && end.return_code <= step.max_rc)
        record.state = State::kEnded;
      else
        record.words = end.return_code < 0 ? "a negative return code"
                                           : fmt::format("its return code is over max_rc {}", step.max_rc);
      return;
    case How::kFailed:
      record.rc = end.return_code;
      return;
    case How::kInterrupted:
      record.rc = kBadly;
      record.state = State::kInterrupted;
      return;
    case How::kRuntimeError:
    case How::kSignal:
    case How::kTimeout:
    case How::kMemory:
    case How::kNotStarted:
      record.rc = kBadly;
      record.abend = true;
      return;
  }
}

std::uint64_t balance_side(const std::vector<std::string>& names, const StepRecord& record) {
  std::uint64_t sum = 0;
  for (const DdRecord& dd : record.dds) {
    if (std::find(names.begin(), names.end(), dd.dd) != names.end() && dd.end != "absent")
      sum += dd.records().value_or(0) - dd.records_before;
  }
  return sum;
}

void balance(const Step& step, StepRecord& record) {
  if (!step.balance) return;
  const BalanceRecord found{balance_side(step.balance->in, record), balance_side(step.balance->out, record),
                            balance_side(step.balance->rejects, record)};
  record.balance = found;
  if (found.in == found.out + found.rejects) return;
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("out of balance: {} records in, {} out and {} rejected", found.in, found.out, found.rejects),
      "the outputs were not published; look at the step's log");
}

class StepRun {
 public:
  StepRun(const PreparedStep& step, const JobDefinition& job, const JobOptions& options, const fs::path& run_folder,
          const RunObserver& observer, Manifest& manifest, StepRecord& record)
      : step_(step),
        job_(job),
        options_(options),
        run_folder_(run_folder),
        observer_(observer),
        manifest_(manifest),
        record_(record) {}

  void run() {
    begin();
    try {
      StepFiles files(step_, run_folder_, manifest_, record_);
      write_manifest(manifest_, run_folder_);  // a kill from here on is cleaned up by what it says
      work_with(files);
    } catch (const Failure& failure) {
      if (record_.state == State::kPublishing) throw;
      fail(failure);
    } catch (const fs::filesystem_error& error) {
      fail(Failure(ReturnCode::kUnavailable, error.what(), "run the same command again when the storage answers"));
    }
    record_.ended = time_text();
    write_manifest(manifest_, run_folder_);
    observer_.step_ended(record_);
  }

 private:
  void begin() {
    record_ = StepRecord{};
    record_.name = step_.step->name;
    record_.state = State::kRunning;
    record_.began = time_text();
    record_.program = program_record(step_);
    record_.log = record_.name + "/output.log";
    observer_.step_began(record_);
  }

  void fail(const Failure& failure) {
    record_.state = State::kFailed;
    record_.rc = std::max(record_.rc, static_cast<std::int32_t>(failure.code()));
    record_.words = failure.fact();
    record_.hint = failure.hint();
    for (DdRecord& dd : record_.dds) {
      if (dd.role != "input" && dd.end.empty()) dd.end = "discarded";
    }
    remove_private_folders(record_);
  }

  void work_with(StepFiles& files) {
    const StepFolders folders(run_folder_ / record_.name);
    bool well = false;
    try {
      files.look_at_inputs();
      files.lend(folders.work);
      write_manifest(manifest_, run_folder_);
      files.follow_outputs();
      judge(run_process(process(files, folders)), *step_.step, record_);
      files.finish_digests();
      well = record_.state == State::kEnded;
      if (well) {
        record_.state = State::kRunning;
        files.refuse_changed_inputs();
        files.look_at_outputs();
        balance(*step_.step, record_);
      }
    } catch (const Failure& failure) {
      folders.remove();
      // A step that was begun ends as its DDs say for a failure; one that was refused changes nothing.
      if (record_.how.empty()) throw;
      well = false;
      const std::vector<Move> moves = files.moves(StepFiles::Ending::kBadly);
      record_.state = State::kFailed;
      record_.rc = std::max(record_.rc, static_cast<std::int32_t>(failure.code()));
      record_.words = failure.fact();
      record_.hint = failure.hint();
      return publish(moves);
    }
    folders.remove();
    if (well) record_.state = State::kEnded;
    publish(files.moves(well ? StepFiles::Ending::kWell : StepFiles::Ending::kBadly));
  }

  StepProcess process(const StepFiles& files, const StepFolders& folders) {
    link_modules(step_, folders.modules);
    StepProcess process{
        work_of(step_, files, folders),
        environment_of(step_, job_, options_, folders, files),
        folders.work,
        step_.reads_sysin ? files.lent_path("SYSIN") : fs::path(),
        run_folder_ / record_.log,
        options_.most_log_bytes,
        step_.step->timeout,
        observer_.interrupted,
        [this](double seconds, std::uint64_t lines) { observer_.step_goes_on(record_, seconds, lines); }};
    return process;
  }

  /// The intent first, then the moves: whoever comes after a kill completes them.
  void publish(const std::vector<Move>& moves) {
    record_.moves = moves;
    if (!moves.empty()) {
      record_.after_publishing = record_.state;
      record_.state = State::kPublishing;
      write_manifest(manifest_, run_folder_);
      complete_moves(moves);
      record_.state = record_.after_publishing;
    }
    remove_private_folders(record_);
  }

  const PreparedStep& step_;
  const JobDefinition& job_;
  const JobOptions& options_;
  const fs::path& run_folder_;
  const RunObserver& observer_;
  Manifest& manifest_;
  StepRecord& record_;
};

}  // namespace

void run_step(const PreparedStep& step, const JobDefinition& job, const JobOptions& options, const fs::path& run_folder,
              const RunObserver& observer, Manifest& manifest, StepRecord& record) {
  StepRun(step, job, options, run_folder, observer, manifest, record).run();
}

void settle(Manifest& manifest, const fs::path& run_folder) {
  for (StepRecord& step : manifest.steps) {
    if (step.state == State::kPublishing) {
      complete_moves(step.moves);
      step.state = step.after_publishing;
      if (step.ended.empty()) step.ended = time_text();
    } else if (step.state == State::kRunning) {
      step.state = State::kWaiting;
    }
    remove_private_folders(step);
  }
  write_manifest(manifest, run_folder);
}

std::string time_text() {
  const Timestamp now{
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
  std::string text = now.text();
  text.replace(text.size() - 4, 4, "Z");  // microseconds are enough
  return text;
}

}  // namespace ledgermill::job
