// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "feed/definition.h"
#include "feed/fixed_framer.h"
#include "feed/source_file.h"
#include "record/chunk_text.h"
#include "record/plan.h"
#include "record/reason.h"
#include "record/record_block.h"

namespace ledgermill::feed {

/// Whether bytes read are held against the plan's digest of the chunk. Whatever is posted or staged was (design,
/// invariant 10); a survey without chunk digests leaves nothing to hold them against.
enum class ByteCheck : std::uint8_t { kDigest, kNone };

/// Reads a chunk's bytes. Failure (RC 8) when they are other bytes than those surveyed. Of an oversize chunk all bytes
/// are checked, but only the first 64 KiB returned. `bytes` is resized; its capacity is kept from chunk to chunk.
void read_chunk(const SourceFile& file, const ChunkPlan& chunk, ByteCheck check, std::vector<char>& bytes);

/// Frames and decodes the records of one chunk, block by block: form only (quotes, cells, types), no constraints.
class ChunkReader {
 public:
  /// All references must outlive the reader. `text.source` holds the chunk's bytes; cells that must be rewritten are
  /// appended to `text.rewritten`.
  ChunkReader(const FeedDefinition& definition, const Plan& plan, const ChunkPlan& chunk, ChunkText& text);
  ~ChunkReader();

  /// Fills `block` with the next records, at most its capacity, and appends to `findings` why a record or a cell
  /// cannot be decoded. False when there are none left. A record that has no cells to speak of (quote error, NUL,
  /// not text, wrong number of cells) has every field kInvalid, and one finding for the whole record;
  /// cells that can be read in spite of a wrong number of cells are decoded nevertheless.
  bool next(RecordBlock& block, Findings& findings);

  /// Spans of the chunk that were no records, and bytes covered by records (line ends included), so far.
  const SkippedSpans& skipped() const;
  std::uint64_t record_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill::feed
