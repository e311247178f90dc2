// SPDX-License-Identifier: Apache-2.0
#include "ledger/postgres_connection.h"

#include <fmt/core.h>
#include <libpq-fe.h>

#include <charconv>
#include <cstdlib>
#include <map>

#include "base/check.h"
#include "base/file.h"
#include "ledger/chunk_totals.h"

namespace ledgermill::ledger {

namespace {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

using Parameters = std::map<std::string, std::string>;

/// The parts of a connection URL. Failure RC 8 on one that libpq cannot read.
Parameters parse_url(const std::string& url) {
  char* mistake = nullptr;
  PQconninfoOption* const options = PQconninfoParse(url.c_str(), &mistake);
  if (options == nullptr) {
    const std::string words = mistake != nullptr ? one_line(mistake) : "";
    PQfreemem(mistake);
    throw Failure(ReturnCode::kRefused, "the ledger's address cannot be read: " + words,
                  "postgresql://user@host/database");
  }
  Parameters parameters;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters[option->keyword] = option->val;
  }
  PQconninfoFree(options);
  return parameters;
}

std::string or_environment(const Parameters& parameters, const char* key, const char* variable) {
  if (const auto found = parameters.find(key); found != parameters.end()) return found->second;
  const char* const value = std::getenv(variable);
  return value != nullptr ? value : "";
}

bool is_local(const std::string& host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" || host == "127.0.0.1" ||
         host == "::1";
}

/// What the URL leaves open is set to what money needs: the server's name is checked, and nothing waits for ever.
Parameters connection_parameters(const LedgerOptions& options) {
  Parameters parameters = parse_url(options.url);
  const auto otherwise = [&parameters](const char* key, const std::string& value) { parameters.emplace(key, value); };
  const std::string host = or_environment(parameters, "hostaddr", "PGHOSTADDR").empty()
                               ? or_environment(parameters, "host", "PGHOST")
                               : or_environment(parameters, "hostaddr", "PGHOSTADDR");
  if (!is_local(host) && std::getenv("PGSSLMODE") == nullptr) otherwise("sslmode", "verify-full");
  otherwise("connect_timeout", "10");
  otherwise("keepalives_idle", "15");
  otherwise("keepalives_interval", "5");
  otherwise("keepalives_count", "3");
  otherwise("tcp_user_timeout", "30000");
  otherwise("application_name", "ledgermill/" + options.worker());
  parameters["client_encoding"] = "UTF8";
  if (options.password_file) {
    const std::string text = read_small_file(*options.password_file, 4096);
    parameters["password"] = text.substr(0, text.find_first_of("\r\n"));
  }
  return parameters;
}

}  // namespace

struct PostgresRows::Handle {
  Result result;
};

struct PostgresConnection::Handle {
  PGconn* connection = nullptr;
  std::string address;
  ~Handle() { PQfinish(connection); }
};

PostgresRows::PostgresRows(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
PostgresRows::PostgresRows(PostgresRows&&) noexcept = default;
PostgresRows::~PostgresRows() = default;

int PostgresRows::count() const { return PQntuples(handle_->result.get()); }
std::string PostgresRows::text(int row, int column) const { return PQgetvalue(handle_->result.get(), row, column); }
bool PostgresRows::is_null(int row, int column) const { return PQgetisnull(handle_->result.get(), row, column) != 0; }
double PostgresRows::real(int row, int column) const {
  return std::strtod(PQgetvalue(handle_->result.get(), row, column), nullptr);
}
std::int64_t PostgresRows::integer(int row, int column) const {
  const std::string value = text(row, column);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  LM_CHECK(error == std::errc() && end == value.data() + value.size(), "an integer column holds an integer");
  return number;
}

PostgresConnection::PostgresConnection(const LedgerOptions& options) : handle_(std::make_unique<Handle>()) {
  const Parameters parameters = connection_parameters(options);
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : parameters) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const connection = handle_->connection = PQconnectdbParams(keys.data(), values.data(), 0);
  if (connection == nullptr) throw Failure(ReturnCode::kUnavailable, "no memory for a connection");
  const auto part = [](const char* text) { return std::string(text != nullptr ? text : ""); };
  handle_->address = fmt::format("postgresql://{}@{}:{}/{}", part(PQuser(connection)), part(PQhost(connection)),
                                 part(PQport(connection)), part(PQdb(connection)));
  if (PQstatus(connection) != CONNECTION_OK) {
    const std::string words = one_line(PQerrorMessage(connection));
    const bool password = PQconnectionNeedsPassword(connection) != 0 || PQconnectionUsedPassword(connection) != 0;
    if (password) {
      throw Failure(ReturnCode::kRefused, fmt::format("ledger {}: {}", address(), words),
                    "give the password by --ledger-password-file FILE, PGPASSFILE or PGPASSWORD");
    }
    throw ConnectionLost(ReturnCode::kUnavailable, fmt::format("ledger {} cannot be reached: {}", address(), words),
                         "nothing is lost: the same command goes on when the server is back");
  }
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  execute(
      "SET synchronous_commit = on; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; SET "
      "search_path = pg_catalog");
  if (PQserverVersion(connection) >= 140'000) execute("SET client_connection_check_interval = '5s'");
  const PostgresRows self = query("SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()");
  backend_pid_ = static_cast<int>(self.integer(0, 0));
  backend_start_ = self.text(0, 1);
}

PostgresConnection::PostgresConnection(PostgresConnection&&) noexcept = default;
PostgresConnection& PostgresConnection::operator=(PostgresConnection&&) noexcept = default;
PostgresConnection::~PostgresConnection() = default;

std::string PostgresConnection::address() const { return handle_->address; }

void PostgresConnection::fail(const std::string& sqlstate, const std::string& message) const {
  const std::string fact = fmt::format("ledger {}: {}", address(), message);
  const std::string kind = sqlstate.substr(0, 2);
  // libpq itself gives no SQLSTATE: then it speaks of the connection.
  const bool ended = sqlstate.empty() || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" ||
                     sqlstate == "25P03" || kind == "08";
  if (ended || PQstatus(handle_->connection) != CONNECTION_OK) {
    throw ConnectionLost(ReturnCode::kUnavailable, fact,
                         "nothing is lost: the same command goes on when the server is back");
  }
  if (sqlstate == "42501") {
    throw Failure(ReturnCode::kRefused, fact,
                  "the roles and their rights stand in docs/OPERATIONS.md; what must be made needs the owner: "
                  "ledgermill ledger migrate");
  }
  if (kind == "53" || kind == "40" || kind == "55" || kind == "57" || kind == "58" || sqlstate == "25006") {
    throw Failure(ReturnCode::kUnavailable, fact, "nothing half-done stays; the same command may succeed later");
  }
  throw Failure(ReturnCode::kDefect, fmt::format("{} (SQLSTATE {})", fact, sqlstate),
                "nothing half-done stays; please report this");
}

PostgresRows PostgresConnection::query(const std::string& sql, const std::vector<PostgresValue>& values) {
  std::vector<const char*> texts;
  for (const PostgresValue& value : values) texts.push_back(value ? value->c_str() : nullptr);
  auto rows = std::make_unique<PostgresRows::Handle>();
  rows->result.reset(PQexecParams(handle_->connection, sql.c_str(), static_cast<int>(texts.size()), nullptr,
                                  texts.data(), nullptr, nullptr, 0));
  const ExecStatusType status = PQresultStatus(rows->result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    const char* const state = PQresultErrorField(rows->result.get(), PG_DIAG_SQLSTATE);
    fail(state != nullptr ? state : "", one_line(rows->result != nullptr ? PQresultErrorMessage(rows->result.get())
                                                                         : PQerrorMessage(handle_->connection)));
  }
  return PostgresRows(std::move(rows));
}

void PostgresConnection::execute(const std::string& sql) {
  const Result result(PQexec(handle_->connection, sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return;
  const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  fail(state != nullptr ? state : "",
       one_line(result != nullptr ? PQresultErrorMessage(result.get()) : PQerrorMessage(handle_->connection)));
}

void PostgresConnection::begin_copy(const std::string& sql) {
  const Result result(PQexec(handle_->connection, sql.c_str()));
  if (PQresultStatus(result.get()) == PGRES_COPY_IN) return;
  const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  fail(state != nullptr ? state : "", one_line(PQerrorMessage(handle_->connection)));
}

void PostgresConnection::put_copy(std::string_view bytes) {
  // A refused row shows at the end of the COPY; here only a broken connection does.
  if (PQputCopyData(handle_->connection, bytes.data(), static_cast<int>(bytes.size())) != 1)
    fail("", one_line(PQerrorMessage(handle_->connection)));
}

std::optional<PostgresConnection::DataRefused> PostgresConnection::end_copy() {
  if (PQputCopyEnd(handle_->connection, nullptr) != 1) fail("", one_line(PQerrorMessage(handle_->connection)));
  const Result result(PQgetResult(handle_->connection));
  while (const Result rest{PQgetResult(handle_->connection)}) {
  }
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return std::nullopt;
  const char* const code = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  const std::string state = code != nullptr ? code : "";
  const std::string message =
      one_line(result != nullptr ? PQresultErrorMessage(result.get()) : PQerrorMessage(handle_->connection));
  if (state.rfind("22", 0) == 0 || state.rfind("23", 0) == 0) return DataRefused{message};
  fail(state, message);
}

PostgresTransaction::PostgresTransaction(PostgresConnection& connection) : connection_(connection) {
  connection_.execute("BEGIN");
}

PostgresTransaction::~PostgresTransaction() {
  if (!open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const Failure&) {
    // The connection is gone, and the transaction with it: the server rolls back what was not committed.
  }
}

void PostgresTransaction::commit() {
  open_ = false;
  connection_.execute("COMMIT");
}

std::string sql_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace ledgermill::ledger
