// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "record/plan.h"
#include "record/reject_part.h"
#include "record/staged_chunk.h"

namespace ledgermill::ledger {

/// What a chunk's row will hold: the chunk's own totals and reasons, less the accepted records that the database
/// refused, which count as rejected.
struct ChunkTotals {
  ControlTotals totals;
  ReasonCounts reasons;
};
ChunkTotals chunk_totals(const Plan& plan, const StagedChunk& chunk, std::span<const DatabaseRefusal> refusals);

/// Reason counts as a JSON object, and back.
std::string reasons_to_json(const ReasonCounts& reasons);
ReasonCounts reasons_from_json(const std::string& json);

/// The columns of a target table as one text: two layouts with the same text share a table.
std::string columns_of(const Layout& layout);

/// "first line" of a database's message, without line ends.
std::string one_line(std::string_view message);

}  // namespace ledgermill::ledger
