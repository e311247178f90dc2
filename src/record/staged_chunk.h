// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "record/chunk_text.h"
#include "record/control_totals.h"
#include "record/plan.h"
#include "record/reason.h"
#include "record/record_block.h"

namespace ledgermill {

/// An accepted record of a chunk: where it stands. Its values are in the columns, at the same index.
struct StagedRecord {
  std::uint32_t record = 0;  ///< from the chunk's first record (0)
  Frame frame;
};

/// A rejected record of a chunk, with all its reasons.
struct StagedReject {
  std::uint32_t record = 0;        ///< from the chunk's first record (0)
  Frame frame;                     ///< `frame.length` bytes are in the chunk's text ...
  std::uint64_t length = 0;        ///< ... of `length` bytes in the file (more only for a record-too-long)
  std::uint32_t first_reason = 0;  ///< in StagedChunk::reasons
  std::uint32_t reasons = 0;
};

/// The values of one field of all accepted records. Exactly one of the vectors is used, by the field's type.
struct StagedColumn {
  std::vector<FieldState> states;      ///< kMissing or kValid
  std::vector<std::int64_t> integers;  ///< kInteger, kDecimal, kDatetime
  std::vector<BusinessDate> dates;     ///< kDate
  std::vector<std::int8_t> booleans;   ///< kBoolean
  std::vector<TextRef> texts;          ///< kString
};

/// A chunk, judged: what ingest makes and post takes. A value: depends on nothing but the chunk's bytes, the
/// definition and the plan.
struct StagedChunk {
  ChunkNumber number{};
  ChunkText text;  ///< `source` views bytes owned elsewhere, or `owned_source`
  std::vector<char> owned_source;
  std::vector<StagedRecord> accepted;
  std::vector<StagedColumn> columns;  ///< one for each field of the layout
  std::vector<StagedReject> rejects;  ///< by record
  std::vector<Reason> reasons;
  ControlTotals totals;

  StagedChunk() = default;
  StagedChunk(StagedChunk&&) = default;
  StagedChunk& operator=(StagedChunk&&) = default;
};

/// Rejects by public code name, each record counted once for each of its codes.
using ReasonCounts = std::map<std::string, std::uint64_t>;
ReasonCounts count_reasons(const StagedChunk& chunk, const std::vector<ModuleRule>& module_rules);

}  // namespace ledgermill
