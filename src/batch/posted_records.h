// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "batch/decided_records.h"
#include "ledger/ledger.h"

namespace ledgermill::batch {

/// Walks through the postings of a published batch in record order and has each decided by the COBOL module, as
/// RecordWalk does with the records of a file. Reads the ledger, and writes nothing to it.
class PostingWalk {
 public:
  /// All references must outlive the walk. Failure RC 8: the batch is not published, is of another feed, or was posted
  /// in a layout whose fields the enrichment does not fit.
  PostingWalk(const Enrichment& enrichment, ledger::Ledger& ledger, const ledger::BatchSummary& batch);
  ~PostingWalk();

  const Plan& plan() const;
  void each(const std::function<void(const DecidedRecord&)>& decided,
            const std::function<void(const UndecidedRecord&)>& undecided);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill::batch
