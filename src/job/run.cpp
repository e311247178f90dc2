// SPDX-License-Identifier: Apache-2.0
#include "job/run.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <set>
#include <thread>

#include "base/file.h"
#include "job/generation.h"
#include "job/step_run.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

using State = StepRecord::State;

/// A step that a restart passes over.
bool is_done(const StepRecord& step) {
  return step.state == State::kEnded || step.state == State::kSkipped || step.state == State::kBypassed;
}

/// Who only looks whether a job runs (run_state) holds the lock for a moment: so it is tried more than once.
bool take_lock(int fd) {
  for (int tries = 0; tries < 5; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    errno = EWOULDBLOCK;
  }
  return false;
}

bool is_locked(const fs::path& lock) {
  const UniqueFd fd(::open(lock.c_str(), O_RDONLY | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/// One command at a time works on a job. Held by this process alone: steps get no descriptor of it.
UniqueFd lock_job(const fs::path& folder, const std::string& job) {
  std::error_code error;
  fs::create_directories(folder, error);
  const fs::path path = folder / "lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (error || !fd)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot write in '{}': {}", folder.string(), error ? error.message() : errno_text(errno)),
                  "--runs names another folder for what comes of runs");
  if (!take_lock(fd.get())) {
    if (errno != EWOULDBLOCK)
      throw Failure(ReturnCode::kUnavailable, fmt::format("cannot lock '{}': {}", path.string(), errno_text(errno)));
    throw Failure(ReturnCode::kRefused, fmt::format("job '{}' runs already, process {}", job, read_small_file(path)),
                  "wait until it has ended; 'ledgermill job list' shows how far it is");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot write '{}': {}", path.string(), errno_text(errno)));
  return fd;
}

std::vector<std::string> run_ids(const fs::path& job_folder) {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(job_folder, error)) {
    if (entry.is_directory(error)) ids.push_back(entry.path().filename().string());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// Ids sort by time, two of one second too: the hex digits then count on.
std::string new_run_id(const fs::path& job_folder) {
  std::string id = time_text();  // 2025-03-30T10:00:00.123456Z
  std::erase_if(id, [](char c) { return c == '-' || c == ':'; });
  id = id.substr(0, 8) + "-" + id.substr(9, 6) + "-";
  unsigned digits = std::random_device{}() & 0x0fffU;
  const std::vector<std::string> ids = run_ids(job_folder);
  if (!ids.empty() && ids.back() >= fmt::format("{}{:04x}", id, digits) && ids.back().size() == id.size() + 4) {
    id = ids.back().substr(0, id.size());
    std::from_chars(ids.back().data() + id.size(), ids.back().data() + ids.back().size(), digits, 16);
    ++digits;
  }
  return fmt::format("{}{:04x}", id, digits);
}

std::optional<FoundRun> newest_run(const fs::path& job_folder) {
  std::vector<std::string> ids = run_ids(job_folder);
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    if (auto manifest = read_manifest(job_folder / *id)) return FoundRun{job_folder / *id, std::move(*manifest)};
  }
  return std::nullopt;
}

JobDefinition read_definition(const JobOptions& options, const DefinitionWords& words) {
  return parse_definition(read_small_file(options.definition), options.definition, words);
}

void refuse_problems(const PreparedJob& prepared) {
  if (prepared.problems.empty()) return;
  const Failure& first = prepared.problems.front();
  std::string fact = first.fact();
  for (std::size_t i = 1; i < prepared.problems.size(); ++i) fact += "\n  " + prepared.problems[i].fact();
  throw Failure(ReturnCode::kRefused, fact, first.hint());
}

Failure changed(const std::string& what) {
  return Failure(ReturnCode::kRefused, what,
                 "--from-step STEP goes on from there all the same; --new begins a new run");
}

/// Steps that ended are only passed over if they would do the same again.
void refuse_changes(const Manifest& manifest, const PreparedJob& prepared) {
  struct Read {
    std::string step, sha256;
  };
  std::map<std::string, Read> read;  // by path; what a later step of the run wrote or deleted is another matter
  for (const StepRecord& step : manifest.steps) {
    if (step.state != State::kEnded) continue;
    const auto now = std::find_if(prepared.steps.begin(), prepared.steps.end(),
                                  [&](const PreparedStep& each) { return each.step->name == step.name; });
    if (now == prepared.steps.end() || now->digest() != step.program.digest)
      throw changed(fmt::format("the program of step {}, which ended in run {}, has changed", step.name, manifest.run));
    for (const DdRecord& dd : step.dds) {
      for (const FileRecord& file : dd.files) {
        if (dd.role == "input")
          read[file.path] = {step.name, file.sha256};
        else if (dd.end == "published")
          read.erase(file.path);
      }
    }
    for (const Move& move : step.moves) {
      if (move.kind == Move::Kind::kDelete) read.erase(move.to);
    }
  }
  for (const auto& [path, was] : read) {
    std::error_code error;
    if (!fs::exists(path, error))
      throw changed(fmt::format("'{}', which step {} read in run {}, is gone", path, was.step, manifest.run));
    if (examine_file(path, {}, {}).digest.hex() != was.sha256)
      throw changed(fmt::format("'{}' is not what step {} read in run {}", path, was.step, manifest.run));
  }
}

class JobRun {
 public:
  JobRun(const JobOptions& options, const StartWords& start, const RunObserver& observer)
      : options_(options), start_(start), observer_(observer), words_(options.words) {}

  Manifest run() {
    definition_ = read_definition(options_, words_);
    const fs::path job_folder = options_.runs / definition_.name;
    const UniqueFd lock = lock_job(job_folder, definition_.name);
    std::optional<FoundRun> former = newest_run(job_folder);
    if (former &&
        (former->manifest.state == Manifest::State::kRunning || former->manifest.state == Manifest::State::kFailed)) {
      settle(former->manifest, former->folder);
      if (!start_.anew && !is_stale(former->manifest)) return go_on(std::move(*former));
      give_up(*former);
    }
    prepare_all();
    begin(job_folder);
    return all_steps(false);
  }

 private:
  /// Of a run in which no step has ended well there is nothing to go on with: a mended definition begins anew.
  bool is_stale(const Manifest& former) const {
    return !start_.from_step && former.definition_sha256 != definition_.digest.hex() &&
           std::none_of(former.steps.begin(), former.steps.end(),
                        [](const StepRecord& step) { return step.state == State::kEnded; });
  }

  void prepare_all() {
    prepared_ = prepare(definition_, options_.cache);
    refuse_problems(prepared_);
    if (start_.from_step && std::none_of(definition_.steps.begin(), definition_.steps.end(),
                                         [&](const Step& step) { return step.name == *start_.from_step; }))
      throw Failure(ReturnCode::kRefused, fmt::format("--from-step {}: the job has no such step", *start_.from_step));
  }

  void begin(const fs::path& job_folder) {
    manifest_.job = definition_.name;
    manifest_.run = new_run_id(job_folder);
    manifest_.began = time_text();
    run_folder_ = job_folder / manifest_.run;
    describe();
    for (const Step& step : definition_.steps) manifest_.steps.emplace_back().name = step.name;
    bypass_to_first();
    fs::create_directory(run_folder_);
    write_manifest(manifest_, run_folder_);
    sync_folder(job_folder);
  }

  void describe() {
    manifest_.program_version = options_.program_version;
    manifest_.definition = fs::absolute(options_.definition).string();
    manifest_.definition_sha256 = definition_.digest.hex();
    manifest_.folder = words_.folder.string();
    manifest_.run_date = definition_.run_date.text();
    manifest_.run_date_given = definition_.run_date_given;
  }

  /// The newest run did not end well: what ended in it stays.
  Manifest go_on(FoundRun former) {
    manifest_ = std::move(former.manifest);
    run_folder_ = former.folder;
    if (!definition_.run_date_given) {  // a run keeps its day beyond midnight
      words_.today = BusinessDate::from_text(manifest_.run_date).value_or(words_.today);
      definition_ = read_definition(options_, words_);
    }
    prepare_all();
    if (!start_.from_step) {
      if (definition_.digest.hex() != manifest_.definition_sha256 || words_.folder.string() != manifest_.folder)
        throw changed(fmt::format(
            "the job is not what run {} was begun with: the definition, a variable, the run date or the folder differs",
            manifest_.run));
      refuse_changes(manifest_, prepared_);
    }
    std::vector<StepRecord> steps;
    bool passed_over = true;
    for (const Step& step : definition_.steps) {
      StepRecord* known = manifest_.step(step.name);
      const bool wanted = start_.from_step ? step.name != *start_.from_step : known != nullptr && is_done(*known);
      passed_over = passed_over && wanted;
      steps.emplace_back().name = step.name;
      if (passed_over && known != nullptr) steps.back() = std::move(*known);
    }
    manifest_.steps = std::move(steps);
    bypass_to_first();
    describe();
    manifest_.state = Manifest::State::kRunning;
    manifest_.continued.push_back(time_text());
    write_manifest(manifest_, run_folder_);
    return all_steps(true);
  }

  /// --from-step: what stands before it and did not end well is passed over.
  void bypass_to_first() {
    if (!start_.from_step) return;
    for (StepRecord& step : manifest_.steps) {
      if (step.name == *start_.from_step) return;
      if (!is_done(step)) step.state = State::kBypassed;
    }
  }

  static void give_up(FoundRun& former) {
    std::error_code ignored;
    fs::remove_all(former.folder / "temporaries", ignored);
    former.manifest.state = Manifest::State::kGivenUp;
    former.manifest.rc = std::max(command_rc(former.manifest), static_cast<int>(ReturnCode::kUnavailable));
    former.manifest.ended = time_text();
    write_manifest(former.manifest, former.folder);
  }

  Manifest all_steps(bool continued) {
    observer_.begun(manifest_, continued);
    Outcomes outcomes;
    for (std::size_t i = 0; i < prepared_.steps.size() && !observer_.interrupted(); ++i) {
      StepRecord& record = manifest_.steps[i];
      if (!is_done(record)) one_step(prepared_.steps[i], outcomes, record);
      if (record.ran()) outcomes.add(record.name, {record.rc, record.abend});
      if (record.state == State::kInterrupted) break;
    }
    manifest_.rc = command_rc(manifest_);
    const bool well = std::all_of(manifest_.steps.begin(), manifest_.steps.end(), is_done);
    manifest_.state = well ? Manifest::State::kEnded : Manifest::State::kFailed;
    if (well) fs::remove_all(run_folder_ / "temporaries");
    manifest_.ended = time_text();
    write_manifest(manifest_, run_folder_);
    return manifest_;
  }

  void one_step(const PreparedStep& step, const Outcomes& outcomes, StepRecord& record) {
    if (!step.step->condition.holds(outcomes)) {
      record.state = State::kSkipped;
      record.words = fmt::format("'if: {}' does not hold", step.step->condition.text());
      write_manifest(manifest_, run_folder_);
      observer_.step_ended(record);
      return;
    }
    run_step(step, definition_, options_, run_folder_, observer_, manifest_, record);
  }

  const JobOptions& options_;
  const StartWords& start_;
  const RunObserver& observer_;
  DefinitionWords words_;
  JobDefinition definition_;
  PreparedJob prepared_;
  Manifest manifest_;
  fs::path run_folder_;
};

/// Looks through the inputs of one step that are there, and notes what the step makes for those after it.
void look_at_inputs(const PreparedStep& step, std::set<std::string>& made, JobCheck& check) {
  std::vector<std::string> made_here;
  for (const PreparedDd& dd : step.dds) {
    std::vector<Dataset> reads;
    if (const auto* dataset = std::get_if<Dataset>(&dd.binding->source)) {
      if (dd.role == Role::kInput)
        reads.push_back(*dataset);
      else
        made_here.push_back(dataset->path.string());
    } else if (const auto* all = std::get_if<Concatenation>(&dd.binding->source)) {
      reads = all->parts;
    }
    for (const Dataset& each : reads) {
      if (made.contains(each.path.string())) continue;
      try {
        fs::path path = each.path;
        if (each.generation) {
          const auto numbers = generations_of(path);
          path = resolve_generation(path, *each.generation, numbers.empty() ? 0 : numbers.back());
        }
        const FileFacts facts = examine_file(path, dd.shape, dd.rules);
        check.inputs.push_back(
            {step.step->name, dd.binding->dd, {path.string(), facts.bytes, facts.records, facts.digest.hex()}});
      } catch (const Failure& failure) {
        check.prepared.problems.emplace_back(
            failure.code(),
            fmt::format("{}:{}: step {}, DD {}: {}", check.job.file.string(), dd.binding->line, step.step->name,
                        dd.binding->dd, failure.fact()),
            failure.hint());
      }
    }
  }
  made.insert(made_here.begin(), made_here.end());
}

}  // namespace

Manifest run_job(const JobOptions& options, const StartWords& start, const RunObserver& observer) {
  try {
    return JobRun(options, start, observer).run();
  } catch (const fs::filesystem_error& error) {
    throw Failure(ReturnCode::kUnavailable, error.what(), "run the same command again when the storage answers");
  }
}

std::unique_ptr<JobCheck> check_job(const JobOptions& options) {
  auto check = std::make_unique<JobCheck>();
  check->job = read_definition(options, options.words);
  check->prepared = prepare(check->job, options.cache);
  std::set<std::string> made;
  for (const PreparedStep& step : check->prepared.steps) look_at_inputs(step, made, *check);
  return check;
}

std::string run_state(const fs::path& runs, const Manifest& manifest) {
  if (manifest.state != Manifest::State::kRunning) return std::string(state_name(manifest.state));
  const fs::path folder = runs / manifest.job;
  const std::vector<std::string> ids = run_ids(folder);
  const bool newest = !ids.empty() && ids.back() == manifest.run;  // only that one is worked on
  return newest && is_locked(folder / "lock") ? "running" : "killed";
}

int command_rc(const Manifest& manifest) {
  int worst = 0;
  for (const StepRecord& step : manifest.steps) {
    if (step.state == State::kSkipped || step.state == State::kBypassed) continue;
    if (step.state == State::kWaiting) {
      worst = std::max(worst, static_cast<int>(ReturnCode::kUnavailable));  // we were asked to stop
      continue;
    }
    const int rc = step.rc == 0 ? 0 : step.rc <= 4 ? 4 : step.rc <= 8 ? 8 : 12;
    worst = std::max(worst, rc);
  }
  return worst;
}

std::vector<Manifest> list_runs(const fs::path& runs, const std::string& job, std::vector<std::string>& damaged) {
  std::vector<fs::path> jobs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(runs, error)) {
    if (entry.is_directory(error) && (job.empty() || entry.path().filename() == job)) jobs.push_back(entry.path());
  }
  std::sort(jobs.begin(), jobs.end());
  std::vector<Manifest> manifests;
  for (const fs::path& folder : jobs) {
    for (const std::string& id : run_ids(folder)) {
      try {
        if (auto manifest = read_manifest(folder / id)) manifests.push_back(std::move(*manifest));
      } catch (const Failure& failure) {
        damaged.push_back(failure.fact());
      }
    }
  }
  return manifests;
}

FoundRun find_run(const fs::path& runs, const std::string& name) {
  if (name.find('/') == std::string::npos && !name.starts_with('.')) {
    if (auto newest = newest_run(runs / name)) return std::move(*newest);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(runs, error)) {
      if (auto manifest = read_manifest(entry.path() / name)) return {entry.path() / name, std::move(*manifest)};
    }
  }
  throw Failure(ReturnCode::kRefused,
                fmt::format("there is no run '{}' and no job of that name in '{}'", name, runs.string()),
                "ledgermill job list");
}

}  // namespace ledgermill::job
