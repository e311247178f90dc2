// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "batch/chunk_ingester.h"
#include "batch/file_report.h"
#include "batch/posting.h"
#include "batch/progress.h"
#include "batch/staging.h"
#include "feed/definition.h"

namespace ledgermill::batch {

/// What every use of a feed file has in common.
struct JudgeOptions {
  unsigned workers = 0;  ///< 0: one for each usable processor
  std::uint32_t chunk_bytes = kDefaultChunkBytes;
  std::optional<BusinessDate> business_date;  ///< overrides the file name's
  DeclaredTotals declared;
  Timestamp now;  ///< the plan's time
  ProgressObserver progress;
};

/// Makes a Feed: finds the rule module that the definition names. Failure RC 8 when it cannot be found or compiled.
Feed prepare_feed(feed::FeedDefinition definition, const rules::ModulePlaces& places);

/// Judges a file and writes nothing: totals, reasons, and the first `show_rejects` rejects.
/// A Failure that concerns the file becomes the report's return code, fact and hint; nothing is thrown for it.
FileReport check_file(const Feed& feed, const std::filesystem::path& path, const JudgeOptions& options,
                      std::size_t show_rejects);

struct RunOptions {
  JudgeOptions judge;
  PostingOptions posting;
  std::optional<BatchId> corrects;  ///< a published batch of the same feed and business date
};

/// Loads a file: survey, register (or resume), judge, post, balance, publish. The same call after any crash goes on
/// where the last one stopped. Failures as for `check_file`. The ledger is opened for each file.
FileReport run_file(const Feed& feed, const std::filesystem::path& path, const RunOptions& options);

/// One of several processes that stage one file: this one takes every `count`-th chunk, from chunk
/// `index` + 1 on.
struct Shard {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
};

/// Judges a file and writes its plan and its chunks to `out`, for `post_staged`. Chunks staged before stay as they are.
FileReport ingest_file(const Feed& feed, const std::filesystem::path& path, const JudgeOptions& options,
                       const std::filesystem::path& out, const Shard& shard);

/// Posts a file that `ingest_file` staged. A set that lacks chunks is reported with RC 12. Needs no feed definition and
/// no COBOL. Failures as for `check_file`.
FileReport post_staged(const StagedSet& set, const PostingOptions& options, const std::optional<BatchId>& corrects,
                       const ProgressObserver& progress);

/// The report of a batch as the ledger has it.
FileReport report_of(const ledger::BatchSummary& summary, const Plan& plan);

}  // namespace ledgermill::batch
