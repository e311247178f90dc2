// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>

#include "base/file.h"

namespace ledgermill::feed {

/// An open feed file. Only regular files: a symbolic link, folder, pipe or device is refused, and so is a file that
/// begins like a compressed or UTF-16 one (Failure, RC 8, that names what it is and what to do).
class SourceFile {
 public:
  /// Failure RC 8: missing, not a regular file, compressed, UTF-16, empty. RC 12: cannot be read now.
  explicit SourceFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t bytes() const { return bytes_; }
  int fd() const { return fd_.get(); }

  /// Failure (RC 8) when size, time or inode of the file are no longer those seen at opening, by descriptor or by name.
  void check_unchanged() const;

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  std::uint64_t bytes_ = 0;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::timespec modified_{};
};

}  // namespace ledgermill::feed
