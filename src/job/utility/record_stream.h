// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "job/field.h"

namespace ledgermill::job {

/// Records one after the other, of a file or a pipe. Failures name `path`, or `shown` where that is given.
class RecordReader {
 public:
  /// Failure RC 8 when the file cannot be opened.
  RecordReader(const std::filesystem::path& path, RecordForm form, const std::filesystem::path& shown = {});
  RecordReader(UniqueFd pipe, std::filesystem::path path, RecordForm form);

  /// The next record without its line end, until the next call; nothing at the end. Failure RC 8 for a line over 16 MiB
  /// or a last record that is cut.
  std::optional<std::string_view> next();
  std::uint64_t number() const { return number_; }  ///< of the record last given, from 1
  const std::filesystem::path& path() const { return path_; }

 private:
  bool fill();

  std::filesystem::path path_;
  UniqueFd fd_;
  RecordForm form_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t number_ = 0;
};

class RecordWriter {
 public:
  /// Failure RC 12 when the file cannot be made.
  RecordWriter(const std::filesystem::path& path, RecordForm form);
  RecordWriter(UniqueFd pipe, std::filesystem::path path);

  /// A pipe gets lines.
  void add(std::string_view record);
  void finish();

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  RecordForm form_;
  std::string buffer_;
  bool file_ = true;
};

}  // namespace ledgermill::job
