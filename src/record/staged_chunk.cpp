// SPDX-License-Identifier: Apache-2.0
#include "record/staged_chunk.h"

#include <algorithm>
#include <array>

namespace ledgermill {

ReasonCounts count_reasons(const StagedChunk& chunk, const std::vector<ModuleRule>& module_rules) {
  ReasonCounts counts;
  std::vector<ReasonCode> codes;  // of one record, once each
  // Looked up with at(): a chunk read from a file may name a rule that the plan does not have.
  std::vector<std::uint64_t> by_code(static_cast<std::size_t>(module_rule(module_rules.size())));
  for (const StagedReject& reject : chunk.rejects) {
    if (reject.reasons == 1) {  // as nearly always
      ++by_code.at(static_cast<std::size_t>(chunk.reasons[reject.first_reason].code));
      continue;
    }
    codes.clear();
    for (std::uint32_t i = 0; i < reject.reasons; ++i) codes.push_back(chunk.reasons[reject.first_reason + i].code);
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
    bool constraint_counted = false;  // seven codes share one public name
    for (const ReasonCode code : codes) {
      if (!reason_constraint(code).empty()) {
        if (constraint_counted) continue;
        constraint_counted = true;
      }
      ++by_code.at(static_cast<std::size_t>(code));
    }
  }
  for (std::size_t i = 0; i < by_code.size(); ++i) {
    if (by_code[i] == 0) continue;
    const auto code = static_cast<ReasonCode>(i);
    counts[is_module_rule(code) ? module_rules[module_rule_index(code)].code : std::string(reason_name(code))] +=
        by_code[i];
  }
  return counts;
}

}  // namespace ledgermill
