// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/file.h"
#include "base/sha256.h"

namespace ledgermill::job {

/// The SHA-256 of a file; of a large one made by a process of its own beside other work. Not by a thread: once a
/// process has had one, glibc locks every getc and putc of it and of its children for good, and COBOL's line files cost
/// 40 % more (measured: 1 GB through a step, 5.2 s of processor time instead of 3.6 s).
class DigestProcess {
 public:
  /// Begins. The calling process must be single-threaded. Failure RC 12 when there can be no process.
  explicit DigestProcess(const std::filesystem::path& file);
  ~DigestProcess();
  DigestProcess(const DigestProcess&) = delete;
  DigestProcess& operator=(const DigestProcess&) = delete;

  /// Waits for the end, or reads a small file now; once. Failure RC 12: the file could not be read to its end.
  Digest get();

 private:
  std::filesystem::path file_;
  pid_t pid_ = 0;
  UniqueFd pipe_;
};

}  // namespace ledgermill::job
