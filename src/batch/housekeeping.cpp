// SPDX-License-Identifier: Apache-2.0
#include "batch/housekeeping.h"

#include <fmt/core.h>

#include <set>

#include "base/failure.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;

namespace {

bool has_ended(ledger::BatchState state) {
  switch (state) {
    case ledger::BatchState::kPublished:
    case ledger::BatchState::kRefused:
    case ledger::BatchState::kDiscarded:
    case ledger::BatchState::kSuperseded:
      return true;
    case ledger::BatchState::kPlanned:
    case ledger::BatchState::kLoading:
    case ledger::BatchState::kLoaded:
      return false;
  }
  return false;
}

}  // namespace

std::vector<Leftover> find_leftovers(ledger::Ledger& ledger) {
  std::vector<Leftover> leftovers;
  ledger::Ledger::ListFilter filter;
  while (true) {
    const std::vector<ledger::BatchSummary> batches = ledger.list_batches(filter);
    for (const ledger::BatchSummary& batch : batches) {
      filter.before_number = to_int(batch.number);
      const fs::path folder = fs::path(batch.rejects_root) / batch.rejects_folder;
      if (!has_ended(batch.state) || !fs::is_directory(folder)) continue;
      std::set<fs::path> named;
      for (const ledger::ChunkStatus& chunk : ledger.chunks(batch.number)) {
        if (chunk.part) named.insert(fs::path(batch.rejects_root) / chunk.part->name);
      }
      for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().extension() == ".jsonl" && !named.contains(entry.path())) {
          leftovers.push_back({entry.path(), entry.file_size(), batch.id});
        }
      }
    }
    if (batches.size() < filter.most) return leftovers;
  }
}

void remove_leftovers(const std::vector<Leftover>& leftovers) {
  for (const Leftover& leftover : leftovers) {
    std::error_code error;
    fs::remove(leftover.path, error);
    if (error) {
      throw Failure(ReturnCode::kUnavailable,
                    fmt::format("cannot remove '{}': {}", leftover.path.string(), error.message()));
    }
  }
}

}  // namespace ledgermill::batch
