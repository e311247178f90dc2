// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "enrich/definition.h"
#include "feed/definition.h"
#include "record/plan.h"

namespace ledgermill::batch {

/// Totals of groups of records, e.g. of customers, as a COBOL step added them up: a record's decision is made on its
/// group's totals instead of its own values. Held in memory, about 150 bytes a group.
class RecordTotals {
 public:
  /// Reads the whole file. `records` is the feed that is enriched, `totals` the one that the file belongs to. Failure
  /// RC 8: fields that do not fit, a record that the totals' feed rejects, a group that stands there twice: a file that
  /// is partly wrong is not believed at all.
  RecordTotals(const enrich::EnrichmentDefinition& definition, const feed::FeedDefinition& records,
               const feed::FeedDefinition& totals, const std::filesystem::path& file, Timestamp now);

  /// What the module is shown instead, in the order of the definition's `instead`; nullptr: the group has no totals.
  const std::vector<std::int64_t>* find(const std::vector<std::string_view>& cells) const;
  /// Place in the definition's `reads` of each value.
  const std::vector<std::size_t>& reads() const { return reads_; }
  const Digest& file_digest() const { return file_; }

 private:
  std::vector<std::size_t> by_;  ///< fields of a record's feed
  std::vector<std::size_t> reads_;
  std::unordered_map<std::string, std::vector<std::int64_t>> totals_;
  Digest file_;
};

}  // namespace ledgermill::batch
