// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"

namespace ledgermill::batch {

/// A file that appears whole or not at all: written beside its place, synced, renamed over it. Failures RC 12.
class WholeFile {
 public:
  explicit WholeFile(std::filesystem::path path);
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  ~WholeFile();  ///< not finished: nothing of it is kept

  void write(std::string_view text);
  void finish();

 private:
  void flush();

  std::filesystem::path path_;
  std::filesystem::path partial_;
  UniqueFd fd_;
  std::string buffer_;
};

}  // namespace ledgermill::batch
