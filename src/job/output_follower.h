// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/file.h"
#include "base/sha256.h"

namespace ledgermill::job {

/// Digests a file while a step writes it, in a process of its own, block after block as each is full, and begins to
/// bring it to the disk. A program may write a block again that was digested already (REWRITE, OPEN OUTPUT a second
/// time): so each block's sum is kept, and whoever reads the file when the step has ended compares.
class OutputFollower {
 public:
  /// What was digested: all of the file, as it was when each block was read.
  struct Followed {
    Digest digest;
    std::uint64_t bytes = 0;
    std::vector<std::uint64_t> sums;  ///< block_sum of each kBlockBytes
  };

  /// Begins; the file need not be there yet. The calling process must be single-threaded. Failure RC 12 when there can
  /// be no process.
  explicit OutputFollower(const std::filesystem::path& file);
  ~OutputFollower();
  OutputFollower(const OutputFollower&) = delete;
  OutputFollower& operator=(const OutputFollower&) = delete;

  /// The step has ended: waits until the rest is digested; once. Nothing where the file is small, gone, or could not be
  /// followed: then the caller reads it.
  std::optional<Followed> finish();

 private:
  pid_t pid_ = 0;
  UniqueFd control_;  ///< a byte on it: the step has ended
  UniqueFd result_;
};

}  // namespace ledgermill::job
