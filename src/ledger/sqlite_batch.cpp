// SPDX-License-Identifier: Apache-2.0
#include "ledger/sqlite_batch.h"

#include "ledger/kinds.h"

namespace ledgermill::ledger {

const char* const kSqliteBatchSql =
    "SELECT number, id, feed, table_name, business_date, attempt, state, file_name, file_sha256, file_bytes, records, "
    "chunks, rejects_root, corrects, refusal, planned_at, ended_at, rejects_folder FROM batch";

BatchSummary sqlite_batch(SqliteConnection& connection, SqliteStatement& row) {
  BatchSummary batch;
  batch.number = BatchNumber{row.integer(0)};
  batch.id.text = row.text(1);
  batch.feed = row.text(2);
  batch.table = row.text(3);
  batch.business_date = BusinessDate::from_text(row.text(4));
  batch.attempt = static_cast<std::uint32_t>(row.integer(5));
  batch.state = batch_state_of(row.text(6));
  batch.file = {row.text(7), Digest::from_hex(row.text(8)), static_cast<std::uint64_t>(row.integer(9))};
  batch.records = static_cast<std::uint64_t>(row.integer(10));
  batch.chunks = static_cast<std::uint32_t>(row.integer(11));
  batch.rejects_root = row.text(12);
  if (!row.is_null(13)) batch.corrects = BatchId{row.text(13)};
  batch.refusal = row.text(14);
  batch.planned_at.nanoseconds = row.integer(15);
  if (!row.is_null(16)) batch.ended_at = Timestamp{row.integer(16)};
  batch.rejects_folder = row.text(17);
  auto chunks =
      connection.prepare("SELECT totals, reasons FROM chunk WHERE batch = ? AND state = 'done' ORDER BY number");
  chunks.bind(1, to_int(batch.number));
  while (chunks.step()) add_done_chunk(batch, chunks.text(0), chunks.text(1));
  return batch;
}

}  // namespace ledgermill::ledger
