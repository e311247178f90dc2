// SPDX-License-Identifier: Apache-2.0
#include "batch/record_totals.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/failure.h"
#include "feed/chunk_reader.h"
#include "feed/source_file.h"
#include "feed/survey.h"
#include "rules/constraint_judge.h"

namespace ledgermill::batch {

namespace {

using enrich::EnrichmentDefinition;

std::size_t field_of(const feed::FeedDefinition& feed, const std::string& label,
                     const EnrichmentDefinition& definition) {
  if (const auto found = feed.layout.find(label)) return *found;
  throw Failure(ReturnCode::kRefused,
                fmt::format("the totals of enrichment '{}' name the field '{}', which feed '{}' does not have",
                            definition.name, label, feed.name),
                fmt::format("mend {}", definition.path.string()));
}

/// Bytes that no cell of a line holds part the cells, so "ab", "c" is another group than "a", "bc".
void add_to_key(std::string& key, std::string_view cell) {
  key += cell;
  key += '\n';
}

std::size_t total_of(const feed::FeedDefinition& totals, const enrich::Decision::Totals::Instead& instead,
                     const enrich::Decision::Read& read, const EnrichmentDefinition& definition) {
  const std::size_t index = field_of(totals, instead.total, definition);
  const Field& field = totals.layout.fields[index];
  const std::uint8_t scale = field.type == FieldType::kDecimal ? field.scale : std::uint8_t{0};
  if (field.is_number() && scale == read.scale) return index;
  throw Failure(ReturnCode::kRefused,
                fmt::format("'{}' of feed '{}' is no number with {} decimals, as {} is written for", instead.total,
                            totals.name, read.scale, definition.decision.program),
                fmt::format("mend {}", definition.path.string()));
}

}  // namespace

RecordTotals::RecordTotals(const EnrichmentDefinition& definition, const feed::FeedDefinition& records,
                           const feed::FeedDefinition& totals, const std::filesystem::path& path, Timestamp now) {
  const enrich::Decision::Totals& wanted = *definition.decision.totals;
  std::vector<std::size_t> by;
  for (const std::string& label : wanted.by) {
    by_.push_back(field_of(records, label, definition));
    by.push_back(field_of(totals, label, definition));
  }
  std::vector<std::size_t> values;
  for (const auto& instead : wanted.instead) {
    const auto& reads = definition.decision.reads;
    const auto read =
        std::find_if(reads.begin(), reads.end(), [&](const auto& one) { return one.field == instead.field; });
    reads_.push_back(static_cast<std::size_t>(read - reads.begin()));
    values.push_back(total_of(totals, instead, *read, definition));
  }
  const feed::SourceFile file(path);
  feed::SurveyOptions options;
  options.now = now;
  const Plan plan = feed::survey(file, totals, options);
  file_ = plan.file.sha256;
  RecordBlock block(totals.layout, false);
  rules::ConstraintJudge constraints(totals.layout);
  std::vector<char> bytes;
  for (const ChunkPlan& chunk : plan.chunks) {
    feed::read_chunk(file, chunk, feed::ByteCheck::kDigest, bytes);
    ChunkText text;
    text.source = {bytes.data(), bytes.size()};
    feed::ChunkReader reader(totals, plan, chunk, text);
    Findings findings;
    while (!chunk.oversize && reader.next(block, findings)) {
      constraints.judge(block, text, findings);
      const auto refuse = [&](std::uint32_t record, const char* why) {
        throw Failure(ReturnCode::kRefused,
                      fmt::format("{}:{}: {}", path.string(), chunk.first_line + block.frames()[record].line, why),
                      fmt::format("it must be a file of feed '{}', one record a group", totals.name));
      };
      if (!findings.empty()) refuse(findings.front().record, "this record of the totals is not as its feed says");
      for (std::uint32_t i = 0; i < block.size(); ++i) {
        std::string key;
        for (const std::size_t field : by) add_to_key(key, text.at(block.texts(field)[i]));
        std::vector<std::int64_t>& of_group = totals_[key];
        if (!of_group.empty()) refuse(i, "this group has totals already");
        for (const std::size_t field : values) of_group.push_back(block.integers(field)[i]);
      }
    }
    if (chunk.oversize)
      throw Failure(ReturnCode::kRefused,
                    fmt::format("{}:{}: the record is too long", path.string(), chunk.first_line));
  }
}

const std::vector<std::int64_t>* RecordTotals::find(const std::vector<std::string_view>& cells) const {
  std::string key;
  for (const std::size_t field : by_) add_to_key(key, cells[field]);
  const auto found = totals_.find(key);
  return found == totals_.end() ? nullptr : &found->second;
}

}  // namespace ledgermill::batch
