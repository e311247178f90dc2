// SPDX-License-Identifier: Apache-2.0
#include "ledger/sqlite_connection.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cstring>

#include "base/check.h"
#include "base/failure.h"

namespace ledgermill::ledger {

namespace {

[[noreturn]] void fail(sqlite3* database, int result, const std::string& path) {
  const std::string words = database == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(database);
  const std::string fact = fmt::format("ledger '{}': {}", path, words);
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Failure(ReturnCode::kUnavailable, fact, "another process is writing to it; run the same command again");
    case SQLITE_FULL:
      throw Failure(ReturnCode::kUnavailable, fact, "make room on the disk, then run the same command again");
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
      throw Failure(ReturnCode::kUnavailable, fact, "run the same command again when the storage answers");
    case SQLITE_CANTOPEN:
      throw Failure(ReturnCode::kRefused, fact,
                    "does the folder exist, and may you write to it? --ledger sqlite:PATH names another place");
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      throw Failure(ReturnCode::kRefused, fact, "the file cannot be written by you");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      throw Failure(ReturnCode::kRefused, fact, "this file is no sound SQLite database; bring it back from a backup");
    default:
      throw Failure(ReturnCode::kDefect, fact, "please report it");
  }
}

void add_to_sum(sqlite3_context* context, int, sqlite3_value** arguments) {
  // Zeroed by SQLite when a statement first asks for it; nullptr when memory is short.
  void* sum = sqlite3_aggregate_context(context, sizeof(Int128));
  if (sum == nullptr) return sqlite3_result_error_nomem(context);
  Int128 so_far = 0;
  std::memcpy(&so_far, sum, sizeof(so_far));  // SQLite aligns to 8 bytes, not to 16
  so_far += sqlite3_value_int64(arguments[0]);
  std::memcpy(sum, &so_far, sizeof(so_far));
}

void finish_sum(sqlite3_context* context) {
  const Int128 none = 0;
  const void* sum = sqlite3_aggregate_context(context, 0);
  sqlite3_result_blob(context, sum == nullptr ? &none : sum, sizeof(Int128), SQLITE_TRANSIENT);
}

}  // namespace

struct SqliteConnection::Handle {
  sqlite3* database = nullptr;
  std::string path;
  ~Handle() { sqlite3_close_v2(database); }
};

struct SqliteStatement::Handle {
  sqlite3_stmt* statement = nullptr;
  std::string path;
  ~Handle() { sqlite3_finalize(statement); }

  void check(int result) const {
    if (result != SQLITE_OK) fail(sqlite3_db_handle(statement), result, path);
  }
};

SqliteStatement::SqliteStatement(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
SqliteStatement::SqliteStatement(SqliteStatement&&) noexcept = default;
SqliteStatement& SqliteStatement::operator=(SqliteStatement&&) noexcept = default;
SqliteStatement::~SqliteStatement() = default;

void SqliteStatement::bind(int index, std::int64_t value) {
  handle_->check(sqlite3_bind_int64(handle_->statement, index, value));
}
void SqliteStatement::bind(int index, double value) {
  handle_->check(sqlite3_bind_double(handle_->statement, index, value));
}
void SqliteStatement::bind(int index, std::string_view text) {
  handle_->check(
      sqlite3_bind_text(handle_->statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC));
}
void SqliteStatement::bind_null(int index) { handle_->check(sqlite3_bind_null(handle_->statement, index)); }

bool SqliteStatement::step() {
  const int result = sqlite3_step(handle_->statement);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) fail(sqlite3_db_handle(handle_->statement), result, handle_->path);
  sqlite3_reset(handle_->statement);
  return false;
}

std::optional<ConstraintError> SqliteStatement::run() {
  const int result = sqlite3_step(handle_->statement);
  if ((result & 0xff) == SQLITE_CONSTRAINT) {
    ConstraintError error{sqlite3_errmsg(sqlite3_db_handle(handle_->statement))};
    sqlite3_reset(handle_->statement);
    return error;
  }
  if (result != SQLITE_DONE && result != SQLITE_ROW) fail(sqlite3_db_handle(handle_->statement), result, handle_->path);
  sqlite3_reset(handle_->statement);
  return std::nullopt;
}

std::int64_t SqliteStatement::integer(int column) const { return sqlite3_column_int64(handle_->statement, column); }
double SqliteStatement::real(int column) const { return sqlite3_column_double(handle_->statement, column); }
bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(handle_->statement, column) == SQLITE_NULL;
}
Int128 SqliteStatement::sum(int column) const {
  LM_CHECK(sqlite3_column_bytes(handle_->statement, column) == sizeof(Int128), "the column is an exact_sum()");
  Int128 value = 0;
  std::memcpy(&value, sqlite3_column_blob(handle_->statement, column), sizeof(value));
  return value;
}
std::string SqliteStatement::text(int column) const {
  const void* bytes = sqlite3_column_blob(handle_->statement, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_->statement, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

SqliteConnection::SqliteConnection(const std::filesystem::path& path, Mode mode) : handle_(std::make_unique<Handle>()) {
  handle_->path = path.string();
  const int flags = mode == Mode::kReadOnly    ? SQLITE_OPEN_READONLY
                    : mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE
                                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int result =
      sqlite3_open_v2(path.c_str(), &handle_->database, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (result != SQLITE_OK) fail(handle_->database, result, handle_->path);
  constexpr int kBusyMs = 30'000;
  sqlite3_busy_timeout(handle_->database, kBusyMs);
  result = sqlite3_create_function_v2(handle_->database, "exact_sum", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
                                      nullptr, add_to_sum, finish_sum, nullptr);
  if (result != SQLITE_OK) fail(handle_->database, result, handle_->path);
}
SqliteConnection::~SqliteConnection() = default;

SqliteStatement SqliteConnection::prepare(std::string_view sql) {
  auto statement = std::make_unique<SqliteStatement::Handle>();
  statement->path = handle_->path;
  const int result =
      sqlite3_prepare_v2(handle_->database, sql.data(), static_cast<int>(sql.size()), &statement->statement, nullptr);
  if (result != SQLITE_OK) fail(handle_->database, result, handle_->path);
  return SqliteStatement(std::move(statement));
}

void SqliteConnection::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_->database, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(handle_->database, result, handle_->path);
}

std::int64_t SqliteConnection::changed_rows() const { return sqlite3_changes64(handle_->database); }
std::int64_t SqliteConnection::last_insert_id() const { return sqlite3_last_insert_rowid(handle_->database); }

SqliteTransaction::SqliteTransaction(SqliteConnection& connection) : connection_(connection) {
  connection_.execute("BEGIN IMMEDIATE");
}

SqliteTransaction::~SqliteTransaction() {
  if (!open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const Failure&) {
    open_ = false;  // SQLite rolled back by itself (disk full, I/O error): there is nothing left to undo
  }
}

void SqliteTransaction::commit() {
  connection_.execute("COMMIT");
  open_ = false;
}

}  // namespace ledgermill::ledger
