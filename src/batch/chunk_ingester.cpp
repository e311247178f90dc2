// SPDX-License-Identifier: Apache-2.0
#include "batch/chunk_ingester.h"

#include <algorithm>

#include "base/check.h"
#include "batch/findings_by_record.h"
#include "feed/chunk_reader.h"
#include "rules/constraint_judge.h"

namespace ledgermill::batch {

namespace {

/// Appends the elements of `from` whose record has no finding to `to`. `rejected` holds the records that have one.
template <class T>
void append_accepted(std::vector<T>& to, std::span<const T> from, std::size_t records,
                     const std::vector<std::uint32_t>& rejected) {
  std::size_t begin = 0;
  for (const std::uint32_t reject : rejected) {
    if (begin < reject) to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(begin), from.begin() + reject);
    begin = reject + 1;
  }
  to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
            from.begin() + static_cast<std::ptrdiff_t>(records));
}

void append_column(StagedColumn& to, const RecordBlock& block, std::size_t field,
                   const std::vector<std::uint32_t>& rejected) {
  append_accepted(to.states, block.states(field), block.size(), rejected);
  switch (block.layout().fields[field].type) {
    case FieldType::kInteger:
    case FieldType::kDecimal:
    case FieldType::kDatetime:
      return append_accepted(to.integers, block.integers(field), block.size(), rejected);
    case FieldType::kDate:
      return append_accepted(to.dates, block.dates(field), block.size(), rejected);
    case FieldType::kBoolean:
      return append_accepted(to.booleans, block.booleans(field), block.size(), rejected);
    case FieldType::kString:
      return append_accepted(to.texts, block.texts(field), block.size(), rejected);
  }
}

/// Adds a column's control totals. A cell that broke a constraint was readable, but its value is no longer known to
/// the block (its state is kInvalid): it counts as unreadable, like one that has no number in it.
void add_sum(FieldSum& sum, const RecordBlock& block, std::size_t field, const std::vector<std::uint32_t>& rejected) {
  const auto states = block.states(field);
  const auto values = block.integers(field);
  ExactSum of_rejected;
  for (const std::uint32_t record : rejected) {
    if (states[record] == FieldState::kValid) of_rejected.add(values[record]);
    if (states[record] == FieldState::kInvalid) ++sum.unreadable;
  }
  ExactSum of_all;
  std::int64_t partial = 0;  // of few enough 18-digit amounts that it cannot overflow
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (states[i] == FieldState::kValid) partial += values[i];
    if ((i & 7) == 7) {
      of_all.add(partial);
      partial = 0;
    }
  }
  of_all.add(partial);
  sum.in += of_all;
  sum.rejected += of_rejected;
  of_all.minor_units -= of_rejected.minor_units;
  sum.posted += of_all;
}

StagedChunk empty_chunk(const Plan& plan, const ChunkPlan& chunk) {
  StagedChunk staged;
  staged.number = chunk.number;
  staged.columns.resize(plan.layout.fields.size());
  staged.totals = ControlTotals::zero(plan.layout);
  staged.totals.bytes = chunk.bytes;
  return staged;
}

/// The vectors of all accepted records are sized once, for the most they can hold.
void reserve(StagedChunk& staged, const Plan& plan, std::size_t records) {
  staged.accepted.reserve(records);
  for (std::size_t f = 0; f < plan.layout.fields.size(); ++f) {
    StagedColumn& column = staged.columns[f];
    column.states.reserve(records);
    switch (plan.layout.fields[f].type) {
      case FieldType::kInteger:
      case FieldType::kDecimal:
      case FieldType::kDatetime:
        column.integers.reserve(records);
        break;
      case FieldType::kDate:
        column.dates.reserve(records);
        break;
      case FieldType::kBoolean:
        column.booleans.reserve(records);
        break;
      case FieldType::kString:
        column.texts.reserve(records);
        break;
    }
  }
}

}  // namespace

struct ChunkIngester::State {
  const Feed& feed;
  const Plan& plan;
  const feed::SourceFile& file;
  const feed::ByteCheck check;
  RecordBlock block;
  rules::ConstraintJudge constraints;
  std::unique_ptr<rules::ModuleJudge> module;
  std::vector<char> bytes;
  Findings findings;
  Findings ordering_room;
  std::vector<std::uint32_t> rejected;  // records of the block that have a finding, ascending

  State(const Feed& the_feed, const Plan& the_plan, const feed::SourceFile& the_file, feed::ByteCheck the_check)
      : feed(the_feed),
        plan(the_plan),
        file(the_file),
        check(the_check),
        block(the_plan.layout, the_feed.module.has_value()),
        constraints(the_plan.layout) {
    if (feed.module) {
      LM_CHECK(feed.definition.module.has_value(), "a module image belongs to a definition that names a module");
      module = std::make_unique<rules::ModuleJudge>(*feed.module, *feed.definition.module, block);
    }
  }

  void stage_block(StagedChunk& staged);
  StagedChunk ingest_oversize(const ChunkPlan& chunk);
};

void ChunkIngester::State::stage_block(StagedChunk& staged) {
  if (!findings.empty()) order_findings(findings, ordering_room);
  const auto first = static_cast<std::uint32_t>(staged.totals.records);
  rejected.clear();
  for (std::size_t i = 0; i < findings.size();) {
    const std::uint32_t record = findings[i].record;
    const Frame& frame = block.frames()[record];
    StagedReject reject{first + record, frame, frame.length, static_cast<std::uint32_t>(staged.reasons.size()), 0};
    for (; i < findings.size() && findings[i].record == record; ++i) staged.reasons.push_back(findings[i].reason);
    reject.reasons = static_cast<std::uint32_t>(staged.reasons.size()) - reject.first_reason;
    staged.rejects.push_back(reject);
    rejected.push_back(record);
  }
  auto next_reject = rejected.begin();
  for (std::uint32_t i = 0; i < block.size(); ++i) {
    if (next_reject != rejected.end() && *next_reject == i) {
      ++next_reject;
    } else {
      staged.accepted.push_back({first + i, block.frames()[i]});
    }
  }
  std::size_t sum = 0;
  for (std::size_t f = 0; f < plan.layout.fields.size(); ++f) {
    append_column(staged.columns[f], block, f, rejected);
    if (plan.layout.fields[f].is_summed()) add_sum(staged.totals.sums[sum++], block, f, rejected);
  }
  staged.totals.records += block.size();
  staged.totals.rejected += rejected.size();
  staged.totals.accepted += block.size() - rejected.size();
}

StagedChunk ChunkIngester::State::ingest_oversize(const ChunkPlan& chunk) {
  StagedChunk staged = empty_chunk(plan, chunk);
  staged.text.source = {bytes.data(), bytes.size()};
  StagedReject reject;
  reject.frame.length = static_cast<std::uint32_t>(bytes.size());
  reject.length = chunk.bytes;
  reject.reasons = 1;
  staged.rejects.push_back(reject);
  staged.reasons.push_back({ReasonCode::kRecordTooLong, kNoField, {}});
  staged.totals.records = staged.totals.rejected = 1;
  staged.totals.record_bytes = chunk.bytes;
  for (FieldSum& sum : staged.totals.sums) sum.unreadable = 1;
  return staged;
}

ChunkIngester::ChunkIngester(const Feed& feed, const Plan& plan, const feed::SourceFile& file, feed::ByteCheck check)
    : state_(std::make_unique<State>(feed, plan, file, check)) {}
ChunkIngester::~ChunkIngester() = default;

StagedChunk ChunkIngester::ingest(ChunkNumber number, const OnBlock& on_block) {
  State& s = *state_;
  const ChunkPlan& chunk = s.plan.chunk(number);
  feed::read_chunk(s.file, chunk, s.check, s.bytes);
  if (chunk.oversize) {
    StagedChunk staged = s.ingest_oversize(chunk);
    if (on_block) on_block({chunk.bytes, 1, 1});
    return staged;
  }
  StagedChunk staged = empty_chunk(s.plan, chunk);
  reserve(staged, s.plan, chunk.records);
  staged.text.source = {s.bytes.data(), s.bytes.size()};
  feed::ChunkReader reader(s.feed.definition, s.plan, chunk, staged.text);
  if (s.module) s.module->begin_chunk();
  std::uint64_t bytes_before = 0;
  while (s.findings.clear(), reader.next(s.block, s.findings)) {
    s.constraints.judge(s.block, staged.text, s.findings);
    if (s.module) s.module->judge(staged.text, s.findings);
    s.stage_block(staged);
    const std::uint64_t bytes_now = reader.record_bytes() + reader.skipped().bytes();
    if (on_block) on_block({bytes_now - bytes_before, s.block.size(), s.rejected.size()});
    bytes_before = bytes_now;
  }
  staged.totals.skipped = reader.skipped();
  staged.totals.record_bytes = reader.record_bytes();
  LM_CHECK(staged.totals.records == chunk.records, "a chunk holds the records that the survey counted in it");
  LM_CHECK(staged.totals.imbalance().empty(), "a judged chunk is in balance");
  return staged;
}

rules::JudgeCounts ChunkIngester::judge_counts() const {
  return state_->module ? state_->module->counts() : rules::JudgeCounts{};
}

}  // namespace ledgermill::batch
