// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "batch/load.h"
#include "feed/survey.h"
#include "tests/support/files.h"

namespace ledgermill::testing {

/// A feed of two string columns and an amount, without a rule module. `more` is added at the definition's top level.
inline feed::FeedDefinition small_definition(const std::string& more = "") {
  return feed::parse_definition("feed: small\n" + more + R"yaml(
schema:
  fields:
    - {name: a, type: string}
    - {name: b, type: string}
    - {name: n, type: "decimal(12,2)"}
)yaml",
                                "small.yaml");
}

inline batch::Feed transactions() {
  return batch::prepare_feed(feed::load_definition(LM_SOURCE_DIR "/feeds/transactions.yaml"),
                             {{LM_SOURCE_DIR "/cobol/programs"}, LM_BINARY_DIR "/cache/ledgermill"});
}

/// A file judged in this process.
struct Judged {
  Plan plan;
  std::vector<StagedChunk> chunks;  ///< each owns its bytes

  std::uint64_t records() const {
    std::uint64_t sum = 0;
    for (const StagedChunk& chunk : chunks) sum += chunk.totals.records;
    return sum;
  }
  /// "2: type-error n; 5: quote-error" of all rejects, by record number.
  std::string rejects() const;
  ControlTotals totals() const;
};

inline Judged judge(const batch::Feed& feed, const std::filesystem::path& path, std::uint32_t chunk_bytes = 1U << 20) {
  const feed::SourceFile file(path);
  feed::SurveyOptions options;
  options.chunk_bytes = chunk_bytes;
  Judged judged;
  judged.plan = feed::survey(file, feed.definition, options);
  if (feed.module) judged.plan.module = feed.module->digest;
  batch::ChunkIngester ingester(feed, judged.plan, file, feed::ByteCheck::kDigest);
  for (const ChunkPlan& chunk : judged.plan.chunks) {
    const auto bytes = batch::pack(ingester.ingest(chunk.number, {}), batch::PackRows::kIncluded);
    judged.chunks.push_back(batch::unpack(bytes));
  }
  return judged;
}

inline Judged judge_text(const feed::FeedDefinition& definition, std::string_view text,
                         std::uint32_t chunk_bytes = 1U << 20) {
  const TempFolder folder;
  return judge({definition, std::nullopt}, folder.write("feed.csv", text), chunk_bytes);
}

inline std::string Judged::rejects() const {
  std::string text;
  for (const StagedChunk& chunk : chunks) {
    for (const StagedReject& reject : chunk.rejects) {
      text += (text.empty() ? "" : "; ") + std::to_string(plan.chunk(chunk.number).first_record + reject.record) + ":";
      for (std::uint32_t r = 0; r < reject.reasons; ++r) {
        const Reason& reason = chunk.reasons[reject.first_reason + r];
        const std::string_view constraint = reason_constraint(reason.code);
        text += " " + std::string(is_module_rule(reason.code) ? plan.module_rules[module_rule_index(reason.code)].code
                                  : constraint.empty()        ? std::string(reason_name(reason.code))
                                                              : std::string(constraint));
        if (reason.field != kNoField) text += "(" + plan.layout.fields[reason.field].name + ")";
      }
    }
  }
  return text;
}

inline ControlTotals Judged::totals() const {
  ControlTotals totals = ControlTotals::zero(plan.layout);
  for (const StagedChunk& chunk : chunks) totals += chunk.totals;
  return batch::with_head(totals, plan);
}

}  // namespace ledgermill::testing
