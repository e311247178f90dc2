// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "job/definition.h"
#include "job/manifest.h"
#include "job/prepare.h"

namespace ledgermill::job {

struct JobOptions {
  std::filesystem::path definition;
  DefinitionWords words;
  std::filesystem::path runs;   ///< folder of all runs; absolute
  std::filesystem::path cache;  ///< of compiled programs
  std::string program_version;
  std::map<std::string, std::string> environment;  ///< of the caller's, what every step gets: PATH, LANG, TZ
  std::uint64_t most_log_bytes = 256U << 20;       ///< of each step's log
};

/// Which steps a run begins with.
struct StartWords {
  std::optional<std::string> from_step;
  bool anew = false;  ///< an earlier run that did not end well is given up
};

struct RunObserver {
  std::function<void(const Manifest& manifest, bool continued)> begun;
  std::function<void(const StepRecord& step)> step_began;
  std::function<void(const StepRecord& step, double seconds, std::uint64_t log_lines)> step_goes_on;
  std::function<void(const StepRecord& step)> step_ended;
  std::function<bool()> interrupted;
};

/// Runs the job, or goes on with its newest run when that did not end well: steps that ended well are passed over.
/// What happened stands in the manifest, which is written after every event; the manifest's `rc` is the command's.
/// Failure RC 8: the definition has mistakes, the job runs already, or what ended steps rest on has changed; RC 12.
Manifest run_job(const JobOptions& options, const StartWords& start, const RunObserver& observer);

/// What `job check` tells.
struct CheckedInput {
  std::string step, dd;
  FileRecord file;
};
struct JobCheck {
  JobDefinition job;
  PreparedJob prepared;              ///< looks at `job`
  std::vector<CheckedInput> inputs;  ///< that are there now, looked through
};
/// Compiles and compares, and looks through the inputs that no earlier step makes; all problems stand in
/// `prepared.problems`. Nothing is run or written but the cache.
std::unique_ptr<JobCheck> check_job(const JobOptions& options);

/// What is known of a run besides its manifest: "running" while a process holds the job, "killed" where the manifest
/// says running and none does; else the manifest's state.
std::string run_state(const std::filesystem::path& runs, const Manifest& manifest);

/// The return code of the command for the steps that ran.
int command_rc(const Manifest& manifest);

/// All runs under `runs`, or those of `job`, the newest of each job last. Damaged manifests are left out and named in
/// `damaged`.
std::vector<Manifest> list_runs(const std::filesystem::path& runs, const std::string& job,
                                std::vector<std::string>& damaged);
/// A run by its id, or a job's newest by the job's name. Failure RC 8 when there is none.
struct FoundRun {
  std::filesystem::path folder;
  Manifest manifest;
};
FoundRun find_run(const std::filesystem::path& runs, const std::string& name);

}  // namespace ledgermill::job
