// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "job/publication.h"

namespace ledgermill::job {

/// A file that a DD of a step stood for (one of several, of a concatenation).
struct FileRecord {
  std::string path;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> records;
  std::string sha256;  ///< hex
};

struct DdRecord {
  std::string dd;
  std::string role;         ///< "input", "output", "update"
  std::string kind;         ///< "path", "concat", "temporary", "data", "dummy"
  std::string disposition;  ///< "shared", ...
  std::string end;          ///< what became of an output: "published", "discarded", "absent"; else ""
  std::vector<FileRecord> files;
  std::uint64_t records_before = 0;  ///< of what `append` found there

  std::optional<std::uint64_t> records() const;  ///< nothing where one file's are not known
};

struct ProgramRecord {
  std::string path;
  std::string sha256;               ///< of the source, module or executable
  std::string digest;               ///< of all that the compiled program depends on; "" where nothing was compiled
  std::string compiler;             ///< as cobc says it; "" likewise
  std::vector<std::string> words;   ///< what cobc was told
  std::vector<std::string> called;  ///< "NAME digest" of the programs it may call
};

struct BalanceRecord {
  std::uint64_t in = 0, out = 0, rejects = 0;
};

struct StepRecord {
  enum class State : std::uint8_t {
    kWaiting,      ///< not reached
    kRunning,      ///< begun; what it makes is private
    kPublishing,   ///< ended; its outputs are being given their names
    kEnded,        ///< well
    kFailed,       ///< badly, or refused
    kInterrupted,  ///< we were asked to stop
    kSkipped,      ///< its `if` did not hold
    kBypassed,     ///< --from-step named a later one
  };
  std::string name;
  State state = State::kWaiting;
  State after_publishing = State::kEnded;
  std::string began, ended;  ///< times; "" for not yet
  double seconds = 0;
  std::string how;                         ///< how_name of its process's end
  std::optional<std::int32_t> program_rc;  ///< what the program said
  std::int32_t rc = 0;                     ///< what conditions see
  bool abend = false;
  std::string words, hint;  ///< why it did not end well
  ProgramRecord program;
  std::vector<DdRecord> dds;
  std::optional<BalanceRecord> balance;
  std::string log;  ///< relative to the run's folder
  std::uint64_t log_lines = 0, log_lines_left_out = 0;
  std::vector<std::string> private_folders;
  std::vector<Move> moves;  ///< the intent, while state is kPublishing

  /// Whether it counts for conditions, and is not done again by a restart.
  bool ran() const { return state == State::kEnded || state == State::kFailed || state == State::kInterrupted; }
};
std::string_view state_name(StepRecord::State state);

/// The authority on what happened in a run (docs/formats/job-manifest.md).
struct Manifest {
  enum class State : std::uint8_t {
    kRunning,
    kEnded,    ///< every step well, skipped or bypassed
    kFailed,   ///< a step badly; the same command goes on
    kGivenUp,  ///< for a new one
  };
  std::string job, run;
  State state = State::kRunning;
  int rc = 0;
  std::string program_version;
  std::string definition, definition_sha256, folder;
  std::string run_date;
  bool run_date_given = false;
  std::string began, ended;
  std::vector<std::string> continued;           ///< times of restarts
  std::map<std::string, unsigned> generations;  ///< of each group, the newest when the run met it first
  std::vector<StepRecord> steps;

  StepRecord* step(const std::string& name);
};
std::string_view state_name(Manifest::State state);

std::string manifest_json(const Manifest& manifest);
/// Failure RC 8, naming `path`, on text that is no manifest, or one of a later version.
Manifest manifest_from_json(std::string_view json, const std::filesystem::path& path);

/// Written beside, synced, renamed: a reader finds the former or the new one. Failure RC 12.
void write_manifest(const Manifest& manifest, const std::filesystem::path& run_folder);
/// Nothing where the run has none (killed before its first).
std::optional<Manifest> read_manifest(const std::filesystem::path& run_folder);

/// One step as the JSON object that stands in the manifest.
std::string step_json(const StepRecord& step);

}  // namespace ledgermill::job
