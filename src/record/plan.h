// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "record/batch_id.h"
#include "record/business_date.h"
#include "record/control_totals.h"
#include "record/layout.h"
#include "record/rule_module.h"

namespace ledgermill {

/// The identity of a feed file: what it is, not where it lies.
struct FileIdentity {
  std::string name;  ///< without folders
  Digest sha256;
  std::uint64_t bytes = 0;
};

/// How many rejects a batch may have and still be published.
struct RejectLimits {
  std::optional<std::uint64_t> most_rejects;
  std::optional<std::uint32_t> most_rejects_ppm;  ///< of the records, in parts per million: 0.05 is 50000
};

/// What the sender said the file holds.
struct DeclaredTotals {
  std::optional<std::uint64_t> records;
  std::optional<std::string> sum_field;  ///< label; the feed's only summed field when absent
  std::optional<std::string> sum;        ///< decimal text
};

/// How bytes split into records.
enum class FramingKind : std::uint8_t {
  kLines,  ///< a line end behind each record
  kFixed,  ///< records of one length, nothing between them
};

/// How many bytes a chunk has unless told otherwise. Measured on 5,000,000 records into PostgreSQL, two workers: 4 MiB
/// take 5.3 s, 8 MiB 5.7 s (at the end one worker has nothing left to do for as long as a chunk takes).
constexpr std::uint32_t kDefaultChunkBytes = 4U << 20;

/// A byte range of a feed file, aligned to records: the unit of work and of commit.
struct ChunkPlan {
  ChunkNumber number{};
  std::uint64_t first_byte = 0;
  std::uint64_t bytes = 0;
  std::uint64_t first_record = 1;  ///< RecordNumber of its first record
  std::uint64_t records = 0;
  std::uint64_t first_line = 1;  ///< physical line of its first byte, from 1; fixed framing: each record counts as one
  Digest sha256;                 ///< of its bytes
  /// A single record longer than the feed's max_record_bytes: never loaded, one reject.
  bool oversize = false;
};

/// All that a chunk cannot know of itself. Stored once, before work begins; reused by every later run.
struct Plan {
  std::string feed;
  std::string table;  ///< the view that readers use, and the stem of the target table; an SQL name
  FileIdentity file;
  std::optional<BusinessDate> business_date;
  Digest definition;             ///< of the feed definition's bytes
  std::optional<Digest> module;  ///< of the rule module, where the feed has one
  Timestamp planned_at;          ///< the time in every reject of the batch

  FramingKind framing = FramingKind::kLines;  ///< whether records that are written out again have line ends
  std::uint32_t record_bytes = 0;             ///< what every record must have; 0 where the length is free
  Layout layout;
  std::vector<ModuleRule> module_rules;
  RejectLimits limits;
  DeclaredTotals declared;

  std::string header;                      ///< the header's bytes with its line end; "" without a header
  std::vector<std::uint16_t> cell_fields;  ///< field index of each cell of a record, in the file's order
  SkippedSpans head;                       ///< before the first chunk: byte-order mark, preamble, header
  std::vector<ChunkPlan> chunks;           ///< contiguous, from the end of `head` to the end of the file
  std::uint64_t records = 0;

  /// "ingested-2025-03-30-22-25-02-<first 12 digits of the file's digest>": stem of the staged files' names.
  std::string staged_stem() const;
  const ChunkPlan& chunk(ChunkNumber number) const { return chunks.at(to_int(number) - 1); }
};

/// The plan as JSON text (docs/formats/plan.md), and back. `plan_from_json` throws Failure (RC 8) on text that is no
/// plan, or of a later format version.
std::string plan_to_json(const Plan& plan);
Plan plan_from_json(std::string_view json);

/// Control totals as JSON text, for the ledger's rows, and back.
std::string totals_to_json(const ControlTotals& totals);
ControlTotals totals_from_json(std::string_view json);

}  // namespace ledgermill
