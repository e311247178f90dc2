// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "record/plan.h"
#include "record/staged_chunk.h"

namespace ledgermill::ledger {

/// Encodes accepted records in PostgreSQL's binary COPY format (PostgreSQL documentation, "COPY", section "Binary
/// Format"): batch, record number, then the layout's columns.
class CopyEncoder {
 public:
  /// All references must outlive the encoder.
  CopyEncoder(BatchNumber batch, const Plan& plan, const StagedChunk& chunk);

  /// The signature and header that begin a COPY, and the trailer that ends it.
  static void append_header(std::string& out);
  static void append_trailer(std::string& out);
  /// Record `i` of StagedChunk::accepted.
  void append_row(std::string& out, std::size_t i) const;

 private:
  void append_field(std::string& out, std::size_t field, std::size_t i) const;

  BatchNumber batch_;
  const Plan& plan_;
  const StagedChunk& chunk_;
  std::uint64_t first_record_;
};

/// A decimal as PostgreSQL's binary `numeric`: groups of four digits around the point (numeric_send in its sources).
void append_numeric(std::string& out, std::int64_t minor_units, unsigned scale);

}  // namespace ledgermill::ledger
