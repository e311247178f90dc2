// SPDX-License-Identifier: Apache-2.0
#include "ledger/postgres_batch.h"

#include <algorithm>

#include "ledger/kinds.h"

namespace ledgermill::ledger {

namespace {

constexpr const char* kBatchSql =
    "SELECT b.number, b.id, b.feed, b.table_name, b.business_date, b.attempt, b.state, b.file_name, b.file_sha256, "
    "b.file_bytes, b.records, b.chunks, b.rejects_root, b.corrects, b.refusal, b.planned_at, b.ended_at, "
    "b.rejects_folder FROM ledgermill.batch b ";

BatchSummary read_summary(const PostgresRows& rows, int i) {
  BatchSummary batch;
  batch.number = BatchNumber{rows.integer(i, 0)};
  batch.id.text = rows.text(i, 1);
  batch.feed = rows.text(i, 2);
  batch.table = rows.text(i, 3);
  batch.business_date = BusinessDate::from_text(rows.text(i, 4));
  batch.attempt = static_cast<std::uint32_t>(rows.integer(i, 5));
  batch.state = batch_state_of(rows.text(i, 6));
  batch.file = {rows.text(i, 7), Digest::from_hex(rows.text(i, 8)), static_cast<std::uint64_t>(rows.integer(i, 9))};
  batch.records = static_cast<std::uint64_t>(rows.integer(i, 10));
  batch.chunks = static_cast<std::uint32_t>(rows.integer(i, 11));
  batch.rejects_root = rows.text(i, 12);
  if (!rows.is_null(i, 13)) batch.corrects = BatchId{rows.text(i, 13)};
  batch.refusal = rows.text(i, 14);
  batch.planned_at.nanoseconds = rows.integer(i, 15);
  if (!rows.is_null(i, 16)) batch.ended_at = Timestamp{rows.integer(i, 16)};
  batch.rejects_folder = rows.text(i, 17);
  return batch;
}

}  // namespace

std::vector<BatchSummary> postgres_batches(PostgresConnection& connection, const std::string& where,
                                           const std::vector<PostgresValue>& values) {
  const PostgresRows rows = connection.query(kBatchSql + where, values);
  std::vector<BatchSummary> batches;
  std::string numbers = "{";
  for (int i = 0; i < rows.count(); ++i) {
    batches.push_back(read_summary(rows, i));
    numbers += (i == 0 ? "" : ",") + rows.text(i, 0);
  }
  if (batches.empty()) return batches;
  const PostgresRows done = connection.query(
      "SELECT batch, totals, reasons FROM ledgermill.chunk WHERE batch = ANY($1::bigint[]) AND state = 'done' ORDER "
      "BY batch, number",
      {numbers + "}"});
  for (int i = 0; i < done.count(); ++i) {
    const BatchNumber number{done.integer(i, 0)};
    const auto of_it = [number](const BatchSummary& each) { return each.number == number; };
    add_done_chunk(*std::find_if(batches.begin(), batches.end(), of_it), done.text(i, 1), done.text(i, 2));
  }
  return batches;
}

}  // namespace ledgermill::ledger
