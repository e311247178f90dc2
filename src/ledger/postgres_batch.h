// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/postgres_connection.h"

namespace ledgermill::ledger {

// Private to the room: how batches are read, the same for the ledger and the reader.

/// The batches that `where` (WHERE and what follows, with the table as b) finds, in its order, with what their done
/// chunks add up to: two queries, however many there are.
std::vector<BatchSummary> postgres_batches(PostgresConnection& connection, const std::string& where,
                                           const std::vector<PostgresValue>& values);

}  // namespace ledgermill::ledger
