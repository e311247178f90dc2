// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cmath>

#include "base/check.h"
#include "base/failure.h"
#include "ledger/kinds.h"
#include "ledger/reader_kinds.h"
#include "ledger/sqlite_batch.h"
#include "ledger/sqlite_connection.h"

namespace ledgermill::ledger {

namespace fs = std::filesystem;

const char* const kSqliteReadIndexes = R"(
CREATE INDEX IF NOT EXISTS batch_planned ON batch(planned_at, number, feed, state, records, ended_at);
CREATE INDEX IF NOT EXISTS batch_feed ON batch(feed, number);
CREATE INDEX IF NOT EXISTS batch_state ON batch(state, number);
CREATE INDEX IF NOT EXISTS batch_sha256 ON batch(file_sha256);
CREATE INDEX IF NOT EXISTS batch_file ON batch(file_name);
CREATE INDEX IF NOT EXISTS delivery_file ON delivery(file_name, batch);
CREATE INDEX IF NOT EXISTS delivery_batch ON delivery(batch);
)";

namespace {

constexpr int kRecordBits = 40;  // as sqlite_ledger.cpp makes a posting's key

constexpr const char* kChunkSql =
    "SELECT number, state, epoch, worker, lease_until, claimed_at, done_at, accepted, rejected, part_name, "
    "part_rejects, part_bytes, part_sha256, first_record, records, first_byte, bytes FROM chunk";

Timestamp timestamp_of(double seconds) { return {static_cast<std::int64_t>(std::llround(seconds * 1e6)) * 1000}; }

std::uint64_t natural(SqliteStatement& row, int column) { return static_cast<std::uint64_t>(row.integer(column)); }

std::string decimal_text(std::int64_t minor, std::uint8_t scale) { return Amount{minor, scale}.text(); }

class SqliteReader final : public Reader {
 public:
  explicit SqliteReader(const fs::path& path) : path_(path), connection_(open(path)) {
    auto exists =
        connection_.prepare("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'");
    LM_CHECK(exists.step(), "an aggregate has one row");
    if (exists.integer(0) == 0)
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' holds no ledger", path_.string()),
                    "'ledgermill run' or 'ledgermill ledger migrate' makes one");
    auto version = connection_.prepare("SELECT max(version) FROM schema_version");
    LM_CHECK(version.step(), "an aggregate has one row");
    if (version.integer(0) > kSchemaVersion)
      throw Failure(ReturnCode::kRefused,
                    fmt::format("ledger '{}' has a later schema than this program", path_.string()),
                    "use the program's later version");
  }

  std::string address() const override { return "sqlite:" + path_.string(); }

  std::vector<BatchSummary> batches(const BatchFilter& filter) override {
    std::string where;
    const auto also = [&where](const char* condition) {
      where += (where.empty() ? " WHERE " : " AND ") + std::string(condition);
    };
    if (!filter.feed.empty()) also("feed = ?1");
    if (filter.state) also("state = ?2");
    if (filter.before_number > 0) also("number < ?3");
    if (filter.having == BatchFilter::Having::kRejects)
      also("EXISTS (SELECT 1 FROM chunk WHERE chunk.batch = batch.number AND rejected > 0)");
    auto rows = connection_.prepare(std::string(kSqliteBatchSql) + where + " ORDER BY number DESC LIMIT ?4");
    const std::string state = filter.state ? batch_state_name(*filter.state) : "";
    if (!filter.feed.empty()) rows.bind(1, std::string_view(filter.feed));
    if (filter.state) rows.bind(2, std::string_view(state));
    if (filter.before_number > 0) rows.bind(3, filter.before_number);
    rows.bind(4, std::int64_t{filter.most});
    return summaries(rows);
  }

  std::vector<BatchSummary> search(std::string_view text, std::int64_t before_number, std::uint32_t most) override {
    auto rows = connection_.prepare(
        std::string(kSqliteBatchSql) +
        " WHERE number IN (SELECT number FROM batch WHERE id >= ?1 AND id < ?2 UNION SELECT number FROM batch WHERE "
        "file_name >= ?1 AND file_name < ?2 UNION SELECT number FROM batch WHERE file_sha256 >= ?1 AND file_sha256 < "
        "?2 UNION SELECT batch FROM delivery WHERE file_name >= ?1 AND file_name < ?2 AND batch IS NOT NULL)"
        " AND (?3 = 0 OR number < ?3) ORDER BY number DESC LIMIT ?4");
    const std::string end = prefix_end(text);
    rows.bind(1, text);
    rows.bind(2, std::string_view(end));
    rows.bind(3, before_number);
    rows.bind(4, std::int64_t{most});
    return summaries(rows);
  }

  std::optional<BatchSummary> batch(const BatchId& id) override {
    auto rows = connection_.prepare(std::string(kSqliteBatchSql) + " WHERE id = ?1");
    rows.bind(1, std::string_view(id.text));
    std::vector<BatchSummary> found = summaries(rows);
    if (found.empty()) return std::nullopt;
    return std::move(found[0]);
  }

  Plan plan(BatchNumber batch) override {
    auto row = connection_.prepare("SELECT plan FROM batch WHERE number = ?1");
    row.bind(1, to_int(batch));
    if (!row.step())
      throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch number {}", to_int(batch)));
    return plan_from_json(row.text(0));
  }

  std::vector<ChunkRow> chunks(BatchNumber batch, std::uint32_t after, std::uint32_t most) override {
    auto rows =
        connection_.prepare(std::string(kChunkSql) + " WHERE batch = ?1 AND number > ?2 ORDER BY number LIMIT ?3");
    rows.bind(1, to_int(batch));
    rows.bind(2, std::int64_t{after});
    rows.bind(3, std::int64_t{most});
    std::vector<ChunkRow> chunks;
    while (rows.step()) chunks.push_back(read_chunk(rows));
    return chunks;
  }

  std::optional<ChunkRow> chunk_of_record(BatchNumber batch, RecordNumber record) override {
    // Chunks lie in the order of their records. A batch has as many chunks as its file has portions of 4 MiB.
    auto rows = connection_.prepare(std::string(kChunkSql) +
                                    " WHERE batch = ?1 AND first_record <= ?2 AND first_record + records > ?2 LIMIT 1");
    rows.bind(1, to_int(batch));
    rows.bind(2, static_cast<std::int64_t>(to_int(record)));
    if (!rows.step()) return std::nullopt;
    return read_chunk(rows);
  }

  std::vector<Delivery> deliveries(BatchNumber batch, std::uint32_t most) override {
    auto rows = connection_.prepare(
        "SELECT file_name, disposition, seen_at FROM delivery WHERE batch = ?1 ORDER BY id DESC LIMIT ?2");
    rows.bind(1, to_int(batch));
    rows.bind(2, std::int64_t{most});
    std::vector<Delivery> all;
    while (rows.step()) all.push_back({rows.text(0), rows.text(1), timestamp_of(rows.real(2))});
    return all;
  }

  std::optional<std::vector<PostedField>> posting(BatchNumber batch, const Plan& plan, RecordNumber record) override {
    auto target = connection_.prepare("SELECT target FROM batch WHERE number = ?1");
    target.bind(1, to_int(batch));
    if (!target.step()) return std::nullopt;
    auto row = connection_.prepare(fmt::format("SELECT * FROM \"{}\" WHERE posting = ?1", target.text(0)));
    row.bind(1, (to_int(batch) << kRecordBits) + static_cast<std::int64_t>(to_int(record)));
    if (!row.step()) return std::nullopt;
    std::vector<PostedField> fields;
    for (std::size_t i = 0; i < plan.layout.fields.size(); ++i) {
      const Field& field = plan.layout.fields[i];
      const int column = static_cast<int>(i) + 1;  // behind the key
      PostedField& posted = fields.emplace_back();
      posted.field = i;
      if (row.is_null(column)) continue;
      const bool number = field.type == FieldType::kDecimal || field.type == FieldType::kInteger;
      posted.value = number ? decimal_text(row.integer(column), field.type == FieldType::kDecimal ? field.scale : 0)
                     : field.type == FieldType::kBoolean ? (row.integer(column) != 0 ? "true" : "false")
                                                         : row.text(column);
    }
    return fields;
  }

  std::vector<FeedTotals> feed_totals(const Span& span) override {
    auto rows = connection_.prepare(
        "SELECT b.number, b.feed, b.state, b.records, b.planned_at, b.ended_at, coalesce(c.totals, ''), "
        "coalesce(c.reasons, '') FROM batch b LEFT JOIN chunk c ON c.batch = b.number AND c.state = 'done' WHERE "
        "b.planned_at >= ?1 AND b.planned_at < ?2 ORDER BY b.planned_at, b.number");
    rows.bind(1, span.from.nanoseconds);
    rows.bind(2, span.until.nanoseconds);
    FeedTotalsSum sum;
    while (rows.step()) {
      sum.add({rows.integer(0), rows.text(1), batch_state_of(rows.text(2)), natural(rows, 3),
               Timestamp{rows.integer(4)}, rows.is_null(5) ? std::nullopt : std::optional(Timestamp{rows.integer(5)}),
               rows.text(6), rows.text(7)});
    }
    return sum.finish();
  }

 private:
  static SqliteConnection open(const fs::path& path) {
    if (!fs::exists(path))
      throw Failure(ReturnCode::kRefused, fmt::format("there is no ledger '{}'", path.string()),
                    "'ledgermill run' makes it; or name another by --ledger");
    return SqliteConnection(path, SqliteConnection::Mode::kReadOnly);
  }

  std::vector<BatchSummary> summaries(SqliteStatement& rows) {
    std::vector<BatchSummary> all;
    while (rows.step()) all.push_back(sqlite_batch(connection_, rows));
    return all;
  }

  static ChunkRow read_chunk(SqliteStatement& row) {
    ChunkRow chunk;
    ChunkStatus& status = chunk.status;
    status.number = ChunkNumber{static_cast<std::uint32_t>(row.integer(0))};
    const std::string state = row.text(1);
    status.state = state == "done"      ? ChunkStatus::State::kDone
                   : state == "claimed" ? ChunkStatus::State::kClaimed
                                        : ChunkStatus::State::kPlanned;
    status.epoch = natural(row, 2);
    status.worker = row.text(3);
    if (row.real(5) > 0) chunk.claimed_at = timestamp_of(row.real(5));
    if (status.state == ChunkStatus::State::kDone) chunk.done_at = timestamp_of(row.real(6));
    status.accepted = natural(row, 7);
    status.rejected = natural(row, 8);
    if (!row.is_null(9))
      status.part = RejectPart{row.text(9), natural(row, 10), natural(row, 11), Digest::from_hex(row.text(12))};
    chunk.first_record = natural(row, 13);
    chunk.records = natural(row, 14);
    chunk.first_byte = natural(row, 15);
    chunk.bytes = natural(row, 16);
    return chunk;
  }

  fs::path path_;
  SqliteConnection connection_;
};

}  // namespace

std::unique_ptr<Reader> open_sqlite_reader(const ReaderOptions&, const fs::path& path) {
  return std::make_unique<SqliteReader>(path);
}

}  // namespace ledgermill::ledger
