// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "record/batch_id.h"
#include "record/plan.h"
#include "record/reject_part.h"
#include "record/staged_chunk.h"

namespace ledgermill::reject {

/// Where the parts of a batch lie.
struct PartPlace {
  std::filesystem::path root;
  std::string folder;  ///< relative to `root`; the batch's alone
};

/// Writes the rejects of a chunk, and the database's refusals among them, in record order: sequentially, once, fsynced
/// and closed with the result checked; no rename, append or overwrite. Nothing is written, and nothing returned, when
/// there are no rejects. Where a part of that name is there (of a ledger brought back from a backup), the new one gets
/// another. Failure (RC 12): disk full, I/O error.
std::optional<RejectPart> write_part(const PartPlace& place, const Plan& plan, const BatchId& batch,
                                     const StagedChunk& chunk, std::uint64_t epoch,
                                     std::span<const DatabaseRefusal> refusals);

/// One reject as a line of the log, without line end. Values of sensitive fields are masked.
std::string render(const Plan& plan, const BatchId& batch, const StagedChunk& chunk, const StagedReject& reject);

/// A reason as read back from the log.
struct LoggedReason {
  std::string code, field, value, message, constraint;
};
/// A reject as read back from the log.
struct LoggedReject {
  std::string timestamp, file, row, reason, classification, ingested_file, batch, file_sha256;
  std::uint64_t record_number = 0, line = 0, byte_offset = 0, length = 0;
  std::vector<LoggedReason> reasons;
  std::string raw;       ///< the record's bytes: `row`, or decoded from `row_base64`
  bool complete = true;  ///< false: `row` is a prefix, or masked
  std::string json;      ///< the line itself
};

/// Reads a part back, line by line. Failure (RC 8), naming the part, when count, size or SHA-256 are not those of
/// `part`, or a line is no reject. Returns false from `take` to stop early.
void read_part(const std::filesystem::path& root, const RejectPart& part,
               const std::function<bool(LoggedReject&&)>& take);

/// Which rejects are wanted: those with a reason of this code and field; "" for any.
struct RejectFilter {
  std::string code, field;
};
struct RejectPage {
  std::vector<LoggedReject> rejects;
  std::uint64_t next_byte = 0;  ///< where the next page begins; the part's size at its end
};
/// A page of a part, from the line that begins at `from_byte` on: at most `most` rejects, and at most `most_bytes` are
/// looked at (a page may be empty and not the last). The part's size is compared with the ledger's, its SHA-256 is not:
/// that is `verify`'s. Failure (RC 8): another size, no line begins there, a line that is no reject.
RejectPage read_page(const std::filesystem::path& root, const RejectPart& part, std::uint64_t from_byte,
                     std::size_t most, const RejectFilter& filter, std::uint64_t most_bytes = 4U << 20);

/// The reject of one record, found by halving: lines stand in record order. Failure as `read_page`.
std::optional<LoggedReject> find_reject(const std::filesystem::path& root, const RejectPart& part, RecordNumber record);

}  // namespace ledgermill::reject
