// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "base/failure.h"
#include "ledger/chunk_totals.h"
#include "ledger/copy_encoder.h"
#include "ledger/kinds.h"
#include "ledger/postgres_batch.h"
#include "ledger/postgres_connection.h"
#include "ledger/postgres_schema.h"
#include "ledger/reader_kinds.h"

namespace ledgermill::ledger {

namespace {

// Advisory locks, any numbers that nobody else uses.
constexpr const char* kMigrationLock = "7311420350133517";  // held shared while open, exclusively to migrate
constexpr const char* kMakingLock =
    "7311420350133518";  // held while schema or tables are made: several pods may come at once
constexpr std::size_t kCopyBytes = 256U << 10;

std::string sql_type(const Field& field) {
  switch (field.type) {
    case FieldType::kString:
      return "text";
    case FieldType::kInteger:
      return "bigint";
    case FieldType::kDecimal:
      return fmt::format("numeric({},{})", field.precision, field.scale);
    case FieldType::kDate:
      return "date";
    case FieldType::kDatetime:
      return "timestamptz";
    case FieldType::kBoolean:
      return "boolean";
  }
  return "";
}

std::string array_text(const std::vector<ChunkPlan>& chunks,
                       const std::function<std::string(const ChunkPlan&)>& element) {
  std::string text = "{";
  for (const ChunkPlan& chunk : chunks) text += (text.size() == 1 ? "" : ",") + element(chunk);
  return text + "}";
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
    for (const Field& field : plan.layout.fields) {
      const bool has = ("\n" + version.columns).find("\n" + columns_of(Layout{{field}})) != std::string::npos;
      const std::string name = sql_identifier(field.column);
      columns += has ? fmt::format("p.{}, ", name) : fmt::format("NULL::{} AS {}, ", sql_type(field), name);
    }
    selects += fmt::format(
        "{}SELECT {}b.id AS batch, p.record_number FROM ledgermill.{} p JOIN ledgermill.batch b ON b.number = p.batch "
        "WHERE b.state = 'published'",
        selects.empty() ? "" : " UNION ALL ", columns, sql_identifier(version.postings));
  }
  return fmt::format("CREATE VIEW public.{} AS {}", sql_identifier(plan.table), selects);
}

PostedValue value_of(const PostgresRows& rows, int row, int column, const Field& field) {
  PostedValue value;
  value.missing = rows.is_null(row, column);
  if (value.missing) return value;
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kDate:
    case FieldType::kDatetime:
      value.text = rows.text(row, column);
      break;
    case FieldType::kInteger:
      value.integer = rows.integer(row, column);
      break;
    case FieldType::kBoolean:
      value.integer = rows.boolean(row, column) ? 1 : 0;
      break;
    case FieldType::kDecimal:
      value.integer = static_cast<std::int64_t>(
          ExactSum::from_text(rows.text(row, column), field.scale).value_or(ExactSum{}).minor_units);
      break;
  }
  return value;
}

class PostgresLedger final : public Ledger {
 public:
  explicit PostgresLedger(const LedgerOptions& options) : options_(options), connection_(options) { prepare_session(); }

  std::string address() const override { return connection_.address(); }
  Posting posting() const override { return Posting::kManyProcesses; }

  void prepare_table(const Plan& plan) override {
    const std::string columns = columns_of(plan.layout);
    if (const auto versions = versions_of(plan.table); !versions.empty() && versions.back().columns == columns) return;
    PostgresTransaction transaction(connection_);
    connection_.execute(fmt::format("SELECT pg_advisory_xact_lock({})", kMakingLock));
    std::vector<TargetVersion> versions = versions_of(plan.table);
    if (versions.empty() || versions.back().columns != columns) {
      refuse_without_rights(plan);
      const bool first = versions.empty();
      versions.push_back(make_version(plan, static_cast<int>(versions.size()) + 1, columns));
      if (!first) connection_.execute(fmt::format("DROP VIEW IF EXISTS public.{}", sql_identifier(plan.table)));
      connection_.execute(view_sql(plan, versions));
      grant(plan, versions.back());
    }
    transaction.commit();
  }

  Registration register_batch(const Plan& plan, const std::optional<BatchId>& corrects,
                              const std::string& rejects_root) override {
    const auto& chunks = plan.chunks;
    const auto numbers = [&](auto member) {
      return array_text(chunks, [member](const ChunkPlan& chunk) { return std::to_string(chunk.*member); });
    };
    const std::string id = BatchId::of(plan.feed, plan.business_date, plan.file.sha256, 1).text;
    const PostgresRows rows = connection_.query(
        "SELECT outcome, number FROM ledgermill.register_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
        "$14, $15, $16, $17)",
        {plan.feed, plan.table, id, plan.business_date ? plan.business_date->text() : "", plan.file.name,
         plan.file.sha256.hex(), std::to_string(plan.file.bytes), std::to_string(plan.records), plan_to_json(plan),
         rejects_root, corrects ? PostgresValue(corrects->text) : std::nullopt,
         std::to_string(plan.planned_at.nanoseconds), numbers(&ChunkPlan::first_byte), numbers(&ChunkPlan::bytes),
         numbers(&ChunkPlan::first_record), numbers(&ChunkPlan::records),
         array_text(chunks, [](const ChunkPlan& chunk) { return chunk.sha256.hex(); })});
    Registration registration;
    registration.outcome = outcome_of(rows.text(0, 0));
    if (!rows.is_null(0, 1)) registration.batch = summary(BatchNumber{rows.integer(0, 1)});
    if (registration.outcome == Registration::Outcome::kRegistered) registration.plan = plan;
    if (registration.outcome == Registration::Outcome::kResumed)
      registration.plan = this->plan(registration.batch.number);
    return registration;
  }

  ChunkClaimResult claim_chunk(BatchNumber batch) override {
    return again([&]() -> ChunkClaimResult {
      const PostgresRows rows = connection_.query(
          "SELECT status, chunk, epoch, former_pid, former_start FROM ledgermill.claim_chunk($1, $2, $3, $4, $5)",
          {number_text(batch), options_.worker(), pid_text(), connection_.backend_start(), lease_text()});
      const std::string status = rows.text(0, 0);
      if (status == "ended") return {ClaimStatus::kEnded, std::nullopt};
      if (status == "all done") return {ClaimStatus::kAllDone, std::nullopt};
      if (status == "others") {
        end_overdue_holders(batch);
        return {ClaimStatus::kOthersHoldTheRest, std::nullopt};
      }
      end_backend(rows.integer(0, 3), rows.text(0, 4));
      return {ClaimStatus::kClaimed, ChunkClaim{batch, ChunkNumber{static_cast<std::uint32_t>(rows.integer(0, 1))},
                                                static_cast<std::uint64_t>(rows.integer(0, 2))}};
    });
  }

  bool renew(const ChunkClaim& claim) override {
    return again([&] {
      return connection_
          .query("SELECT ledgermill.renew_chunk($1, $2, $3, $4)",
                 {number_text(claim.batch), chunk_text(claim), std::to_string(claim.epoch), lease_text()})
          .boolean(0, 0);
    });
  }

  void release(const ChunkClaim& claim) override {
    connection_.query("SELECT ledgermill.release_chunk($1, $2, $3)",
                      {number_text(claim.batch), chunk_text(claim), std::to_string(claim.epoch)});
  }

  PostOutcome post_chunk(const ChunkClaim& claim, const Plan& plan, const StagedChunk& chunk,
                         const WriteRejects& write_rejects) override {
    LM_CHECK(claim.chunk == chunk.number, "a claim is for the chunk that is posted");
    PostgresTransaction transaction(connection_);
    const std::vector<DatabaseRefusal> refusals = copy_rows(claim.batch, plan, chunk);
    const std::optional<RejectPart> part = write_rejects(refusals);
    if (!finish(claim, chunk_totals(plan, chunk, refusals), part)) return PostOutcome::kLostClaim;
    try {
      transaction.commit();
    } catch (const ConnectionLost&) {
      return resolve_commit(claim);
    }
    return PostOutcome::kPosted;
  }

  FinalClaimResult claim_finalising(BatchNumber batch) override {
    return again([&]() -> FinalClaimResult {
      const PostgresRows rows = connection_.query(
          "SELECT status, epoch, former_pid, former_start FROM ledgermill.claim_final($1, $2, $3, $4)",
          {number_text(batch), pid_text(), connection_.backend_start(), lease_text()});
      const std::string status = rows.text(0, 0);
      if (status == "ended") return {ClaimStatus::kEnded, std::nullopt};
      if (status == "others") return {ClaimStatus::kOthersHoldTheRest, std::nullopt};
      end_backend(rows.integer(0, 2), rows.text(0, 3));
      return {ClaimStatus::kClaimed, FinalClaim{batch, static_cast<std::uint64_t>(rows.integer(0, 1))}};
    });
  }

  bool renew(const FinalClaim& claim) override {
    return again([&] {
      return connection_
          .query("SELECT ledgermill.renew_final($1, $2, $3)",
                 {number_text(claim.batch), std::to_string(claim.epoch), lease_text()})
          .boolean(0, 0);
    });
  }

  Recount recount(BatchNumber batch, const Plan& plan) override {
    std::string sums;
    for (const Field& field : plan.layout.fields) {
      if (field.is_summed()) sums += fmt::format(", coalesce(sum({}), 0)::text", sql_identifier(field.column));
    }
    PostgresTransaction transaction(connection_);
    if (is_much_of_its_table(batch)) read_tables_whole();
    const PostgresRows rows = connection_.query(
        fmt::format("SELECT count(*){} FROM {} WHERE batch = $1", sums, target_of(batch)), {number_text(batch)});
    transaction.commit();
    Recount recount;
    recount.postings = static_cast<std::uint64_t>(rows.integer(0, 0));
    int column = 1;
    for (const Field& field : plan.layout.fields) {
      if (!field.is_summed()) continue;
      const auto sum = ExactSum::from_text(rows.text(0, column++), field.scale);
      LM_CHECK(sum.has_value(), "a sum of numerics is a decimal of their scale");
      recount.sums.push_back(*sum);
    }
    return recount;
  }

  PostOutcome publish(const FinalClaim& claim, const Recount& counted) override {
    check_publishable(summary(claim.batch), counted);
    const std::string outcome =
        connection_
            .query("SELECT ledgermill.publish($1, $2, $3)",
                   {number_text(claim.batch), std::to_string(claim.epoch), std::to_string(counted.postings)})
            .text(0, 0);
    return outcome == "lost" ? PostOutcome::kLostClaim : PostOutcome::kPosted;
  }

  PostOutcome refuse(const FinalClaim& claim, const std::string& reason) override {
    const bool done = connection_
                          .query("SELECT ledgermill.refuse($1, $2, $3)",
                                 {number_text(claim.batch), std::to_string(claim.epoch), reason})
                          .boolean(0, 0);
    return done ? PostOutcome::kPosted : PostOutcome::kLostClaim;
  }

  void discard(BatchNumber batch) override {
    if (connection_.query("SELECT ledgermill.discard($1)", {number_text(batch)}).boolean(0, 0)) return;
    const BatchSummary published = summary(batch);
    throw Failure(
        ReturnCode::kRefused,
        fmt::format("batch '{}' is {} and cannot be discarded", published.id.text, batch_state_name(published.state)),
        "load the file that replaces it: ledgermill run FEED FILE --corrects BATCH");
  }

  BatchSummary summary(BatchNumber batch) override {
    return again([&] {
      std::vector<BatchSummary> found = summaries("WHERE b.number = $1", {number_text(batch)});
      if (found.empty())
        throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch number {}", to_int(batch)));
      return std::move(found[0]);
    });
  }

  Plan plan(BatchNumber batch) override {
    const PostgresRows rows =
        connection_.query("SELECT plan FROM ledgermill.batch WHERE number = $1", {number_text(batch)});
    if (rows.count() == 0)
      throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch number {}", to_int(batch)));
    return plan_from_json(rows.text(0, 0));
  }

  BatchSummary find_batch(std::string_view text) override {
    return only_one(summaries("WHERE b.id = $1 OR b.number::text = $1 OR strpos(b.id, $1) > 0 ORDER BY (b.id = $1) "
                              "DESC, b.number DESC LIMIT 6",
                              {std::string(text)}),
                    text);
  }

  std::vector<BatchSummary> list_batches(const ListFilter& filter) override {
    return summaries(
        "WHERE ($1 = '' OR b.feed = $1) AND ($2 = '' OR b.state = $2) AND ($3::bigint = 0 OR b.number < $3::bigint) "
        "ORDER BY b.number DESC LIMIT $4::bigint",
        {filter.feed, filter.state ? batch_state_name(*filter.state) : "", std::to_string(filter.before_number),
         std::to_string(filter.most)});
  }

  std::vector<ChunkStatus> chunks(BatchNumber batch) override {
    const PostgresRows rows = connection_.query(
        "SELECT number, state, epoch, worker, extract(epoch FROM lease_until - clock_timestamp()), extract(epoch FROM "
        "clock_timestamp() - claimed_at),"
        " extract(epoch FROM clock_timestamp() - done_at), accepted, rejected, part_name, part_rejects, part_bytes, "
        "part_sha256"
        " FROM ledgermill.chunk WHERE batch = $1 ORDER BY number",
        {number_text(batch)});
    std::vector<ChunkStatus> chunks;
    for (int i = 0; i < rows.count(); ++i) {
      ChunkStatus& chunk = chunks.emplace_back();
      chunk.number = ChunkNumber{static_cast<std::uint32_t>(rows.integer(i, 0))};
      const std::string state = rows.text(i, 1);
      chunk.state = state == "done"      ? ChunkStatus::State::kDone
                    : state == "claimed" ? ChunkStatus::State::kClaimed
                                         : ChunkStatus::State::kPlanned;
      chunk.epoch = static_cast<std::uint64_t>(rows.integer(i, 2));
      chunk.worker = rows.text(i, 3);
      if (chunk.state == ChunkStatus::State::kClaimed) chunk.lease_seconds_left = rows.real(i, 4);
      if (chunk.state != ChunkStatus::State::kPlanned)
        chunk.age_seconds = rows.real(i, chunk.state == ChunkStatus::State::kDone ? 6 : 5);
      chunk.accepted = static_cast<std::uint64_t>(rows.integer(i, 7));
      chunk.rejected = static_cast<std::uint64_t>(rows.integer(i, 8));
      if (rows.is_null(i, 9)) continue;
      chunk.part = RejectPart{rows.text(i, 9), static_cast<std::uint64_t>(rows.integer(i, 10)),
                              static_cast<std::uint64_t>(rows.integer(i, 11)), Digest::from_hex(rows.text(i, 12))};
    }
    return chunks;
  }

  void visit_record_numbers(BatchNumber batch, const Plan&,
                            const std::function<void(std::span<const std::uint64_t>)>& take) override {
    const std::string sql = fmt::format(
        "SELECT record_number FROM {} WHERE batch = $1 AND record_number > $2 ORDER BY record_number LIMIT 65536",
        target_of(batch));
    std::vector<std::uint64_t> numbers{0};
    while (true) {
      const PostgresRows rows = connection_.query(sql, {number_text(batch), std::to_string(numbers.back())});
      if (rows.count() == 0) return;
      numbers.clear();
      for (int i = 0; i < rows.count(); ++i) numbers.push_back(static_cast<std::uint64_t>(rows.integer(i, 0)));
      take(numbers);
    }
  }

  void visit_postings(BatchNumber batch, const Plan& plan, const std::vector<std::size_t>& fields,
                      const std::function<void(std::span<const PostedRecord>)>& take) override {
    std::string columns;
    for (const std::size_t f : fields) columns += fmt::format(", \"{}\"", plan.layout.fields[f].column);
    const std::string sql = fmt::format(
        "SELECT record_number{} FROM {} WHERE batch = $1 AND record_number > $2 ORDER BY record_number LIMIT 16384",
        columns, target_of(batch));
    std::uint64_t last = 0;
    while (true) {
      const PostgresRows rows = connection_.query(sql, {number_text(batch), std::to_string(last)});
      if (rows.count() == 0) return;
      std::vector<PostedRecord> portion(static_cast<std::size_t>(rows.count()));
      for (int r = 0; r < rows.count(); ++r) {
        PostedRecord& posting = portion[static_cast<std::size_t>(r)];
        posting.record_number = last = static_cast<std::uint64_t>(rows.integer(r, 0));
        for (std::size_t i = 0; i < fields.size(); ++i)
          posting.values.push_back(value_of(rows, r, static_cast<int>(i) + 1, plan.layout.fields[fields[i]]));
      }
      take(portion);
    }
  }

  void put_label(const Label& label) override {
    connection_.query(
        "INSERT INTO ledgermill.label(batch, record_number, name, value, source) VALUES($1, $2, $3, $4, $5) "
        "ON CONFLICT (batch, record_number, name, source) DO UPDATE SET value = EXCLUDED.value, created_at = now()",
        {number_text(label.batch), std::to_string(label.record_number), label.name, label.value, label.source});
  }

  std::vector<Label> labels(const std::string& name) override {
    const PostgresRows rows = connection_.query(
        "SELECT value, source, batch, record_number FROM ledgermill.label WHERE name = $1 "
        "ORDER BY batch, record_number, created_at",
        {name});
    std::vector<Label> labels;
    for (int r = 0; r < rows.count(); ++r)
      labels.push_back({name, rows.text(r, 0), rows.text(r, 1), BatchNumber{rows.integer(r, 2)},
                        static_cast<std::uint64_t>(rows.integer(r, 3))});
    return labels;
  }

  SchemaVersion schema_version() override { return {current_version(), kSchemaVersion}; }

  void migrate() override {
    connection_.execute(fmt::format("SELECT pg_advisory_unlock_all()"));
    {
      PostgresTransaction transaction(connection_);
      if (!connection_.query(fmt::format("SELECT pg_try_advisory_xact_lock({})", kMigrationLock)).boolean(0, 0)) {
        throw Failure(ReturnCode::kUnavailable, fmt::format("ledger {} is in use", address()),
                      "run the migration when nobody is loading; 'ledgermill batches list' shows who is");
      }
      make_schema_if_missing();
      connection_.execute(kPostgresReadIndexes);
      connection_.execute(kPostgresGrants);
      transaction.commit();
    }
    check_version();
    hold_schema();
  }

 private:
  void prepare_session() {
    if (options_.access == LedgerOptions::Access::kReadWrite && current_version() == 0 &&
        options_.create == LedgerOptions::Create::kIfMissing) {
      PostgresTransaction transaction(connection_);
      make_schema_if_missing();
      connection_.execute(kPostgresGrants);
      transaction.commit();
    }
    if (options_.access == LedgerOptions::Access::kReadWrite) hold_schema();
    check_version();
  }

  /// Protocol 12: whoever may claim holds the schema's version, shared.
  void hold_schema() { connection_.execute(fmt::format("SELECT pg_advisory_lock_shared({})", kMigrationLock)); }

  void make_schema_if_missing() {
    connection_.execute(fmt::format("SELECT pg_advisory_xact_lock({})", kMakingLock));
    if (current_version() != 0) return;
    if (!connection_.query("SELECT has_database_privilege(current_database(), 'CREATE')").boolean(0, 0)) {
      throw Failure(
          ReturnCode::kRefused, fmt::format("ledger {} has no schema yet, and this role may not make it", address()),
          "once, as the owner of the database: ledgermill ledger migrate --ledger postgresql://owner@host/database");
    }
    connection_.execute(kPostgresSchema);
    connection_.execute(kPostgresReadIndexes);
  }

  int current_version() {
    // Asked of the catalogue's rows: to_regclass answers from a cache that may not know yet what another has just made.
    if (connection_
            .query("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "
                   "'ledgermill' AND c.relname = 'schema_version'")
            .integer(0, 0) == 0) {
      return 0;
    }
    return static_cast<int>(connection_.query("SELECT max(version) FROM ledgermill.schema_version").integer(0, 0));
  }

  void check_version() {
    const int version = current_version();
    if (version == 0)
      throw Failure(ReturnCode::kRefused, fmt::format("{} holds no ledger", address()),
                    "'ledgermill run' or 'ledgermill ledger migrate' makes one");
    if (version > kSchemaVersion) {
      throw Failure(
          ReturnCode::kRefused,
          fmt::format("ledger {} has schema version {}, this program knows {}", address(), version, kSchemaVersion),
          "use the program's later version");
    }
  }

  /// Does what may be asked twice again, once, on a new connection when the old one broke.
  template <class Ask>
  auto again(const Ask& ask) -> decltype(ask()) {
    try {
      return ask();
    } catch (const ConnectionLost&) {
      connection_ = PostgresConnection(options_);
      prepare_session();
      return ask();
    }
  }

  static std::string number_text(BatchNumber batch) { return std::to_string(to_int(batch)); }
  static std::string chunk_text(const ChunkClaim& claim) { return std::to_string(to_int(claim.chunk)); }
  std::string pid_text() const { return std::to_string(connection_.backend_pid()); }
  std::string lease_text() const { return std::to_string(options_.lease.count()); }

  static Registration::Outcome outcome_of(const std::string& name) {
    using Outcome = Registration::Outcome;
    constexpr std::pair<const char*, Outcome> kOutcomes[] = {{"registered", Outcome::kRegistered},
                                                             {"resumed", Outcome::kResumed},
                                                             {"duplicate", Outcome::kAlreadyPosted},
                                                             {"refused before", Outcome::kRefusedBefore},
                                                             {"business date taken", Outcome::kBusinessDateTaken},
                                                             {"nothing to correct", Outcome::kNothingToCorrect}};
    for (const auto& [text, outcome] : kOutcomes) {
      if (name == text) return outcome;
    }
    LM_CHECK(false, "register_batch answers with an outcome that is known");
    return Outcome::kRegistered;
  }

  /// Protocol 3: whoever takes a chunk over ends its former backend: a frozen client holds its locks for ever.
  void end_backend(std::int64_t pid, const std::string& start) {
    if (pid == 0) return;
    end_backends(
        "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.pid = $1::int AND a.backend_start::text = "
        "$2 AND a.pid <> pg_backend_pid()",
        {std::to_string(pid), start});
  }

  /// A frozen worker may hold the chunk's row itself, so that it cannot be claimed: then its backend is ended first.
  void end_overdue_holders(BatchNumber batch) {
    end_backends(
        "SELECT pg_terminate_backend(a.pid) FROM ledgermill.chunk c JOIN pg_stat_activity a ON a.pid = c.holder_pid "
        "AND a.backend_start::text = c.holder_start"
        " WHERE c.batch = $1 AND c.state = 'claimed' AND c.lease_until < clock_timestamp() AND a.pid <> "
        "pg_backend_pid()",
        {number_text(batch)});
  }

  void end_backends(const std::string& sql, const std::vector<PostgresValue>& values) {
    try {
      connection_.query(sql, values);
    } catch (const ConnectionLost&) {
      throw;
    } catch (const Failure& failure) {
      // Another role's backend may not be ended by this one: its lease or its death frees the chunk. The fence holds.
      if (failure.code() != ReturnCode::kRefused) throw;
    }
  }

  std::vector<TargetVersion> versions_of(const std::string& table) {
    const PostgresRows rows = connection_.query(
        "SELECT version, postings, columns FROM ledgermill.target WHERE table_name = $1 ORDER BY version", {table});
    std::vector<TargetVersion> versions;
    for (int i = 0; i < rows.count(); ++i)
      versions.push_back({static_cast<int>(rows.integer(i, 0)), rows.text(i, 1), rows.text(i, 2)});
    return versions;
  }

  void refuse_without_rights(const Plan& plan) {
    const bool may =
        connection_
            .query("SELECT has_schema_privilege('ledgermill', 'CREATE') AND has_schema_privilege('public', 'CREATE')")
            .boolean(0, 0);
    if (may) return;
    throw Failure(
        ReturnCode::kRefused,
        fmt::format("ledger {} has no table for feed '{}' in its present form, and this role may not make it",
                    address(), plan.feed),
        fmt::format("once, as the owner: ledgermill ledger migrate {} --ledger postgresql://owner@host/database",
                    plan.feed));
  }

  TargetVersion make_version(const Plan& plan, int number, const std::string& columns) {
    TargetVersion version{number, plan.table + "_postings" + (number == 1 ? "" : fmt::format("_v{}", number)), columns};
    std::string body;
    for (const Field& field : plan.layout.fields)
      body += fmt::format(", {} {}{}", sql_identifier(field.column), sql_type(field),
                          field.constraints.required ? " NOT NULL" : "");
    // Protocol 5: the key is a constraint from the first row on.
    connection_.execute(
        fmt::format("CREATE TABLE ledgermill.{}(batch bigint NOT NULL, record_number bigint NOT NULL{}, PRIMARY KEY "
                    "(batch, record_number))",
                    sql_identifier(version.postings), body));
    connection_.query("INSERT INTO ledgermill.target VALUES ($1, $2, $3, $4)",
                      {plan.table, std::to_string(number), version.postings, columns});
    return version;
  }

  void grant(const Plan& plan, const TargetVersion& version) {
    const auto if_role = [&](const char* role, const std::string& rights) {
      if (connection_.query("SELECT count(*) FROM pg_roles WHERE rolname = $1", {role}).integer(0, 0) == 1)
        connection_.execute(fmt::format("GRANT {} TO {}", rights, role));
    };
    if_role("ledgermill_loader", fmt::format("SELECT, INSERT ON ledgermill.{}", sql_identifier(version.postings)));
    if_role("ledgermill_loader", fmt::format("SELECT ON public.{}", sql_identifier(plan.table)));
    if_role("ledgermill_reader", fmt::format("SELECT ON public.{}", sql_identifier(plan.table)));
    if_role("ledgermill_dashboard", fmt::format("SELECT ON ledgermill.{}", sql_identifier(version.postings)));
  }

  std::string target_of(BatchNumber batch) {
    const PostgresRows rows =
        connection_.query("SELECT target FROM ledgermill.batch WHERE number = $1", {number_text(batch)});
    LM_CHECK(rows.count() == 1, "the batch is there");
    return "ledgermill." + sql_identifier(rows.text(0, 0));
  }

  /// Whether the batch holds a fifth or more of the rows of its table.
  bool is_much_of_its_table(BatchNumber batch) {
    return connection_
        .query(
            "SELECT 5 * coalesce(sum(k.accepted) FILTER (WHERE k.batch = $1), 0) >= coalesce(sum(k.accepted), 0) FROM "
            "ledgermill.chunk k JOIN ledgermill.batch b ON b.number = k.batch WHERE b.state NOT IN ('refused', "
            "'discarded') AND b.target = (SELECT target FROM ledgermill.batch WHERE number = $1)",
            {number_text(batch)})
        .boolean(0, 0);
  }

  /// For this transaction. The server knows no statistics of rows that have just come, takes them for few, and would
  /// fetch them all by the index, alone; reading the table is done by several processes in half the time.
  void read_tables_whole() {
    connection_.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off");
  }

  /// COPY of all rows; where the server refuses one, the range is halved until it stands alone.
  std::vector<DatabaseRefusal> copy_rows(BatchNumber batch, const Plan& plan, const StagedChunk& chunk) {
    std::string columns = "batch, record_number";
    for (const Field& field : plan.layout.fields) columns += ", " + sql_identifier(field.column);
    const std::string sql = fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", target_of(batch), columns);
    const CopyEncoder encoder(batch, plan, chunk);
    std::vector<DatabaseRefusal> refusals;
    std::vector<std::pair<std::size_t, std::size_t>> ranges{
        {0, chunk.accepted.size()}};  // a stack: the left half is on top
    while (!ranges.empty()) {
      const auto [begin, end] = ranges.back();
      ranges.pop_back();
      if (begin == end) continue;
      const auto refused = copy_range(sql, encoder, begin, end);
      if (!refused) continue;
      if (end - begin == 1) {
        refusals.push_back({static_cast<std::uint32_t>(begin), refused->message});
        continue;
      }
      const std::size_t middle = begin + (end - begin) / 2;
      ranges.emplace_back(middle, end);
      ranges.emplace_back(begin, middle);
    }
    return refusals;
  }

  std::optional<PostgresConnection::DataRefused> copy_range(const std::string& sql, const CopyEncoder& encoder,
                                                            std::size_t begin, std::size_t end) {
    connection_.execute("SAVEPOINT range");
    connection_.begin_copy(sql);
    buffer_.clear();
    CopyEncoder::append_header(buffer_);
    for (std::size_t i = begin; i < end; ++i) {
      encoder.append_row(buffer_, i);
      if (buffer_.size() < kCopyBytes) continue;
      connection_.put_copy(buffer_);
      buffer_.clear();
    }
    CopyEncoder::append_trailer(buffer_);
    connection_.put_copy(buffer_);
    auto refused = connection_.end_copy();
    connection_.execute(refused ? "ROLLBACK TO SAVEPOINT range" : "RELEASE SAVEPOINT range");
    return refused;
  }

  /// The fence: last in the transaction, and only while the epoch is still ours.
  bool finish(const ChunkClaim& claim, const ChunkTotals& totals, const std::optional<RejectPart>& part) {
    const auto of_part = [&](const std::string& value) { return part ? PostgresValue(value) : std::nullopt; };
    return connection_
        .query("SELECT ledgermill.finish_chunk($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
               {number_text(claim.batch), chunk_text(claim), std::to_string(claim.epoch),
                std::to_string(totals.totals.accepted), std::to_string(totals.totals.rejected),
                totals_to_json(totals.totals), reasons_to_json(totals.reasons), of_part(part ? part->name : ""),
                of_part(part ? std::to_string(part->rejects) : ""), of_part(part ? std::to_string(part->bytes) : ""),
                of_part(part ? part->sha256.hex() : "")})
        .boolean(0, 0);
  }

  /// Protocol 9: the reply to a COMMIT was lost; the ledger knows whether it happened.
  PostOutcome resolve_commit(const ChunkClaim& claim) {
    connection_ = PostgresConnection(options_);
    prepare_session();
    const bool done = connection_
                          .query("SELECT ledgermill.chunk_is_done($1, $2, $3)",
                                 {number_text(claim.batch), chunk_text(claim), std::to_string(claim.epoch)})
                          .boolean(0, 0);
    return done ? PostOutcome::kPosted : PostOutcome::kLostClaim;
  }

  std::vector<BatchSummary> summaries(const std::string& where, const std::vector<PostgresValue>& values) {
    return postgres_batches(connection_, where, values);
  }

  LedgerOptions options_;
  PostgresConnection connection_;
  std::string buffer_;  // of COPY, kept for its memory
};

}  // namespace

std::unique_ptr<Ledger> open_postgres_ledger(const LedgerOptions& options) {
  return std::make_unique<PostgresLedger>(options);
}

}  // namespace ledgermill::ledger
