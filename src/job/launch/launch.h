// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ledgermill::job {

/// A compiled program. Those that it calls libcob finds in COB_LIBRARY_PATH.
struct ModuleLaunch {
  std::filesystem::path library;
  std::string program;                        ///< PROGRAM-ID
  std::vector<std::string> called;            ///< names of programs that it may call
  bool has_parameters = false;                ///< its first gets `parm`, a big-endian halfword of length before it
  std::optional<std::string> parm;            ///< a program without parameters finds it as its command line
  std::optional<std::uint64_t> memory_bytes;  ///< what it may take beyond what stands when it begins
};

/// What a launched program's process says of its end on `report_fd`, one line each:
///   cannot TEXT    the program was not begun
///   begun          the program has been called
///   error TEXT     a runtime error of libcob, its text
///   signal N       a signal arrived that libcob has a handler for
///   returned RC    the program came back; RC is its RETURN-CODE, 32 bits
///   stopped RC     STOP RUN, 32 bits
/// The body of a child, after fork(), in a single-threaded process. Loads libcob, which is linked by nobody; never
/// returns, never throws, runs no destructor and no exit handler of the parent's.
[[noreturn]] void launch_module(const ModuleLaunch& launch, int report_fd);

}  // namespace ledgermill::job
