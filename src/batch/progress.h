// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace ledgermill::batch {

/// How far a file is. Told some times a second, and once at the end of each stage.
struct Progress {
  enum class Stage : std::uint8_t { kSurveying, kLoading, kFinishing } stage{};
  std::string file;  ///< name without folders
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t records = 0;
  std::uint64_t rejected = 0;
};
using ProgressObserver = std::function<void(const Progress&)>;

/// Counters that worker processes add to and the parent reads; lives in a shared mapping.
struct SharedCounters {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> rejected{0};
};

/// Owns SharedCounters in memory that is shared with processes forked later.
class ProgressBoard {
 public:
  /// Failure (RC 12) when the memory cannot be had.
  ProgressBoard();
  ProgressBoard(const ProgressBoard&) = delete;
  ProgressBoard& operator=(const ProgressBoard&) = delete;
  ~ProgressBoard();

  SharedCounters& counters() { return *counters_; }

 private:
  SharedCounters* counters_;
};

}  // namespace ledgermill::batch
