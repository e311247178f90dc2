// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "base/failure.h"
#include "ledger/kinds.h"
#include "ledger/postgres_batch.h"
#include "ledger/postgres_connection.h"
#include "ledger/reader_kinds.h"

namespace ledgermill::ledger {

// Prefixes are looked for by bytes, whatever the database's collation.
const char* const kPostgresReadIndexes = R"sql(
CREATE INDEX IF NOT EXISTS batch_planned ON ledgermill.batch(planned_at, number);
CREATE INDEX IF NOT EXISTS batch_feed ON ledgermill.batch(feed, number);
CREATE INDEX IF NOT EXISTS batch_state ON ledgermill.batch(state, number);
CREATE INDEX IF NOT EXISTS batch_id_bytes ON ledgermill.batch(id COLLATE "C");
CREATE INDEX IF NOT EXISTS batch_sha256 ON ledgermill.batch(file_sha256 COLLATE "C");
CREATE INDEX IF NOT EXISTS batch_file ON ledgermill.batch(file_name COLLATE "C");
CREATE INDEX IF NOT EXISTS delivery_file ON ledgermill.delivery(file_name COLLATE "C");
CREATE INDEX IF NOT EXISTS delivery_batch ON ledgermill.delivery(batch);
)sql";

namespace {

constexpr const char* kChunkSql =
    "SELECT number, state, epoch, worker, (extract(epoch FROM claimed_at) * 1000000)::bigint, (extract(epoch FROM "
    "done_at) * 1000000)::bigint, accepted, rejected, part_name, part_rejects, part_bytes, part_sha256, first_record, "
    "records, first_byte, bytes FROM ledgermill.chunk ";

std::uint64_t natural(const PostgresRows& rows, int row, int column) {
  return static_cast<std::uint64_t>(rows.integer(row, column));
}

class PostgresReader final : public Reader {
 public:
  explicit PostgresReader(const ReaderOptions& options) : connection_(options.ledger) {
    connection_.execute(fmt::format("SET default_transaction_read_only = on; SET statement_timeout = {}",
                                    options.statement_timeout.count()));
    const auto tables = connection_.query(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'ledgermill' "
        "AND c.relname = 'schema_version'");
    if (tables.integer(0, 0) == 0)
      throw Failure(ReturnCode::kRefused, fmt::format("{} holds no ledger", address()),
                    "'ledgermill run' or 'ledgermill ledger migrate' makes one");
    if (connection_.query("SELECT max(version) FROM ledgermill.schema_version").integer(0, 0) > kSchemaVersion)
      throw Failure(ReturnCode::kRefused, fmt::format("ledger {} has a later schema than this program", address()),
                    "use the program's later version");
  }

  std::string address() const override { return connection_.address(); }

  std::vector<BatchSummary> batches(const BatchFilter& filter) override {
    std::string where;
    std::vector<PostgresValue> values;
    const auto also = [&](const std::string& condition, const std::string& value) {
      values.emplace_back(value);
      where += fmt::format("{}{}${}", where.empty() ? "WHERE " : " AND ", condition, values.size());
    };
    if (!filter.feed.empty()) also("b.feed = ", filter.feed);
    if (filter.state) also("b.state = ", batch_state_name(*filter.state));
    if (filter.before_number > 0) also("b.number < ", std::to_string(filter.before_number));
    if (filter.having == BatchFilter::Having::kRejects)
      where += std::string(where.empty() ? "WHERE " : " AND ") +
               "EXISTS (SELECT 1 FROM ledgermill.chunk c WHERE c.batch = b.number AND c.rejected > 0)";
    values.emplace_back(std::to_string(filter.most));
    return summaries(fmt::format("{} ORDER BY b.number DESC LIMIT ${}::bigint", where, values.size()), values);
  }

  std::vector<BatchSummary> search(std::string_view text, std::int64_t before_number, std::uint32_t most) override {
    return summaries(
        "WHERE b.number IN (SELECT number FROM ledgermill.batch WHERE id COLLATE \"C\" >= $1 AND id COLLATE \"C\" < $2 "
        "UNION SELECT number FROM ledgermill.batch WHERE file_name COLLATE \"C\" >= $1 AND file_name COLLATE \"C\" < "
        "$2 UNION SELECT number FROM ledgermill.batch WHERE file_sha256 COLLATE \"C\" >= $1 AND file_sha256 COLLATE "
        "\"C\" < $2 UNION SELECT batch FROM ledgermill.delivery WHERE file_name COLLATE \"C\" >= $1 AND file_name "
        "COLLATE \"C\" < $2 AND batch IS NOT NULL) AND ($3::bigint = 0 OR b.number < $3::bigint) ORDER BY b.number "
        "DESC LIMIT $4::bigint",
        {std::string(text), prefix_end(text), std::to_string(before_number), std::to_string(most)});
  }

  std::optional<BatchSummary> batch(const BatchId& id) override {
    std::vector<BatchSummary> found = summaries("WHERE b.id = $1", {id.text});
    if (found.empty()) return std::nullopt;
    return std::move(found[0]);
  }

  Plan plan(BatchNumber batch) override {
    const PostgresRows rows =
        connection_.query("SELECT plan FROM ledgermill.batch WHERE number = $1", {text_of(batch)});
    if (rows.count() == 0)
      throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch number {}", to_int(batch)));
    return plan_from_json(rows.text(0, 0));
  }

  std::vector<ChunkRow> chunks(BatchNumber batch, std::uint32_t after, std::uint32_t most) override {
    return chunk_rows("WHERE batch = $1 AND number > $2::bigint ORDER BY number LIMIT $3::bigint",
                      {text_of(batch), std::to_string(after), std::to_string(most)});
  }

  std::optional<ChunkRow> chunk_of_record(BatchNumber batch, RecordNumber record) override {
    std::vector<ChunkRow> found =
        chunk_rows("WHERE batch = $1 AND first_record <= $2::bigint AND first_record + records > $2::bigint LIMIT 1",
                   {text_of(batch), std::to_string(to_int(record))});
    if (found.empty()) return std::nullopt;
    return std::move(found[0]);
  }

  std::vector<Delivery> deliveries(BatchNumber batch, std::uint32_t most) override {
    const PostgresRows rows = connection_.query(
        "SELECT file_name, disposition, (extract(epoch FROM seen_at) * 1000000)::bigint FROM ledgermill.delivery WHERE "
        "batch = $1 ORDER BY id DESC LIMIT $2::bigint",
        {text_of(batch), std::to_string(most)});
    std::vector<Delivery> all;
    for (int i = 0; i < rows.count(); ++i)
      all.push_back({rows.text(i, 0), rows.text(i, 1), Timestamp{rows.integer(i, 2) * 1000}});
    return all;
  }

  std::optional<std::vector<PostedField>> posting(BatchNumber batch, const Plan& plan, RecordNumber record) override {
    const PostgresRows target =
        connection_.query("SELECT target FROM ledgermill.batch WHERE number = $1", {text_of(batch)});
    if (target.count() == 0) return std::nullopt;
    std::string columns;
    for (const Field& field : plan.layout.fields) columns += (columns.empty() ? "" : ", ") + column_text(field);
    const PostgresRows row =
        connection_.query(fmt::format("SELECT {} FROM ledgermill.{} WHERE batch = $1 AND record_number = $2", columns,
                                      sql_identifier(target.text(0, 0))),
                          {text_of(batch), std::to_string(to_int(record))});
    if (row.count() == 0) return std::nullopt;
    std::vector<PostedField> fields;
    for (std::size_t i = 0; i < plan.layout.fields.size(); ++i) {
      const int column = static_cast<int>(i);
      fields.push_back({i, row.is_null(0, column) ? std::nullopt : std::optional(row.text(0, column))});
    }
    return fields;
  }

  std::vector<FeedTotals> feed_totals(const Span& span) override {
    const PostgresRows rows = connection_.query(
        "SELECT b.number, b.feed, b.state, b.records, b.planned_at, b.ended_at, coalesce(c.totals, ''), "
        "coalesce(c.reasons, '') FROM ledgermill.batch b LEFT JOIN ledgermill.chunk c ON c.batch = b.number AND "
        "c.state = 'done' WHERE b.planned_at >= $1 AND b.planned_at < $2 ORDER BY b.number",
        {std::to_string(span.from.nanoseconds), std::to_string(span.until.nanoseconds)});
    FeedTotalsSum sum;
    for (int i = 0; i < rows.count(); ++i) {
      sum.add({rows.integer(i, 0), rows.text(i, 1), batch_state_of(rows.text(i, 2)), natural(rows, i, 3),
               Timestamp{rows.integer(i, 4)},
               rows.is_null(i, 5) ? std::nullopt : std::optional(Timestamp{rows.integer(i, 5)}), rows.text(i, 6),
               rows.text(i, 7)});
    }
    return sum.finish();
  }

 private:
  static std::string text_of(BatchNumber batch) { return std::to_string(to_int(batch)); }

  static std::string column_text(const Field& field) {
    const std::string name = sql_identifier(field.column);
    if (field.type == FieldType::kBoolean)
      return fmt::format("CASE WHEN {0} THEN 'true' WHEN NOT {0} THEN 'false' END", name);
    if (field.type == FieldType::kDatetime)
      return fmt::format("to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", name);
    return name + "::text";
  }

  std::vector<BatchSummary> summaries(const std::string& where, const std::vector<PostgresValue>& values) {
    return postgres_batches(connection_, where, values);
  }

  std::vector<ChunkRow> chunk_rows(const std::string& where, const std::vector<PostgresValue>& values) {
    const PostgresRows rows = connection_.query(kChunkSql + where, values);
    std::vector<ChunkRow> chunks;
    for (int i = 0; i < rows.count(); ++i) chunks.push_back(read_chunk(rows, i));
    return chunks;
  }

  static ChunkRow read_chunk(const PostgresRows& rows, int i) {
    ChunkRow chunk;
    ChunkStatus& status = chunk.status;
    status.number = ChunkNumber{static_cast<std::uint32_t>(rows.integer(i, 0))};
    const std::string state = rows.text(i, 1);
    status.state = state == "done"      ? ChunkStatus::State::kDone
                   : state == "claimed" ? ChunkStatus::State::kClaimed
                                        : ChunkStatus::State::kPlanned;
    status.epoch = natural(rows, i, 2);
    status.worker = rows.text(i, 3);
    if (!rows.is_null(i, 4)) chunk.claimed_at = Timestamp{rows.integer(i, 4) * 1000};
    if (!rows.is_null(i, 5)) chunk.done_at = Timestamp{rows.integer(i, 5) * 1000};
    status.accepted = natural(rows, i, 6);
    status.rejected = natural(rows, i, 7);
    if (!rows.is_null(i, 8))
      status.part =
          RejectPart{rows.text(i, 8), natural(rows, i, 9), natural(rows, i, 10), Digest::from_hex(rows.text(i, 11))};
    chunk.first_record = natural(rows, i, 12);
    chunk.records = natural(rows, i, 13);
    chunk.first_byte = natural(rows, i, 14);
    chunk.bytes = natural(rows, i, 15);
    return chunk;
  }

  PostgresConnection connection_;
};

}  // namespace

std::unique_ptr<Reader> open_postgres_reader(const ReaderOptions& options) {
  return std::make_unique<PostgresReader>(options);
}

}  // namespace ledgermill::ledger
