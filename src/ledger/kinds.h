// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "ledger/ledger.h"

namespace ledgermill::ledger {

// Private to the room: the kinds of ledger, behind open_ledger.
std::unique_ptr<Ledger> open_sqlite_ledger(const LedgerOptions& options, const std::filesystem::path& path);
std::unique_ptr<Ledger> open_postgres_ledger(const LedgerOptions& options);

/// Failure RC 8 on a name that this program does not know.
BatchState batch_state_of(const std::string& name);

/// Adds a done chunk's recorded totals and reasons to the summary of its batch.
void add_done_chunk(BatchSummary& batch, const std::string& totals_json, const std::string& reasons_json);
/// The one batch that `text` names, the exact match first; Failure RC 8 when there is none, or several.
BatchSummary only_one(std::vector<BatchSummary> found, std::string_view text);

/// Failure RC 16 unless every chunk is done and the chunks' totals add up to what was counted in the table.
void check_publishable(const BatchSummary& batch, const Recount& counted);

/// <feed>/<batch id with - for />-<ledger's id>: ledgers may share a root of the reject log.
std::string rejects_folder_of(const BatchId& batch, const std::string& feed, const std::string& ledger_id);

/// The schema version that this program writes.
constexpr int kSchemaVersion = 1;

}  // namespace ledgermill::ledger
