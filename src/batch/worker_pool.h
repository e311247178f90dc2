// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "record/batch_id.h"

namespace ledgermill::batch {

/// Worker processes. The calling process must be single-threaded; a worker inherits what the caller has open, uses none
/// of it but what it is given, and ends by _exit.
///
/// A worker that dies is replaced; one that dies again and again on the same work ends the run (Failure, RC 16).
/// A Failure in a worker is rethrown in the parent, after the other workers were stopped.

/// Work on one chunk, in a worker: the bytes are handed to the parent.
using ChunkWork = std::function<std::vector<std::byte>(ChunkNumber)>;
/// Makes a worker's ChunkWork; called once in each worker process.
using MakeChunkWork = std::function<ChunkWork()>;

struct ChunkFlow {
  std::function<std::optional<ChunkNumber>()> next;                   ///< in the parent; nothing: no more chunks
  std::function<void(ChunkNumber, std::span<const std::byte>)> take;  ///< in the parent, as chunks come back
  std::function<void()> tick;                                         ///< in the parent, some times a second
};

/// The parent deals chunks to `workers` processes and takes their results in the order in which they end.
void deal_chunks(unsigned workers, const MakeChunkWork& make_work, const ChunkFlow& flow);

/// Runs `body` in `workers` processes side by side until each has returned. For workers that claim from the ledger
/// themselves. `tick` runs in the parent some times a second. SIGTERM to the parent is passed on.
void run_workers(unsigned workers, const std::function<void()>& body, const std::function<void()>& tick);

/// Processors this process may use (affinity and cgroup limit), at least 1.
unsigned usable_processors();

}  // namespace ledgermill::batch
