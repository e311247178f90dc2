// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "feed/definition.h"

namespace ledgermill::feed {

struct GenerateOptions {
  std::optional<std::uint64_t> records;  ///< exactly one of `records` and `bytes`
  std::optional<std::uint64_t> bytes;    ///< stop at the first record that reaches so many bytes
  double faults = 0.0;                   ///< share of records that get a fault, 0 to 1
  std::uint64_t seed = 1;                ///< same seed, definition and options: same bytes
  std::filesystem::path
      out;  ///< a folder (made if missing; the file's name follows the feed's pattern) or a file to make
  std::optional<BusinessDate> business_date;
  std::function<void(std::uint64_t records, std::uint64_t bytes)> progress;

  void validate() const;
};

struct GeneratedFile {
  std::filesystem::path file;
  std::filesystem::path
      truth;  ///< JSON Lines (docs/formats/truth-file.md): a first line of totals, then one line a fault
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t faulty = 0;
};

/// Writes a synthetic feed file and its truth file, from the definition and its catalogue (`synthetic:`,
/// docs/formats/synthetic.md). Both are written under temporary names and renamed when complete; a file that was
/// generated before, with its truth file beside it, is replaced.
/// Failure RC 8: no catalogue, or a wrong one (file, line, what), or a file in the way that was not generated; RC 12:
/// cannot write.
GeneratedFile generate(const FeedDefinition& definition, const GenerateOptions& options);

}  // namespace ledgermill::feed
