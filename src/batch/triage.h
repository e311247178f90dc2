// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "batch/chunk_ingester.h"
#include "ledger/ledger.h"
#include "triage/reject_groups.h"
#include "triage/verdict.h"

namespace ledgermill::batch {

struct TriageOptions {
  std::optional<Timestamp> since;  ///< only batches planned at this time or later
  std::string batch;               ///< only this one (as `Ledger::find_batch` takes it); "" for all
  std::string feed;                ///< "" for all
  std::filesystem::path scratch;   ///< folder for the trial files; each is removed again
  std::size_t most_groups = 40;    ///< how many of the largest groups get fixes tried; the others are counted only
  Timestamp now;
};

struct TriagedGroup {
  triage::Group group;
  std::optional<triage::Verdict> verdict;  ///< nothing where no fixes were tried
  std::string why_not;                     ///< then: why
};

struct TriageReport {
  std::uint64_t batches = 0;  ///< with rejects
  std::uint64_t rejects = 0;
  std::vector<TriagedGroup> groups;  ///< largest first
};

/// The feed of this name as it is judged on this machine now. Failure (RC 8) where there is none.
using FindFeed = std::function<Feed(const std::string& name)>;

/// Groups the rejects of the batches asked for, and tries fixes on samples of each group with the validator of the
/// feed itself: framing, decoding, constraints and its COBOL module. Reads ledger and reject log; changes nothing.
/// Discarded batches are left out. Failures as of `read_part` and `check_file`.
TriageReport triage_rejects(ledger::Ledger& ledger, const FindFeed& find_feed, const TriageOptions& options);

}  // namespace ledgermill::batch
