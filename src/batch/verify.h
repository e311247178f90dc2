// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace ledgermill::batch {

/// What `verify` counted anew, and what does not agree.
struct Verification {
  ledger::BatchSummary batch;
  std::uint64_t postings = 0;            ///< counted in the tables
  std::uint64_t logged_rejects = 0;      ///< counted in the reject log
  std::vector<FieldSum> sums;            ///< `posted` summed from the tables; the rest as recorded
  std::vector<std::string> differences;  ///< each one sentence; empty: all agrees

  bool agrees() const { return differences.empty(); }
};

/// Recomputes a published or superseded batch from the posted rows and the reject log: counts, sums, the digest of
/// each reject part, and that every record number from 1 on stands in exactly one of the two.
/// Failure (RC 8) for a batch in another state.
Verification verify_batch(ledger::Ledger& ledger, const ledger::BatchSummary& batch);

}  // namespace ledgermill::batch
