// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>

#include "base/check.h"
#include "base/failure.h"
#include "ledger/chunk_totals.h"
#include "ledger/kinds.h"
#include "ledger/reader_kinds.h"
#include "ledger/sqlite_batch.h"
#include "ledger/sqlite_connection.h"

namespace ledgermill::ledger {

namespace fs = std::filesystem;

namespace {

// A posting's key is one integer, so that rows append to the table in order and no second index is kept.
constexpr int kRecordBits = 40;
constexpr std::int64_t kMostRecords = std::int64_t{1} << kRecordBits;
constexpr std::int64_t kMostBatches = std::int64_t{1} << 22;

constexpr const char* kSchema = R"(
CREATE TABLE schema_version(version INTEGER NOT NULL, ledger_id TEXT NOT NULL);
CREATE TABLE batch(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  feed TEXT NOT NULL,
  table_name TEXT NOT NULL,
  target TEXT NOT NULL,
  business_date TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('planned','loading','loaded','published','refused','discarded','superseded')),
  file_name TEXT NOT NULL,
  file_sha256 TEXT NOT NULL,
  file_bytes INTEGER NOT NULL,
  records INTEGER NOT NULL,
  chunks INTEGER NOT NULL,
  plan TEXT NOT NULL,
  rejects_root TEXT NOT NULL,
  rejects_folder TEXT NOT NULL,
  corrects TEXT,
  refusal TEXT NOT NULL DEFAULT '',
  planned_at INTEGER NOT NULL,
  ended_at INTEGER,
  final_epoch INTEGER NOT NULL DEFAULT 0,
  final_holder TEXT NOT NULL DEFAULT '',
  final_lease_until REAL NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX batch_identity ON batch(feed, file_sha256, file_bytes, business_date) WHERE state <> 'discarded';
CREATE UNIQUE INDEX batch_day ON batch(feed, business_date) WHERE state = 'published' AND business_date <> '';
CREATE TABLE chunk(
  batch INTEGER NOT NULL REFERENCES batch(number),
  number INTEGER NOT NULL,
  first_byte INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  first_record INTEGER NOT NULL,
  records INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'planned' CHECK(state IN ('planned','claimed','done')),
  epoch INTEGER NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  holder TEXT NOT NULL DEFAULT '',
  lease_until REAL NOT NULL DEFAULT 0,
  claimed_at REAL NOT NULL DEFAULT 0,
  done_at REAL NOT NULL DEFAULT 0,
  accepted INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  totals TEXT NOT NULL DEFAULT '',
  reasons TEXT NOT NULL DEFAULT '',
  part_name TEXT,
  part_rejects INTEGER,
  part_bytes INTEGER,
  part_sha256 TEXT,
  PRIMARY KEY(batch, number),
  CHECK(state <> 'done' OR accepted + rejected = records),
  CHECK(state <> 'done' OR coalesce(part_rejects, 0) = rejected)) WITHOUT ROWID;
CREATE TABLE delivery(
  id INTEGER PRIMARY KEY, feed TEXT NOT NULL, file_name TEXT NOT NULL, file_sha256 TEXT NOT NULL, file_bytes INTEGER NOT NULL,
  business_date TEXT NOT NULL, batch INTEGER, disposition TEXT NOT NULL, seen_at REAL NOT NULL);
CREATE TABLE target(table_name TEXT NOT NULL, version INTEGER NOT NULL, postings TEXT NOT NULL, columns TEXT NOT NULL, PRIMARY KEY(table_name, version));
CREATE TABLE annotation(batch INTEGER NOT NULL, record_number INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL,
  created_at REAL NOT NULL, PRIMARY KEY(batch, record_number, name, source)) WITHOUT ROWID;
CREATE TABLE label(batch INTEGER NOT NULL, record_number INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL,
  created_at REAL NOT NULL, PRIMARY KEY(batch, record_number, name, source)) WITHOUT ROWID;
CREATE VIEW batches AS
  SELECT b.number, b.id AS batch, b.feed, b.business_date, b.attempt, b.state, b.file_name, b.file_sha256, b.file_bytes, b.records, b.chunks,
         (SELECT count(*) FROM chunk c WHERE c.batch = b.number AND c.state = 'done') AS chunks_done,
         (SELECT coalesce(sum(accepted), 0) FROM chunk c WHERE c.batch = b.number) AS accepted,
         (SELECT coalesce(sum(rejected), 0) FROM chunk c WHERE c.batch = b.number) AS rejected,
         b.refusal, b.corrects FROM batch b;
INSERT INTO schema_version VALUES (1, lower(hex(randomblob(4))));
)";

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string first_line_of(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Start time of a process in clock ticks since boot (proc(5), stat, field 22); "" when it is gone or a zombie.
std::string start_of_process(const std::string& pid) {
  const std::string stat = first_line_of(("/proc/" + pid + "/stat").c_str());
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::size_t at = name_end + 2;
  if (at < stat.size() && (stat[at] == 'Z' || stat[at] == 'X')) return {};
  for (int field = 3; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at) + 1;
  return stat.substr(at, stat.find(' ', at) - at);
}

/// Who holds a claim, so that his death can be told at once: boot, process, and when it started.
std::string this_holder() {
  const std::string pid = std::to_string(::getpid());
  return first_line_of("/proc/sys/kernel/random/boot_id") + ":" + pid + ":" + start_of_process(pid);
}

bool holder_lives(const std::string& holder) {
  const std::size_t boot_end = holder.find(':');
  const std::size_t pid_end = holder.find(':', boot_end + 1);
  if (boot_end == std::string::npos || pid_end == std::string::npos) return false;
  if (holder.substr(0, boot_end) != first_line_of("/proc/sys/kernel/random/boot_id")) return false;
  const std::string start = start_of_process(holder.substr(boot_end + 1, pid_end - boot_end - 1));
  return !start.empty() && start == holder.substr(pid_end + 1);
}

/// WAL needs memory shared between processes of one machine (sqlite.org/wal.html): a network file system cannot give
/// it.
void refuse_network_file_system(const fs::path& path) {
  struct statfs status {};
  const fs::path folder = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  if (::statfs(folder.c_str(), &status) != 0) return;  // opening will say what is wrong
  constexpr unsigned long kNetwork[] = {0x6969,     0xff534d42, 0xfe534d42, 0x517b,
                                        0x65735546, 0x01021997, 0x5346414f, 0x47504653};
  const auto kind = static_cast<unsigned long>(status.f_type) & 0xffffffffUL;
  if (std::find(std::begin(kNetwork), std::end(kNetwork), kind) != std::end(kNetwork)) {
    throw Failure(ReturnCode::kRefused, fmt::format("ledger '{}' lies on a network file system", path.string()),
                  "SQLite cannot be shared there without loss: use a local disk, or a PostgreSQL ledger");
  }
}

std::string sql_name(const std::string& name) { return "\"" + name + "\""; }  // names are allow-listed: [a-z0-9_]

std::string stored_column(const Field& field) {
  return field.type == FieldType::kDecimal ? field.column + "_minor" : field.column;
}

const char* sql_type(FieldType type) {
  switch (type) {
    case FieldType::kString:
    case FieldType::kDate:
    case FieldType::kDatetime:
      return "TEXT";
    case FieldType::kInteger:
    case FieldType::kDecimal:
    case FieldType::kBoolean:
      return "INTEGER";
  }
  return "";
}

bool is_stored_as_integer(FieldType type) { return std::string_view(sql_type(type)) == "INTEGER"; }

/// The exact decimal text of a column of minor units.
std::string decimal_text(const std::string& column, unsigned scale) {
  if (scale == 0) return fmt::format("CAST({} AS TEXT)", column);
  std::string unit = "1" + std::string(scale, '0');
  return fmt::format(
      "CASE WHEN {0} IS NULL THEN NULL ELSE (CASE WHEN {0} < 0 THEN '-' ELSE '' END) || (abs({0}) / {1}) || '.' || "
      "printf('%0{2}d', abs({0}) % {1}) END",
      column, unit, scale);
}

struct TargetVersion {
  int version = 0;
  std::string postings;
  std::string columns;
};

/// The readers' view: the columns of the newest layout; an older version of the table has NULL where it lacks one.
std::string view_sql(const Plan& plan, const std::vector<TargetVersion>& versions) {
  std::string selects;
  for (const TargetVersion& version : versions) {
    std::string columns;
    std::string minors;
    for (const Field& field : plan.layout.fields) {
      const Layout one{{field}};
      const bool has = ("\n" + version.columns).find("\n" + columns_of(one)) != std::string::npos;
      const std::string stored = "p." + sql_name(stored_column(field));
      const std::string value = !has                                ? "NULL"
                                : field.type == FieldType::kDecimal ? decimal_text(stored, field.scale)
                                                                    : stored;
      columns += fmt::format("{} AS {}, ", value, sql_name(field.column));
      if (field.type == FieldType::kDecimal)
        minors += fmt::format(", {} AS {}", has ? stored : "NULL", sql_name(stored_column(field)));
    }
    selects += fmt::format(
        "{}SELECT {}b.id AS batch, p.posting & {} AS record_number{} FROM {} p JOIN batch b ON b.number = p.posting >> "
        "{} WHERE b.state = 'published'",
        selects.empty() ? "" : " UNION ALL ", columns, kMostRecords - 1, minors, sql_name(version.postings),
        kRecordBits);
  }
  return fmt::format("DROP VIEW IF EXISTS {0}; CREATE VIEW {0} AS {1}", sql_name(plan.table), selects);
}

/// A statement that inserts accepted rows of a chunk, always the same number at once.
class RowInserter {
 public:
  /// All references must outlive the inserter; `first_posting` is the batch's part of the postings' keys.
  RowInserter(SqliteConnection& connection, const std::string& table, const Plan& plan, const StagedChunk& chunk,
              std::int64_t first_posting, std::size_t rows)
      : plan_(plan),
        chunk_(chunk),
        first_posting_(first_posting + static_cast<std::int64_t>(plan.chunk(chunk.number).first_record)),
        rows_(rows),
        made_texts_(rows * plan.layout.fields.size()),
        insert_(connection.prepare(statement(table, plan.layout.fields.size() + 1, rows))) {}

  /// Inserts the rows from `first` on: all of them, or none and why.
  std::optional<ConstraintError> insert(std::size_t first) {
    int index = 0;
    auto made = made_texts_.begin();
    for (std::size_t i = first; i < first + rows_; ++i) {
      insert_.bind(++index, first_posting_ + chunk_.accepted[i].record);
      for (std::size_t field = 0; field < plan_.layout.fields.size(); ++field) bind_cell(++index, field, i, *made++);
    }
    return insert_.run();
  }

 private:
  static std::string statement(const std::string& table, std::size_t columns, std::size_t rows) {
    std::string marks = "(?";
    for (std::size_t i = 1; i < columns; ++i) marks += ",?";
    marks += ')';
    std::string text = fmt::format("INSERT INTO {} VALUES {}", sql_name(table), marks);
    for (std::size_t i = 1; i < rows; ++i) text += "," + marks;
    return text;
  }

  void bind_cell(int index, std::size_t field, std::size_t i, std::string& made) {
    const StagedColumn& column = chunk_.columns[field];
    if (column.states[i] == FieldState::kMissing) return insert_.bind_null(index);
    switch (plan_.layout.fields[field].type) {
      case FieldType::kInteger:
      case FieldType::kDecimal:
        return insert_.bind(index, column.integers[i]);
      case FieldType::kBoolean:
        return insert_.bind(index, std::int64_t{column.booleans[i]});
      case FieldType::kString:
        return insert_.bind(index, chunk_.text.at(column.texts[i]));
      case FieldType::kDate: {
        const BusinessDate date = column.dates[i];
        made.resize(10);
        const auto put = [&made](std::size_t at, int value, int digits) {
          for (int d = digits; d-- > 0; value /= 10)
            made[at + static_cast<std::size_t>(d)] = static_cast<char>('0' + value % 10);
        };
        put(0, date.year, 4);
        put(5, date.month, 2);
        put(8, date.day, 2);
        made[4] = made[7] = '-';
        return insert_.bind(index, std::string_view(made));
      }
      case FieldType::kDatetime:
        made = Timestamp{column.integers[i] * 1000}.text();
        made = made.substr(0, 26) + "Z";  // microseconds
        return insert_.bind(index, std::string_view(made));
    }
  }

  const Plan& plan_;
  const StagedChunk& chunk_;
  std::int64_t first_posting_;
  std::size_t rows_;
  std::vector<std::string> made_texts_;  // of dates and times; SQLite reads them when the statement runs
  SqliteStatement insert_;
};

class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(const LedgerOptions& options, const fs::path& path)
      : options_(options), path_(path), connection_(open(options, path)), holder_(this_holder()) {
    connection_.execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;");
    if (options.access == LedgerOptions::Access::kReadOnly) {
      check_version();
      return;
    }
    connection_.execute("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL;");  // a fourth of the calls of 4096
    if (current_version() == 0) {
      if (options.create == LedgerOptions::Create::kNever) throw no_ledger();
      migrate();
    }
    check_version();
  }

  std::string address() const override { return "sqlite:" + path_.string(); }
  Posting posting() const override { return Posting::kOneProcess; }

  void prepare_table(const Plan& plan) override {
    const std::string columns = columns_of(plan.layout);
    if (!versions_of(plan.table).empty() && versions_of(plan.table).back().columns == columns) return;
    SqliteTransaction transaction(connection_);
    std::vector<TargetVersion> versions = versions_of(plan.table);
    if (versions.empty() || versions.back().columns != columns) {
      versions.push_back(make_version(plan, static_cast<int>(versions.size()) + 1, columns));
      connection_.execute(view_sql(plan, versions));
    }
    transaction.commit();
  }

  Registration register_batch(const Plan& plan, const std::optional<BatchId>& corrects,
                              const std::string& rejects_root) override {
    if (static_cast<std::int64_t>(plan.records) >= kMostRecords)
      throw Failure(ReturnCode::kRefused, "a SQLite ledger takes at most 2^40 records of one file",
                    "use a PostgreSQL ledger");
    SqliteTransaction transaction(connection_);
    Registration registration = look_up(plan, corrects);
    if (registration.outcome == Registration::Outcome::kRegistered) {
      registration.batch = summary(insert_batch(plan, corrects, rejects_root));
      registration.plan = plan;
    }
    note_delivery(plan, registration);
    transaction.commit();
    return registration;
  }

  ChunkClaimResult claim_chunk(BatchNumber batch) override {
    SqliteTransaction transaction(connection_);
    const BatchState state = state_of(batch);
    if (!is_open(state)) return {ClaimStatus::kEnded, std::nullopt};
    std::optional<ChunkNumber> free;
    bool all_done = true;
    {
      auto rows = connection_.prepare(
          "SELECT number, state, holder, lease_until FROM chunk WHERE batch = ? AND state <> 'done' ORDER BY number");
      rows.bind(1, to_int(batch));
      while (rows.step()) {
        all_done = false;
        if (free) continue;
        if (rows.text(1) == "planned" || rows.real(3) < now_seconds() || !holder_lives(rows.text(2)))
          free = ChunkNumber{static_cast<std::uint32_t>(rows.integer(0))};
      }
    }
    if (all_done) return {ClaimStatus::kAllDone, std::nullopt};
    if (!free) return {ClaimStatus::kOthersHoldTheRest, std::nullopt};
    auto claim = connection_.prepare(
        "UPDATE chunk SET state = 'claimed', epoch = epoch + 1, worker = ?1, holder = ?2, lease_until = ?3, claimed_at "
        "= ?4 WHERE batch = ?5 AND number = ?6 RETURNING epoch");
    const std::string worker = options_.worker();
    claim.bind(1, std::string_view(worker));
    claim.bind(2, std::string_view(holder_));
    claim.bind(3, now_seconds() + static_cast<double>(options_.lease.count()));
    claim.bind(4, now_seconds());
    claim.bind(5, to_int(batch));
    claim.bind(6, std::int64_t{to_int(*free)});
    LM_CHECK(claim.step(), "a free chunk is there to be claimed");
    const ChunkClaim made{batch, *free, static_cast<std::uint64_t>(claim.integer(0))};
    while (claim.step()) {
    }
    if (state == BatchState::kPlanned) set_state(batch, BatchState::kLoading);
    transaction.commit();
    return {ClaimStatus::kClaimed, made};
  }

  bool renew(const ChunkClaim& claim) override {
    auto update = connection_.prepare(
        "UPDATE chunk SET lease_until = ?1 WHERE batch = ?2 AND number = ?3 AND epoch = ?4 AND state = 'claimed'");
    update.bind(1, now_seconds() + static_cast<double>(options_.lease.count()));
    return run_for(update, claim);
  }

  void release(const ChunkClaim& claim) override {
    auto update = connection_.prepare(
        "UPDATE chunk SET state = 'planned', lease_until = ?1 WHERE batch = ?2 AND number = ?3 AND epoch = ?4 AND "
        "state = 'claimed'");
    update.bind(1, 0.0);
    run_for(update, claim);
  }

  PostOutcome post_chunk(const ChunkClaim& claim, const Plan& plan, const StagedChunk& chunk,
                         const WriteRejects& write_rejects) override {
    LM_CHECK(claim.chunk == chunk.number, "a claim is for the chunk that is posted");
    SqliteTransaction transaction(connection_);
    if (!holds(claim)) return PostOutcome::kLostClaim;
    const std::vector<DatabaseRefusal> refusals = insert_rows(claim.batch, plan, chunk);
    const std::optional<RejectPart> part = write_rejects(refusals);
    const ChunkTotals totals = chunk_totals(plan, chunk, refusals);
    if (!set_done(claim, totals, part)) return PostOutcome::kLostClaim;
    set_loaded_if_all_done(claim.batch);
    transaction.commit();
    return PostOutcome::kPosted;
  }

  FinalClaimResult claim_finalising(BatchNumber batch) override {
    SqliteTransaction transaction(connection_);
    if (!is_open(state_of(batch))) return {ClaimStatus::kEnded, std::nullopt};
    set_loaded_if_all_done(batch);
    auto row = connection_.prepare("SELECT state, final_holder, final_lease_until FROM batch WHERE number = ?");
    row.bind(1, to_int(batch));
    LM_CHECK(row.step(), "the batch is there");
    const bool held = row.text(1) != holder_ && row.real(2) >= now_seconds() && holder_lives(row.text(1));
    if (row.text(0) != "loaded" || held) return {ClaimStatus::kOthersHoldTheRest, std::nullopt};
    auto claim = connection_.prepare(
        "UPDATE batch SET final_epoch = final_epoch + 1, final_holder = ?1, final_lease_until = ?2 WHERE number = ?3 "
        "RETURNING final_epoch");
    claim.bind(1, std::string_view(holder_));
    claim.bind(2, now_seconds() + static_cast<double>(options_.lease.count()));
    claim.bind(3, to_int(batch));
    LM_CHECK(claim.step(), "the batch is there");
    const FinalClaim made{batch, static_cast<std::uint64_t>(claim.integer(0))};
    while (claim.step()) {
    }
    transaction.commit();
    return {ClaimStatus::kClaimed, made};
  }

  bool renew(const FinalClaim& claim) override {
    auto update = connection_.prepare(
        "UPDATE batch SET final_lease_until = ?1 WHERE number = ?2 AND final_epoch = ?3 AND state = 'loaded'");
    update.bind(1, now_seconds() + static_cast<double>(options_.lease.count()));
    update.bind(2, to_int(claim.batch));
    update.bind(3, static_cast<std::int64_t>(claim.epoch));
    while (update.step()) {
    }
    return connection_.changed_rows() == 1;
  }

  Recount recount(BatchNumber batch, const Plan& plan) override {
    Recount recount;
    std::string sums;
    for (const Field& field : plan.layout.fields) {
      if (field.is_summed()) sums += fmt::format(", exact_sum({})", sql_name(stored_column(field)));
    }
    auto row = connection_.prepare(
        fmt::format("SELECT count(*){} FROM {} WHERE posting BETWEEN ?1 AND ?2", sums, sql_name(target_of(batch))));
    bind_range(row, batch);
    LM_CHECK(row.step(), "an aggregate has one row");
    recount.postings = static_cast<std::uint64_t>(row.integer(0));
    int column = 1;
    for (const Field& field : plan.layout.fields) {
      if (field.is_summed()) recount.sums.push_back({row.sum(column++)});
    }
    return recount;
  }

  PostOutcome publish(const FinalClaim& claim, const Recount& counted) override {
    SqliteTransaction transaction(connection_);
    if (!holds(claim)) return PostOutcome::kLostClaim;
    const BatchSummary batch = summary(claim.batch);
    check_publishable(batch, counted);
    if (batch.corrects) {
      auto supersede =
          connection_.prepare("UPDATE batch SET state = 'superseded' WHERE id = ?1 AND state = 'published'");
      supersede.bind(1, std::string_view(batch.corrects->text));
      while (supersede.step()) {
      }
    }
    if (const auto taken = published_on(batch.feed, batch.business_date)) {
      drop_rows(claim.batch);
      end(claim.batch, BatchState::kRefused,
          fmt::format("batch '{}' was published for the same business date meanwhile", *taken));
    } else {
      end(claim.batch, BatchState::kPublished, "");
    }
    transaction.commit();
    return PostOutcome::kPosted;
  }

  PostOutcome refuse(const FinalClaim& claim, const std::string& reason) override {
    SqliteTransaction transaction(connection_);
    if (!holds(claim)) return PostOutcome::kLostClaim;
    drop_rows(claim.batch);
    end(claim.batch, BatchState::kRefused, reason);
    transaction.commit();
    return PostOutcome::kPosted;
  }

  void discard(BatchNumber batch) override {
    SqliteTransaction transaction(connection_);
    const BatchState state = state_of(batch);
    if (state == BatchState::kPublished || state == BatchState::kSuperseded) {
      throw Failure(
          ReturnCode::kRefused,
          fmt::format("batch '{}' is {} and cannot be discarded", summary(batch).id.text, batch_state_name(state)),
          "load the file that replaces it: ledgermill run FEED FILE --corrects BATCH");
    }
    drop_rows(batch);
    end(batch, BatchState::kDiscarded, summary(batch).refusal);
    transaction.commit();
  }

  BatchSummary summary(BatchNumber batch) override {
    auto row = connection_.prepare(std::string(kSqliteBatchSql) + " WHERE number = ?");
    row.bind(1, to_int(batch));
    if (!row.step())
      throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch number {}", to_int(batch)));
    return sqlite_batch(connection_, row);
  }

  Plan plan(BatchNumber batch) override {
    auto row = connection_.prepare("SELECT plan FROM batch WHERE number = ?");
    row.bind(1, to_int(batch));
    if (!row.step())
      throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch number {}", to_int(batch)));
    return plan_from_json(row.text(0));
  }

  BatchSummary find_batch(std::string_view text) override {
    auto rows = connection_.prepare(std::string(kSqliteBatchSql) +
                                    " WHERE id = ?1 OR CAST(number AS TEXT) = ?1 OR instr(id, ?1) > 0 ORDER BY (id = "
                                    "?1) DESC, number DESC LIMIT 6");
    rows.bind(1, text);
    std::vector<BatchSummary> found;
    while (rows.step()) found.push_back(sqlite_batch(connection_, rows));
    return only_one(std::move(found), text);
  }

  std::vector<BatchSummary> list_batches(const ListFilter& filter) override {
    auto rows = connection_.prepare(std::string(kSqliteBatchSql) +
                                    " WHERE (?1 = '' OR feed = ?1) AND (?2 = '' OR state = ?2) AND (?3 = 0 OR number < "
                                    "?3) ORDER BY number DESC LIMIT ?4");
    const std::string state = filter.state ? batch_state_name(*filter.state) : "";
    rows.bind(1, std::string_view(filter.feed));
    rows.bind(2, std::string_view(state));
    rows.bind(3, filter.before_number);
    rows.bind(4, std::int64_t{filter.most});
    std::vector<BatchSummary> batches;
    while (rows.step()) batches.push_back(sqlite_batch(connection_, rows));
    return batches;
  }

  std::vector<ChunkStatus> chunks(BatchNumber batch) override {
    auto rows = connection_.prepare(
        "SELECT number, state, epoch, worker, lease_until, claimed_at, done_at, accepted, rejected, part_name, "
        "part_rejects, part_bytes, part_sha256 FROM chunk WHERE batch = ? ORDER BY number");
    rows.bind(1, to_int(batch));
    std::vector<ChunkStatus> chunks;
    while (rows.step()) {
      ChunkStatus chunk;
      chunk.number = ChunkNumber{static_cast<std::uint32_t>(rows.integer(0))};
      const std::string state = rows.text(1);
      chunk.state = state == "done"      ? ChunkStatus::State::kDone
                    : state == "claimed" ? ChunkStatus::State::kClaimed
                                         : ChunkStatus::State::kPlanned;
      chunk.epoch = static_cast<std::uint64_t>(rows.integer(2));
      chunk.worker = rows.text(3);
      chunk.lease_seconds_left = chunk.state == ChunkStatus::State::kClaimed ? rows.real(4) - now_seconds() : 0;
      chunk.age_seconds = chunk.state == ChunkStatus::State::kPlanned
                              ? 0
                              : now_seconds() - rows.real(chunk.state == ChunkStatus::State::kDone ? 6 : 5);
      chunk.accepted = static_cast<std::uint64_t>(rows.integer(7));
      chunk.rejected = static_cast<std::uint64_t>(rows.integer(8));
      if (!rows.is_null(9)) {
        chunk.part = RejectPart{rows.text(9), static_cast<std::uint64_t>(rows.integer(10)),
                                static_cast<std::uint64_t>(rows.integer(11)), Digest::from_hex(rows.text(12))};
      }
      chunks.push_back(std::move(chunk));
    }
    return chunks;
  }

  void visit_record_numbers(BatchNumber batch, const Plan&,
                            const std::function<void(std::span<const std::uint64_t>)>& take) override {
    auto rows =
        connection_.prepare(fmt::format("SELECT posting & {} FROM {} WHERE posting BETWEEN ?1 AND ?2 ORDER BY posting",
                                        kMostRecords - 1, sql_name(target_of(batch))));
    bind_range(rows, batch);
    std::vector<std::uint64_t> numbers;
    constexpr std::size_t kPortion = 65'536;
    while (rows.step()) {
      numbers.push_back(static_cast<std::uint64_t>(rows.integer(0)));
      if (numbers.size() == kPortion) {
        take(numbers);
        numbers.clear();
      }
    }
    take(numbers);
  }

  void visit_postings(BatchNumber batch, const Plan& plan, const std::vector<std::size_t>& fields,
                      const std::function<void(std::span<const PostedRecord>)>& take) override {
    std::string columns;
    for (const std::size_t f : fields) columns += ", " + sql_name(stored_column(plan.layout.fields[f]));
    auto rows = connection_.prepare(
        fmt::format("SELECT posting & {}{} FROM {} WHERE posting BETWEEN ?1 AND ?2 ORDER BY posting", kMostRecords - 1,
                    columns, sql_name(target_of(batch))));
    bind_range(rows, batch);
    std::vector<PostedRecord> portion;
    constexpr std::size_t kPortion = 4096;
    while (rows.step()) {
      PostedRecord& posting = portion.emplace_back();
      posting.record_number = static_cast<std::uint64_t>(rows.integer(0));
      for (std::size_t i = 0; i < fields.size(); ++i) {
        const int column = static_cast<int>(i) + 1;
        PostedValue& value = posting.values.emplace_back();
        value.missing = rows.is_null(column);
        if (value.missing) continue;
        if (is_stored_as_integer(plan.layout.fields[fields[i]].type))
          value.integer = rows.integer(column);
        else
          value.text = rows.text(column);
      }
      if (portion.size() < kPortion) continue;
      take(portion);
      portion.clear();
    }
    take(portion);
  }

  void put_label(const Label& label) override {
    SqliteTransaction transaction(connection_);
    auto row = connection_.prepare(
        "INSERT OR REPLACE INTO label(batch, record_number, name, value, source, created_at) "
        "VALUES(?, ?, ?, ?, ?, (julianday('now') - 2440587.5) * 86400.0)");
    row.bind(1, to_int(label.batch));
    row.bind(2, static_cast<std::int64_t>(label.record_number));
    row.bind(3, std::string_view(label.name));
    row.bind(4, std::string_view(label.value));
    row.bind(5, std::string_view(label.source));
    if (const auto refused = row.run()) throw Failure(ReturnCode::kRefused, refused->message);
    transaction.commit();
  }

  std::vector<Label> labels(const std::string& name) override {
    auto rows = connection_.prepare(
        "SELECT value, source, batch, record_number FROM label WHERE name = ? ORDER BY batch, record_number, "
        "created_at");
    rows.bind(1, std::string_view(name));
    std::vector<Label> labels;
    while (rows.step())
      labels.push_back({name, rows.text(0), rows.text(1), BatchNumber{rows.integer(2)},
                        static_cast<std::uint64_t>(rows.integer(3))});
    return labels;
  }

  SchemaVersion schema_version() override { return {current_version(), kSchemaVersion}; }

  void migrate() override {
    SqliteTransaction transaction(connection_);
    if (current_version() == 0) connection_.execute(kSchema);
    check_version();
    connection_.execute(kSqliteReadIndexes);
    transaction.commit();
  }

 private:
  static SqliteConnection open(const LedgerOptions& options, const fs::path& path) {
    refuse_network_file_system(path);
    if (options.create == LedgerOptions::Create::kNever && !fs::exists(path)) {
      throw Failure(ReturnCode::kRefused, fmt::format("there is no ledger '{}'", path.string()),
                    "'ledgermill run' makes it; or name another by --ledger");
    }
    // A reader of a WAL database writes its shared memory file, so it is opened read-write; it changes no row.
    return SqliteConnection(path, options.create == LedgerOptions::Create::kNever
                                      ? SqliteConnection::Mode::kReadWrite
                                      : SqliteConnection::Mode::kReadWriteCreate);
  }

  Failure no_ledger() const {
    return Failure(ReturnCode::kRefused, fmt::format("'{}' holds no ledger", path_.string()),
                   "'ledgermill run' or 'ledgermill ledger migrate' makes one");
  }

  int current_version() {
    auto exists =
        connection_.prepare("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'");
    LM_CHECK(exists.step(), "an aggregate has one row");
    if (exists.integer(0) == 0) return 0;
    auto version = connection_.prepare("SELECT max(version) FROM schema_version");
    LM_CHECK(version.step(), "an aggregate has one row");
    return static_cast<int>(version.integer(0));
  }

  std::string ledger_id() {
    auto row = connection_.prepare("SELECT ledger_id FROM schema_version");
    LM_CHECK(row.step(), "a ledger has its id from the beginning");
    return row.text(0);
  }

  void check_version() {
    const int version = current_version();
    if (version == 0) throw no_ledger();
    if (version > kSchemaVersion) {
      throw Failure(ReturnCode::kRefused,
                    fmt::format("ledger '{}' has schema version {}, this program knows {}", path_.string(), version,
                                kSchemaVersion),
                    "use the program's later version");
    }
  }

  static bool is_open(BatchState state) {
    return state == BatchState::kPlanned || state == BatchState::kLoading || state == BatchState::kLoaded;
  }

  std::vector<TargetVersion> versions_of(const std::string& table) {
    auto rows =
        connection_.prepare("SELECT version, postings, columns FROM target WHERE table_name = ? ORDER BY version");
    rows.bind(1, std::string_view(table));
    std::vector<TargetVersion> versions;
    while (rows.step()) versions.push_back({static_cast<int>(rows.integer(0)), rows.text(1), rows.text(2)});
    return versions;
  }

  TargetVersion make_version(const Plan& plan, int number, const std::string& columns) {
    TargetVersion version{number, plan.table + "_postings" + (number == 1 ? "" : fmt::format("_v{}", number)), columns};
    std::string body;
    for (const Field& field : plan.layout.fields)
      body += fmt::format(", {} {}{}", sql_name(stored_column(field)), sql_type(field.type),
                          field.constraints.required ? " NOT NULL" : "");
    connection_.execute(
        fmt::format("CREATE TABLE {}(posting INTEGER PRIMARY KEY{})", sql_name(version.postings), body));
    auto insert = connection_.prepare("INSERT INTO target VALUES (?, ?, ?, ?)");
    insert.bind(1, std::string_view(plan.table));
    insert.bind(2, std::int64_t{number});
    insert.bind(3, std::string_view(version.postings));
    insert.bind(4, std::string_view(columns));
    while (insert.step()) {
    }
    return version;
  }

  std::string target_of(BatchNumber batch) {
    auto row = connection_.prepare("SELECT target FROM batch WHERE number = ?");
    row.bind(1, to_int(batch));
    LM_CHECK(row.step(), "the batch is there");
    return row.text(0);
  }

  BatchState state_of(BatchNumber batch) {
    auto row = connection_.prepare("SELECT state FROM batch WHERE number = ?");
    row.bind(1, to_int(batch));
    if (!row.step())
      throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch number {}", to_int(batch)));
    return batch_state_of(row.text(0));
  }

  void set_state(BatchNumber batch, BatchState state) {
    auto update = connection_.prepare("UPDATE batch SET state = ?1 WHERE number = ?2");
    update.bind(1, std::string_view(batch_state_name(state)));
    update.bind(2, to_int(batch));
    while (update.step()) {
    }
  }

  /// What is in the way of this plan, or kRegistered when nothing is.
  Registration look_up(const Plan& plan, const std::optional<BatchId>& corrects) {
    Registration registration;
    const std::string date = plan.business_date ? plan.business_date->text() : "";
    const std::string sha256 = plan.file.sha256.hex();
    auto same = connection_.prepare(
        std::string(kSqliteBatchSql) +
        " WHERE feed = ?1 AND file_sha256 = ?2 AND file_bytes = ?3 AND business_date = ?4 AND state <> 'discarded'");
    same.bind(1, std::string_view(plan.feed));
    same.bind(2, std::string_view(sha256));
    same.bind(3, static_cast<std::int64_t>(plan.file.bytes));
    same.bind(4, std::string_view(date));
    if (same.step()) {
      registration.batch = sqlite_batch(connection_, same);
      const BatchState state = registration.batch.state;
      if (is_open(state)) {
        registration.outcome = Registration::Outcome::kResumed;
        registration.plan = this->plan(registration.batch.number);
      } else {
        registration.outcome = state == BatchState::kRefused ? Registration::Outcome::kRefusedBefore
                                                             : Registration::Outcome::kAlreadyPosted;
      }
      return registration;
    }
    const std::optional<std::string> published = published_on(plan.feed, plan.business_date);
    registration.outcome = Registration::Outcome::kRegistered;
    if (corrects) {
      auto wanted = connection_.prepare(std::string(kSqliteBatchSql) +
                                        " WHERE id = ?1 AND feed = ?2 AND business_date = ?3 AND state = 'published'");
      wanted.bind(1, std::string_view(corrects->text));
      wanted.bind(2, std::string_view(plan.feed));
      wanted.bind(3, std::string_view(date));
      if (!wanted.step()) registration.outcome = Registration::Outcome::kNothingToCorrect;
    } else if (published) {
      registration.batch = find_batch(*published);
      registration.outcome = Registration::Outcome::kBusinessDateTaken;
    }
    return registration;
  }

  std::optional<std::string> published_on(const std::string& feed, const std::optional<BusinessDate>& date) {
    if (!date) return std::nullopt;
    const std::string text = date->text();
    auto row =
        connection_.prepare("SELECT id FROM batch WHERE feed = ?1 AND business_date = ?2 AND state = 'published'");
    row.bind(1, std::string_view(feed));
    row.bind(2, std::string_view(text));
    if (!row.step()) return std::nullopt;
    return row.text(0);
  }

  BatchNumber insert_batch(const Plan& plan, const std::optional<BatchId>& corrects, const std::string& rejects_root) {
    const std::string date = plan.business_date ? plan.business_date->text() : "";
    const std::string sha256 = plan.file.sha256.hex();
    auto attempts = connection_.prepare(
        "SELECT count(*) FROM batch WHERE feed = ?1 AND file_sha256 = ?2 AND file_bytes = ?3 AND business_date = ?4");
    attempts.bind(1, std::string_view(plan.feed));
    attempts.bind(2, std::string_view(sha256));
    attempts.bind(3, static_cast<std::int64_t>(plan.file.bytes));
    attempts.bind(4, std::string_view(date));
    LM_CHECK(attempts.step(), "an aggregate has one row");
    const std::int64_t attempt = attempts.integer(0) + 1;
    const std::string id =
        BatchId::of(plan.feed, plan.business_date, plan.file.sha256, static_cast<std::uint32_t>(attempt)).text;
    const std::string json = plan_to_json(plan);
    const std::string target = versions_of(plan.table).back().postings;
    auto insert = connection_.prepare(
        "INSERT INTO batch(id, feed, table_name, target, business_date, attempt, state, file_name, file_sha256, "
        "file_bytes, records, chunks, plan, rejects_root, corrects, planned_at, rejects_folder)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'planned', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
    insert.bind(1, std::string_view(id));
    insert.bind(2, std::string_view(plan.feed));
    insert.bind(3, std::string_view(plan.table));
    insert.bind(4, std::string_view(target));
    insert.bind(5, std::string_view(date));
    insert.bind(6, attempt);
    insert.bind(7, std::string_view(plan.file.name));
    insert.bind(8, std::string_view(sha256));
    insert.bind(9, static_cast<std::int64_t>(plan.file.bytes));
    insert.bind(10, static_cast<std::int64_t>(plan.records));
    insert.bind(11, static_cast<std::int64_t>(plan.chunks.size()));
    insert.bind(12, std::string_view(json));
    insert.bind(13, std::string_view(rejects_root));
    corrects ? insert.bind(14, std::string_view(corrects->text)) : insert.bind_null(14);
    insert.bind(15, plan.planned_at.nanoseconds);
    const std::string rejects_folder = rejects_folder_of(BatchId{id}, plan.feed, ledger_id());
    insert.bind(16, std::string_view(rejects_folder));
    while (insert.step()) {
    }
    const std::int64_t number = connection_.last_insert_id();
    if (number >= kMostBatches)
      throw Failure(ReturnCode::kRefused, "a SQLite ledger takes at most 4,194,303 batches",
                    "begin a new ledger, or use PostgreSQL");
    insert_chunks(number, plan);
    return BatchNumber{number};
  }

  void insert_chunks(std::int64_t batch, const Plan& plan) {
    auto insert = connection_.prepare(
        "INSERT INTO chunk(batch, number, first_byte, bytes, first_record, records, sha256) VALUES (?, ?, ?, ?, ?, ?, "
        "?)");
    for (const ChunkPlan& chunk : plan.chunks) {
      const std::string sha256 = chunk.sha256.hex();
      insert.bind(1, batch);
      insert.bind(2, std::int64_t{to_int(chunk.number)});
      insert.bind(3, static_cast<std::int64_t>(chunk.first_byte));
      insert.bind(4, static_cast<std::int64_t>(chunk.bytes));
      insert.bind(5, static_cast<std::int64_t>(chunk.first_record));
      insert.bind(6, static_cast<std::int64_t>(chunk.records));
      insert.bind(7, std::string_view(sha256));
      while (insert.step()) {
      }
    }
  }

  void note_delivery(const Plan& plan, const Registration& registration) {
    constexpr const char* kDispositions[] = {"registered",          "resumed",           "duplicate", "refused before",
                                             "business date taken", "nothing to correct"};
    const std::string date = plan.business_date ? plan.business_date->text() : "";
    const std::string sha256 = plan.file.sha256.hex();
    auto insert = connection_.prepare(
        "INSERT INTO delivery(feed, file_name, file_sha256, file_bytes, business_date, batch, disposition, seen_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(1, std::string_view(plan.feed));
    insert.bind(2, std::string_view(plan.file.name));
    insert.bind(3, std::string_view(sha256));
    insert.bind(4, static_cast<std::int64_t>(plan.file.bytes));
    insert.bind(5, std::string_view(date));
    insert.bind(6, to_int(registration.batch.number));
    insert.bind(7, std::string_view(kDispositions[static_cast<std::size_t>(registration.outcome)]));
    insert.bind(8, now_seconds());
    while (insert.step()) {
    }
  }

  bool run_for(SqliteStatement& update, const ChunkClaim& claim) {
    update.bind(2, to_int(claim.batch));
    update.bind(3, std::int64_t{to_int(claim.chunk)});
    update.bind(4, static_cast<std::int64_t>(claim.epoch));
    while (update.step()) {
    }
    return connection_.changed_rows() == 1;
  }

  bool holds(const ChunkClaim& claim) {
    auto row = connection_.prepare(
        "SELECT count(*) FROM chunk JOIN batch b ON b.number = batch WHERE batch = ?2 AND chunk.number = ?3 AND epoch "
        "= ?4 AND chunk.state = 'claimed' AND b.state = 'loading'");
    row.bind(2, to_int(claim.batch));
    row.bind(3, std::int64_t{to_int(claim.chunk)});
    row.bind(4, static_cast<std::int64_t>(claim.epoch));
    LM_CHECK(row.step(), "an aggregate has one row");
    return row.integer(0) == 1;
  }

  bool holds(const FinalClaim& claim) {
    auto row =
        connection_.prepare("SELECT count(*) FROM batch WHERE number = ?1 AND final_epoch = ?2 AND state = 'loaded'");
    row.bind(1, to_int(claim.batch));
    row.bind(2, static_cast<std::int64_t>(claim.epoch));
    LM_CHECK(row.step(), "an aggregate has one row");
    return row.integer(0) == 1;
  }

  /// Inserts the accepted rows, many with one statement; where a constraint refuses a statement its rows are inserted
  /// one by one: those refused are named, and the rest go on.
  std::vector<DatabaseRefusal> insert_rows(BatchNumber batch, const Plan& plan, const StagedChunk& chunk) {
    constexpr std::size_t kMostParameters = 999;  // of a statement, in every build of SQLite
    const std::size_t columns = plan.layout.fields.size() + 1;
    const std::size_t at_once = std::clamp<std::size_t>(kMostParameters / columns, 1, 64);
    RowInserter many(connection_, target_of(batch), plan, chunk, to_int(batch) << kRecordBits, at_once);
    RowInserter one(connection_, target_of(batch), plan, chunk, to_int(batch) << kRecordBits, 1);
    std::vector<DatabaseRefusal> refusals;
    const std::size_t rows = chunk.accepted.size();
    for (std::size_t i = 0; i < rows; i += at_once) {
      if (i + at_once <= rows && !many.insert(i)) continue;
      for (std::size_t single = i; single < std::min(i + at_once, rows); ++single) {
        if (auto refused = one.insert(single))
          refusals.push_back({static_cast<std::uint32_t>(single), one_line(refused->message)});
      }
    }
    return refusals;
  }

  /// The fence: last in the transaction, and only while the epoch is still ours.
  bool set_done(const ChunkClaim& claim, const ChunkTotals& totals, const std::optional<RejectPart>& part) {
    const std::string totals_json = totals_to_json(totals.totals);
    const std::string reasons_json = reasons_to_json(totals.reasons);
    const std::string part_sha = part ? part->sha256.hex() : "";
    auto update = connection_.prepare(
        "UPDATE chunk SET state = 'done', done_at = ?1, accepted = ?5, rejected = ?6, totals = ?7, reasons = ?8, "
        "part_name = ?9, part_rejects = ?10, part_bytes = ?11,"
        " part_sha256 = ?12 WHERE batch = ?2 AND number = ?3 AND epoch = ?4 AND state = 'claimed'");
    update.bind(1, now_seconds());
    update.bind(5, static_cast<std::int64_t>(totals.totals.accepted));
    update.bind(6, static_cast<std::int64_t>(totals.totals.rejected));
    update.bind(7, std::string_view(totals_json));
    update.bind(8, std::string_view(reasons_json));
    if (part) {
      update.bind(9, std::string_view(part->name));
      update.bind(10, static_cast<std::int64_t>(part->rejects));
      update.bind(11, static_cast<std::int64_t>(part->bytes));
      update.bind(12, std::string_view(part_sha));
    } else {
      for (int i = 9; i <= 12; ++i) update.bind_null(i);
    }
    return run_for(update, claim);
  }

  void set_loaded_if_all_done(BatchNumber batch) {
    auto update = connection_.prepare(
        "UPDATE batch SET state = 'loaded' WHERE number = ?1 AND state IN ('planned', 'loading') AND NOT EXISTS "
        "(SELECT 1 FROM chunk WHERE batch = ?1 AND state <> 'done')");
    update.bind(1, to_int(batch));
    while (update.step()) {
    }
  }

  void bind_range(SqliteStatement& statement, BatchNumber batch) {
    statement.bind(1, to_int(batch) << kRecordBits);
    statement.bind(2, (to_int(batch) << kRecordBits) + kMostRecords - 1);
  }

  void drop_rows(BatchNumber batch) {
    auto drop =
        connection_.prepare(fmt::format("DELETE FROM {} WHERE posting BETWEEN ?1 AND ?2", sql_name(target_of(batch))));
    bind_range(drop, batch);
    while (drop.step()) {
    }
  }

  void end(BatchNumber batch, BatchState state, const std::string& refusal) {
    auto update = connection_.prepare("UPDATE batch SET state = ?1, refusal = ?2, ended_at = ?3 WHERE number = ?4");
    update.bind(1, std::string_view(batch_state_name(state)));
    update.bind(2, std::string_view(refusal));
    update.bind(3, static_cast<std::int64_t>(now_seconds() * 1e9));
    update.bind(4, to_int(batch));
    while (update.step()) {
    }
  }

  LedgerOptions options_;
  fs::path path_;
  SqliteConnection connection_;
  std::string holder_;
};

}  // namespace

std::unique_ptr<Ledger> open_sqlite_ledger(const LedgerOptions& options, const fs::path& path) {
  return std::make_unique<SqliteLedger>(options, path);
}

}  // namespace ledgermill::ledger
