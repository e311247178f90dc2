// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "batch/load.h"
#include "cli/session.h"

namespace ledgermill::cli {

/// The words that `check`, `run` and `ingest` share: which feed, which files, what was declared of them.
struct JudgeWords {
  std::string feed;
  std::vector<std::string> files;
  std::string business_date;
  std::string expect_sum;
  std::uint64_t expect_records = 0;
  bool records_expected = false;
  std::uint32_t chunk_bytes = kDefaultChunkBytes;

  void add_to(CLI::App& command, Session& session);
  /// Failure RC 8 on a value that cannot be.
  batch::JudgeOptions options(const Session& session) const;
};

}  // namespace ledgermill::cli
