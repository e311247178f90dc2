// SPDX-License-Identifier: Apache-2.0
#include "ledger/chunk_totals.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace ledgermill::ledger {

ChunkTotals chunk_totals(const Plan& plan, const StagedChunk& chunk, std::span<const DatabaseRefusal> refusals) {
  ChunkTotals result{chunk.totals, count_reasons(chunk, plan.module_rules)};
  for (const DatabaseRefusal& refusal : refusals) {
    --result.totals.accepted;
    ++result.totals.rejected;
    std::size_t sum = 0;
    for (std::size_t f = 0; f < plan.layout.fields.size(); ++f) {
      if (!plan.layout.fields[f].is_summed()) continue;
      const std::int64_t minor = chunk.columns[f].integers.at(refusal.accepted_index);
      result.totals.sums[sum].posted.minor_units -= minor;
      result.totals.sums[sum].rejected.minor_units += minor;
      ++sum;
    }
    ++result.reasons[std::string(reason_name(ReasonCode::kDatabaseRefused))];
  }
  LM_CHECK(result.totals.imbalance().empty(), "a chunk stays in balance when records move from accepted to rejected");
  return result;
}

std::string reasons_to_json(const ReasonCounts& reasons) { return nlohmann::json(reasons).dump(); }
ReasonCounts reasons_from_json(const std::string& json) { return nlohmann::json::parse(json).get<ReasonCounts>(); }

std::string columns_of(const Layout& layout) {
  std::string text;
  for (const Field& field : layout.fields) {
    text += field.column + " " + field_type_name(field.type);
    if (field.type == FieldType::kDecimal) text += fmt::format("({},{})", field.precision, field.scale);
    text += "\n";
  }
  return text;
}

std::string one_line(std::string_view message) {
  std::string line(message.substr(0, message.find('\n')));
  if (line.rfind("ERROR:  ", 0) == 0) line.erase(0, 8);
  return line;
}

}  // namespace ledgermill::ledger
