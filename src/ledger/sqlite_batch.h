// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ledger/ledger.h"
#include "ledger/sqlite_connection.h"

namespace ledgermill::ledger {

// Private to the room: how a batch is read, the same for the ledger and the reader.

/// SELECT of the columns that `sqlite_batch` reads; WHERE and what follows are appended.
extern const char* const kSqliteBatchSql;

/// The batch of the row that `row` stands on, with what its done chunks add up to.
BatchSummary sqlite_batch(SqliteConnection& connection, SqliteStatement& row);

}  // namespace ledgermill::ledger
