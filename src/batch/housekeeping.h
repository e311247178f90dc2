// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace ledgermill::batch {

/// A reject part that no chunk of the ledger names: what a dead or beaten attempt left behind. It counts for nothing.
struct Leftover {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  BatchId batch;
};

/// Leftovers of the batches in this ledger that have ended; folders that the ledger does not know are not looked at.
std::vector<Leftover> find_leftovers(ledger::Ledger& ledger);

/// Removes them. Failure (RC 12) at the first that cannot be removed.
void remove_leftovers(const std::vector<Leftover>& leftovers);

}  // namespace ledgermill::batch
