// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "feed/definition.h"

namespace ledgermill::feed {

struct HistoryOptions {
  std::uint32_t days = 0;     ///< files to make, one a day
  BusinessDate first_day;     ///< business date of the first
  double faults = 0.0;        ///< share of records that get a fault that passes every rule, 0 to 1
  std::uint64_t seed = 1;     ///< same seed, definition and options: same bytes, on machines with the same C library
  std::filesystem::path out;  ///< folder, made if missing
  std::function<void(std::uint64_t records, std::uint64_t bytes)> progress;

  void validate() const;
};

struct GeneratedHistory {
  std::uint64_t files = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t faulty = 0;
};

/// Writes what a feed delivers over many days: accounts with habits of their own, pay days, week ends, month ends,
/// growth, late postings, and faults that no rule of the feed can see (docs/formats/synthetic.md, `history`). A file
/// and its truth file a day; the truth file's first line names the SHA-256 of its feed file.
/// Failure RC 8: the catalogue has no `history`, or a wrong one (file, line, what); a file in the way that was not
/// generated; RC 12: cannot write.
GeneratedHistory generate_history(const FeedDefinition& definition, const HistoryOptions& options);

/// The names of the faults that a history can have, e.g. "times-100"; a fault's place in it is its number everywhere.
const std::vector<std::string>& history_faults();

}  // namespace ledgermill::feed
