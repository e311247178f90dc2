// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "ledger/ledger.h"

namespace ledgermill::ledger {

/// The connection broke, or the server ended it: what was being done may be asked again on a new one.
class ConnectionLost : public Failure {
 public:
  using Failure::Failure;
};

/// The rows of an answer. Rows and columns count from 0.
class PostgresRows {
 public:
  struct Handle;
  explicit PostgresRows(std::unique_ptr<Handle> handle);
  PostgresRows(PostgresRows&&) noexcept;
  ~PostgresRows();

  int count() const;
  std::string text(int row, int column) const;
  std::int64_t integer(int row, int column) const;
  double real(int row, int column) const;
  bool boolean(int row, int column) const { return text(row, column) == "t"; }
  bool is_null(int row, int column) const;

 private:
  std::unique_ptr<Handle> handle_;
};

using PostgresValue = std::optional<std::string>;  ///< a parameter as text; nothing for NULL

/// One connection to a PostgreSQL server. A statement that the server refuses is a Failure whose return code follows
/// its SQLSTATE (docs/OPERATIONS.md); a broken connection is ConnectionLost (RC 12).
class PostgresConnection {
 public:
  /// Connects. Failure RC 12: not reachable; RC 8: an address that cannot be, a password that is missing or refused.
  explicit PostgresConnection(const LedgerOptions& options);
  PostgresConnection(PostgresConnection&&) noexcept;
  PostgresConnection& operator=(PostgresConnection&&) noexcept;
  ~PostgresConnection();

  /// Address for people: user, host and database, no secrets.
  std::string address() const;
  int backend_pid() const { return backend_pid_; }
  /// When the backend began, as the server writes it.
  const std::string& backend_start() const { return backend_start_; }

  PostgresRows query(const std::string& sql, const std::vector<PostgresValue>& values = {});
  /// One or more statements without parameters or rows.
  void execute(const std::string& sql);

  /// A statement of the data that the server refused (SQLSTATE classes 22 and 23): the caller looks for the record.
  struct DataRefused {
    std::string message;
  };
  /// COPY ... FROM STDIN: begin, put any number of times, end.
  void begin_copy(const std::string& sql);
  void put_copy(std::string_view bytes);
  std::optional<DataRefused> end_copy();

 private:
  struct Handle;
  [[noreturn]] void fail(const std::string& sqlstate, const std::string& message) const;
  std::unique_ptr<Handle> handle_;
  int backend_pid_ = 0;
  std::string backend_start_;
};

/// BEGIN; rolls back unless committed, as far as the connection still stands.
class PostgresTransaction {
 public:
  explicit PostgresTransaction(PostgresConnection& connection);
  PostgresTransaction(const PostgresTransaction&) = delete;
  PostgresTransaction& operator=(const PostgresTransaction&) = delete;
  ~PostgresTransaction();
  /// ConnectionLost leaves it in doubt whether it was committed.
  void commit();

 private:
  PostgresConnection& connection_;
  bool open_ = true;
};

/// A name as SQL writes it: quoted, quotes doubled.
std::string sql_identifier(std::string_view name);

}  // namespace ledgermill::ledger
