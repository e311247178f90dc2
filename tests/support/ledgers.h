// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdlib>

#include "ledger/ledger.h"
#include "ledger/postgres_connection.h"
#include "ledger/sqlite_connection.h"
#include "tests/support/files.h"

namespace ledgermill::testing {

enum class LedgerKind { kSqlite, kPostgres };

inline const char* test_postgres() { return std::getenv("LEDGERMILL_TEST_POSTGRES"); }

/// An empty database of the test's own, with a way past the ledger, to look and to break.
class TestDatabase {
 public:
  explicit TestDatabase(LedgerKind kind) : kind_(kind) {
    if (kind == LedgerKind::kSqlite) {
      url_ = "sqlite:" + (folder_ / "ledger.db").string();
      return;
    }
    static std::atomic<int> count{0};
    name_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    ledger::PostgresConnection(options(test_postgres())).execute("CREATE DATABASE " + name_);
    url_ = test_postgres();
    url_.replace(url_.find("/ledger?"), 8, "/" + name_ + "?");
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase() {
    if (kind_ == LedgerKind::kPostgres)
      ledger::PostgresConnection(options(test_postgres())).execute("DROP DATABASE " + name_ + " WITH (FORCE)");
  }

  LedgerKind kind() const { return kind_; }
  const std::string& url() const { return url_; }
  const TempFolder& folder() const { return folder_; }

  ledger::LedgerOptions options(const std::string& url, std::chrono::seconds lease = std::chrono::seconds(60)) const {
    ledger::LedgerOptions made;
    made.url = url;
    made.host = "test";
    made.lease = lease;
    return made;
  }
  std::unique_ptr<ledger::Ledger> open(std::chrono::seconds lease = std::chrono::seconds(60)) const {
    return ledger::open_ledger(options(url_, lease));
  }

  /// Runs SQL as the owner. Tables of the ledger are written ledger.NAME.
  void execute(std::string sql) const {
    resolve(sql);
    if (kind_ == LedgerKind::kPostgres)
      ledger::PostgresConnection(options(url_)).execute(sql);
    else
      ledger::SqliteConnection(folder_ / "ledger.db", ledger::SqliteConnection::Mode::kReadWrite).execute(sql);
  }
  std::string scalar(std::string sql) const {
    resolve(sql);
    if (kind_ == LedgerKind::kPostgres) {
      ledger::PostgresConnection connection(options(url_));
      connection.execute("SET search_path = public");
      return connection.query(sql).text(0, 0);
    }
    ledger::SqliteConnection connection(folder_ / "ledger.db", ledger::SqliteConnection::Mode::kReadWrite);
    auto row = connection.prepare(sql);
    return row.step() ? row.text(0) : "no row";
  }

 private:
  void resolve(std::string& sql) const {
    for (auto at = sql.find("ledger."); at != std::string::npos; at = sql.find("ledger.", at + 10))
      sql.replace(at, 7, kind_ == LedgerKind::kPostgres ? "ledgermill." : "");
  }

  LedgerKind kind_;
  TempFolder folder_;
  std::string name_;
  std::string url_;
};

}  // namespace ledgermill::testing
