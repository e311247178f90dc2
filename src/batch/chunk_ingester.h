// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "feed/chunk_reader.h"
#include "feed/definition.h"
#include "feed/source_file.h"
#include "record/plan.h"
#include "record/staged_chunk.h"
#include "rules/module_judge.h"

namespace ledgermill::batch {

/// What judges the records of a feed on this machine: its definition, and its rule module where it names one.
struct Feed {
  feed::FeedDefinition definition;
  std::optional<rules::ModuleImage> module;
};

/// Turns the bytes of a chunk into a judged, staged chunk: frame, decode, judge, sort into accepted and rejected.
/// A pure function of (bytes, definition, plan): no clock, no environment; the same input gives the same chunk.
/// Holds a judge process for the feed's rule module; used by one single-threaded process.
class ChunkIngester {
 public:
  /// All references must outlive the ingester. `check`: kNone only where nothing is posted or staged.
  /// Failure RC 8 when a pattern or the rule module cannot be used.
  ChunkIngester(const Feed& feed, const Plan& plan, const feed::SourceFile& file, feed::ByteCheck check);
  ~ChunkIngester();

  /// Called after every block with the bytes, records and rejects that it held.
  struct BlockDone {
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    std::uint64_t rejected = 0;
  };
  using OnBlock = std::function<void(const BlockDone&)>;

  /// Reads, checks and judges one chunk. Failure RC 8: other bytes than planned, a module that fails too often;
  /// RC 12: an I/O error; whatever `on_block` throws. The chunk's text views memory of the ingester: it is valid until
  /// the next call.
  StagedChunk ingest(ChunkNumber number, const OnBlock& on_block);

  /// What the judge process cost so far; all zero for a feed without a module.
  rules::JudgeCounts judge_counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill::batch
