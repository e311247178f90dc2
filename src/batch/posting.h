// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "batch/progress.h"
#include "ledger/ledger.h"
#include "record/plan.h"
#include "record/staged_chunk.h"

namespace ledgermill::batch {

/// How a worker comes by a judged chunk: by ingesting it, or by reading it from staged files. Called with what to do
/// after every block (may throw). The chunk is valid until the next call.
using SupplyChunk = std::function<StagedChunk(ChunkNumber, const std::function<void()>& after_block)>;
/// Makes a SupplyChunk; called once in each worker process.
using MakeSupply = std::function<SupplyChunk()>;

struct PostingOptions {
  ledger::LedgerOptions ledger;
  std::filesystem::path rejects_root;  ///< absolute
  unsigned workers = 0;                ///< 0: as many as the machine's processors and the ledger's kind suggest
};

/// Posts all chunks of a registered batch, ends it (balance, then publish or refuse), and returns its summary.
/// `ledger` is the caller's connection, used by no worker. May be called for one batch by any number of processes and
/// machines at once, and again after any crash: each chunk is posted once, and each caller stays until the batch ended.
/// Failure: RC 8 from judging; RC 12 when the ledger or storage cannot go on now, or the process was asked to stop.
ledger::BatchSummary post_batch(ledger::Ledger& ledger, const ledger::Registration& registration,
                                const PostingOptions& options, const MakeSupply& make_supply,
                                const std::function<void()>& tick);

/// Why a batch of these totals must not be published: an imbalance, too many rejects, or declared totals that differ;
/// nothing when it may be. The text says fact and figures.
std::optional<std::string> refusal(const Plan& plan, const ControlTotals& totals);

}  // namespace ledgermill::batch
