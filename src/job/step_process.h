// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "job/launch/launch.h"

namespace ledgermill::job {

/// A program compiled to be executed by itself.
struct ExecutableLaunch {
  std::filesystem::path path;
  std::optional<std::string> parm;  ///< its first argument
  std::optional<std::uint64_t> memory_bytes;
};

/// Work of our own (sort, copy), done in a child so that it is timed, limited and killed like any step. A Failure that
/// it throws is said in its report.
using OwnWork = std::function<void()>;

struct StepProcess {
  std::variant<ModuleLaunch, ExecutableLaunch, OwnWork> work;
  std::vector<std::string> environment;  ///< "NAME=text": all that the child gets
  std::filesystem::path folder;          ///< where it runs
  std::filesystem::path standard_input;  ///< empty: reads as empty
  std::filesystem::path log;
  std::uint64_t most_log_bytes = 0;
  std::chrono::seconds timeout{};
  std::function<bool()> interrupted;                                      ///< asked several times a second
  std::function<void(double seconds, std::uint64_t log_lines)> progress;  ///< told several times a second
};

/// How a step's process ended.
struct ProcessEnd {
  enum class How : std::uint8_t {
    kReturned,      ///< the program came back, with all 32 bits of its RETURN-CODE
    kStopRun,       ///< STOP RUN, 32 bits
    kExited,        ///< an executable: 8 bits
    kRuntimeError,  ///< of libcob; `words` has its text
    kSignal,
    kTimeout,
    kMemory,       ///< a runtime error or signal after the limit of memory was met
    kInterrupted,  ///< we were asked to stop
    kNotStarted,   ///< `words` says why
    kFailed,       ///< own work: `words` says why
  };
  How how = How::kNotStarted;
  std::int32_t return_code = 0;  ///< of kReturned, kStopRun, kExited
  int signal = 0;                ///< of kSignal
  std::string words;
  double seconds = 0;
  std::uint64_t log_lines = 0;
  std::uint64_t log_lines_left_out = 0;
};
std::string_view how_name(ProcessEnd::How how);  ///< "returned", "stop run", ...

/// Runs a step's process to its end. It is forked and not executed anew, which costs about a tenth of it: our own
/// program's libraries take longer to load than libcob. It is a process group of its own, has no descriptor of ours but
/// its two pipes, no environment but the one given, and dies with us. Failure RC 12 when there can be no process.
ProcessEnd run_process(const StepProcess& process);

}  // namespace ledgermill::job
