// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "ledger/reader.h"

namespace ledgermill::ledger {

// Private to the room: the kinds of reader, behind open_reader, and what they share.
std::unique_ptr<Reader> open_sqlite_reader(const ReaderOptions& options, const std::filesystem::path& path);
std::unique_ptr<Reader> open_postgres_reader(const ReaderOptions& options);

/// Indexes that only readers need, made with the schema and by `migrate`; a ledger without them is read slowly.
extern const char* const kSqliteReadIndexes;
extern const char* const kPostgresReadIndexes;

/// What a row of (batch, done chunk) says; a batch without done chunks has one row with empty totals.
struct TotalsRow {
  std::int64_t batch = 0;
  std::string feed;
  BatchState state{};
  std::uint64_t records = 0;  ///< planned
  Timestamp planned_at;
  std::optional<Timestamp> ended_at;
  std::string totals, reasons;  ///< JSON, or ""
};

/// Adds rows up by feed. Rows of one batch must come one after the other.
class FeedTotalsSum {
 public:
  void add(TotalsRow&& row);
  std::vector<FeedTotals> finish();

 private:
  void end_batch();

  std::map<std::string, FeedTotals> feeds_;
  TotalsRow batch_;
  bool begun_ = false;
  BatchSummary done_;  // totals and reasons of the batch's done chunks
};

/// The first text that no text with this prefix reaches, by bytes.
std::string prefix_end(std::string_view prefix);

}  // namespace ledgermill::ledger
