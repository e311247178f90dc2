// SPDX-License-Identifier: Apache-2.0
#include "record/staged_chunk.h"

#include <algorithm>
#include <array>

namespace ledgermill {

ReasonCounts count_reasons(const StagedChunk& chunk, const std::vector<ModuleRule>& module_rules) {
  ReasonCounts counts;
  std::vector<ReasonCode> codes;  // of one record, once each
  std::map<ReasonCode, std::uint64_t> by_code;
  for (const StagedReject& reject : chunk.rejects) {
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
      ++by_code[code];
    }
  }
  for (const auto& [code, count] : by_code) {
    counts[is_module_rule(code) ? module_rules.at(module_rule_index(code)).code : std::string(reason_name(code))] +=
        count;
  }
  return counts;
}

}  // namespace ledgermill
