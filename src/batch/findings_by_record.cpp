// SPDX-License-Identifier: Apache-2.0
#include "batch/findings_by_record.h"

#include <algorithm>
#include <array>

#include "record/record_block.h"

namespace ledgermill::batch {

/// Findings come a field and a judge at a time, so they are dealt out by record, not compared.
void order_findings(Findings& findings, Findings& room) {
  std::array<std::uint32_t, RecordBlock::kCapacity + 1> next{};  // place of the next finding of each record
  for (const Finding& finding : findings) ++next[finding.record + 1];
  for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  room.resize(findings.size());
  for (const Finding& finding : findings) room[next[finding.record]++] = finding;
  findings.swap(room);
  const auto same = [](const Finding& a, const Finding& b) {
    return a.record == b.record && a.reason.code == b.reason.code && a.reason.field == b.reason.field;
  };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
}

}  // namespace ledgermill::batch
