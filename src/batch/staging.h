// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "record/plan.h"
#include "record/staged_chunk.h"

namespace ledgermill::batch {

/// Whether the accepted rows travel with a packed chunk, or only totals, rejects and their reasons.
enum class PackRows : std::uint8_t { kIncluded, kOmitted };

/// A chunk as bytes (docs/formats/staged-chunk.md), and back. The same chunk gives the same bytes.
std::vector<std::byte> pack(const StagedChunk& chunk, PackRows rows);
/// Failure (RC 8) on bytes that are no packed chunk; every count and place in them is checked.
StagedChunk unpack(std::span<const std::byte> bytes);

/// Writes the plan to `folder` unless it is there, and returns the one that is there: several processes that stage one
/// file agree on one plan. Failure RC 8: the plan there is of another definition or module; RC 12: cannot write.
Plan stage_plan(const std::filesystem::path& folder, const Plan& plan);

/// The chunk, where it is staged whole in `folder`. Failure (RC 12) on an I/O error.
std::optional<StagedChunk> find_chunk(const std::filesystem::path& folder, const Plan& plan, ChunkNumber number);

/// Writes a judged chunk to `folder`: a new file, sequentially, synced and closed with the result checked; no rename,
/// no append, no overwrite, so that a mounted object store serves. What a crashed attempt left half-written stays and
/// counts for nothing: a reader takes any file of the chunk whose trailer verifies.
void stage_chunk(const std::filesystem::path& folder, const Plan& plan, const StagedChunk& chunk);

/// A plan found among staged files, with the chunks that are there.
struct StagedSet {
  std::filesystem::path plan_file;
  Plan plan;
  std::map<ChunkNumber, std::vector<std::filesystem::path>> chunks;  ///< one or more attempts each

  std::vector<ChunkNumber> missing() const;
};

/// The sets among `paths`: folders, plan files, staged chunks (whose plan must lie in the same folder), in the order of
/// their plan files' names. Failure RC 8: a path that is none of these, a plan that cannot be read, nothing found.
std::vector<StagedSet> find_staged(const std::vector<std::filesystem::path>& paths);

/// Reads a chunk back and checks it: trailer, digest, and that it belongs to the plan. Failure RC 8 when no attempt of
/// it is whole.
StagedChunk read_staged(const StagedSet& set, ChunkNumber number);

/// A staged chunk by its path, for people; `plan` is the one that lies beside it.
struct StagedView {
  Plan plan;
  StagedChunk chunk;
};
StagedView view_staged(const std::filesystem::path& path);

}  // namespace ledgermill::batch
