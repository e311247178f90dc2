// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "feed/definition.h"
#include "feed/source_file.h"
#include "record/plan.h"

namespace ledgermill::feed {

struct SurveyOptions {
  std::uint32_t chunk_bytes = kDefaultChunkBytes;  ///< a chunk ends at the first record start at or after so many bytes
  Timestamp now;                                   ///< becomes Plan::planned_at
  std::optional<BusinessDate> business_date;       ///< overrides the definition's pattern
  DeclaredTotals declared;
  bool digests = true;  ///< false: those of file and chunks stay zero, in a plan that is never stored
  /// Called from time to time with the bytes surveyed so far.
  std::function<void(std::uint64_t)> progress;

  /// Failure (RC 8) when a value cannot be.
  void validate() const;
};

/// One pass over the file: digest and size, the order of the header's labels, spans that are no records, chunk
/// boundaries at record starts, first record and line of each chunk. Memory: a few chunks, whatever the file's size.
/// `module` is left empty; the caller knows where modules are.
///
/// Failure RC 8: a header that lacks a label, has one too many or one twice (all of them named); a file that changed
/// while it was read. RC 12: an I/O error. A file of a header alone has no chunk and 0 records.
Plan survey(const SourceFile& file, const FeedDefinition& definition, const SurveyOptions& options);

/// Reads the whole file. Failure RC 12: an I/O error.
Digest digest_of(const SourceFile& file);

}  // namespace ledgermill::feed
