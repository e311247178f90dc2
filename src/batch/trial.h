// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "batch/chunk_ingester.h"
#include "record/business_date.h"

namespace ledgermill::batch {

/// Changed records waiting to be judged, of files with one header.
class Trial {
 public:
  /// `feed` must outlive the trial. `record_bytes`: as the plan has it.
  Trial(const Feed& feed, std::string header, std::uint32_t record_bytes);

  /// Takes a record; its place among `verdicts`. Nothing where it could not be framed as one record alone, so that it
  /// fails without being judged.
  std::optional<std::size_t> add(const std::string& record);

  /// Whether each record is accepted, in the order of `add`: the records are written to a file of their own in
  /// `scratch`, judged as `check` judges one, and the file is removed.
  std::vector<bool> verdicts(const std::filesystem::path& scratch, Timestamp now) const;

 private:
  Feed feed_;
  std::string header_;
  std::uint32_t record_bytes_;
  std::string records_;
  std::size_t count_ = 0;
};

}  // namespace ledgermill::batch
