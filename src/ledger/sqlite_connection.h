// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "record/amount.h"

namespace ledgermill::ledger {

/// A record that a constraint of the database refused: the caller branches on it.
struct ConstraintError {
  std::string message;
};

/// A prepared statement. Parameters count from 1, columns from 0.
class SqliteStatement {
 public:
  struct Handle;
  explicit SqliteStatement(std::unique_ptr<Handle> handle);
  SqliteStatement(SqliteStatement&&) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) noexcept;
  ~SqliteStatement();

  void bind(int index, std::int64_t value);
  void bind(int index, double value);
  /// `text` must live until the statement is run.
  void bind(int index, std::string_view text);
  void bind_null(int index);

  /// Runs to the next row; false at the end, where the statement is ready to be bound and run again.
  bool step();
  /// Runs a statement without rows. Nothing on success; a constraint that refused it otherwise.
  std::optional<ConstraintError> run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  /// The column of an `exact_sum(x)`: this connection's aggregate, which sums integers in 128 bits. SQLite's own sum()
  /// fails beyond 64. NULL counts as 0; no row gives 0.
  Int128 sum(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  std::unique_ptr<Handle> handle_;
};

/// A connection to a SQLite file. Every error is a Failure: RC 12 for busy, disk full and I/O errors; RC 8 for a file
/// that is no database; RC 16 for a statement of ours that is wrong.
class SqliteConnection {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadWriteCreate, kReadOnly };
  SqliteConnection(const std::filesystem::path& path, Mode mode);
  ~SqliteConnection();

  SqliteStatement prepare(std::string_view sql);
  /// One or more statements without parameters or rows.
  void execute(const std::string& sql);
  std::int64_t changed_rows() const;
  std::int64_t last_insert_id() const;

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// BEGIN IMMEDIATE; rolls back unless committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteConnection& connection);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  void commit();

 private:
  SqliteConnection& connection_;
  bool open_ = true;
};

}  // namespace ledgermill::ledger
