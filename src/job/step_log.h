// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"

namespace ledgermill::job {

enum class Stream : std::uint8_t { kOut, kErr };

/// What a step says, line by line, each with its time and stream:
///   2025-03-30T10:00:00.123456Z out TEXT
/// Bounded in memory (a line is cut into pieces of 32 KiB) and on disk (`most_bytes`; that it was reached is said in
/// the last line, with what is not kept).
class StepLog {
 public:
  /// Failure RC 12 when the file cannot be made.
  StepLog(std::filesystem::path path, std::uint64_t most_bytes);

  void feed(Stream stream, std::string_view bytes);
  /// Writes what is not yet a line, and what was left out. Failure RC 12.
  void finish();
  /// Hands what is written to the file, for those who look on.
  void flush();

  std::uint64_t lines() const { return lines_; }  ///< that came
  std::uint64_t lines_left_out() const { return left_out_lines_; }
  /// libcob said "libcob: ... error: ..." on the error stream; the last such line's text.
  const std::string& runtime_error() const { return runtime_error_; }
  /// The last line of the error stream, or of the other where that said nothing.
  std::string last_words() const { return last_[1].empty() ? last_[0] : last_[1]; }

 private:
  void line(Stream stream, std::string_view text);

  std::filesystem::path path_;
  std::uint64_t most_bytes_;
  UniqueFd fd_;
  std::array<std::string, 2> partial_;
  std::array<std::string, 2> last_;
  std::string buffer_;
  std::string runtime_error_;
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t left_out_lines_ = 0;
  std::uint64_t left_out_bytes_ = 0;
};

}  // namespace ledgermill::job
