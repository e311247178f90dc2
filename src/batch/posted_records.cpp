// SPDX-License-Identifier: Apache-2.0
#include "batch/posted_records.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/failure.h"
#include "batch/findings_by_record.h"
#include "batch/interruption.h"

namespace ledgermill::batch {

namespace {

/// The field of the posted layout that is the feed's field now.
std::size_t posted_field(const Plan& plan, const Field& wanted, const ledger::BatchSummary& batch) {
  const auto found = plan.layout.find(wanted.name);
  if (found && plan.layout.fields[*found].type == wanted.type && plan.layout.fields[*found].scale == wanted.scale)
    return *found;
  throw Failure(ReturnCode::kRefused,
                fmt::format("batch {} was posted when feed '{}' had no field '{}' of this type", batch.id.text,
                            batch.feed, wanted.name),
                "an enrichment reads the fields that its feed has now");
}

std::string text_of(const ledger::PostedValue& value, const Field& field) {
  if (value.missing) return "";
  switch (field.type) {
    case FieldType::kDecimal:
      return Amount{value.integer, field.scale}.text();
    case FieldType::kInteger:
      return std::to_string(value.integer);
    case FieldType::kBoolean:
      return value.integer != 0 ? "true" : "false";
    case FieldType::kDate:
    case FieldType::kDatetime:
    case FieldType::kString:
      break;
  }
  return value.text;
}

}  // namespace

struct PostingWalk::State {
  const Enrichment& enrichment;
  ledger::Ledger& ledger;
  const ledger::BatchSummary& batch;
  Plan plan;
  std::vector<std::size_t> fields;  // of the posted layout, one for each field of the feed's
  RecordBlock shown;
  rules::ModuleJudge decision;
  Findings said;
  Findings room;

  State(const Enrichment& the_enrichment, ledger::Ledger& the_ledger, const ledger::BatchSummary& the_batch)
      : enrichment(the_enrichment),
        ledger(the_ledger),
        batch(the_batch),
        plan(the_ledger.plan(the_batch.number)),
        shown(the_enrichment.shown, false),
        decision(the_enrichment.module, the_enrichment.decision, shown) {}

  void take(std::span<const ledger::PostedRecord> postings, const std::function<void(const DecidedRecord&)>& decided,
            const std::function<void(const UndecidedRecord&)>& undecided);
};

void PostingWalk::State::take(std::span<const ledger::PostedRecord> postings,
                              const std::function<void(const DecidedRecord&)>& decided,
                              const std::function<void(const UndecidedRecord&)>& undecided) {
  shown.resize(postings.size());
  for (std::size_t f = 0; f < enrichment.reads.size(); ++f) {
    for (std::size_t i = 0; i < postings.size(); ++i) {
      const ledger::PostedValue& value = postings[i].values[enrichment.reads[f]];
      shown.states(f)[i] = value.missing ? FieldState::kMissing : FieldState::kValid;
      shown.integers(f)[i] = value.integer;
    }
  }
  said.clear();
  decision.begin_chunk();
  decision.judge(ChunkText{}, said);
  order_findings(said, room);
  const Layout& layout = enrichment.feed.definition.layout;
  std::vector<std::string> texts(layout.fields.size());
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < postings.size(); ++i) {
    const std::size_t begin = next;
    while (next < said.size() && said[next].record == i) ++next;
    const std::span<const Finding> words(said.data() + begin, next - begin);
    DecidedRecord record;
    record.number = postings[i].record_number;
    if (const std::string why = abend_among(words); !why.empty()) {
      undecided({record.number, 0, {why}});
      continue;
    }
    for (std::size_t f = 0; f < texts.size(); ++f) texts[f] = text_of(postings[i].values[f], layout.fields[f]);
    record.cells.assign(texts.begin(), texts.end());
    take_decision(enrichment, words, record);
    decided(record);
  }
}

PostingWalk::PostingWalk(const Enrichment& enrichment, ledger::Ledger& ledger, const ledger::BatchSummary& batch) {
  const feed::FeedDefinition& feed = enrichment.feed.definition;
  if (batch.feed != feed.name) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("batch {} is of feed '{}', enrichment '{}' of '{}'", batch.id.text, batch.feed,
                              enrichment.definition.name, feed.name),
                  "ledgermill batches list shows the batches of a feed");
  }
  if (batch.state != ledger::BatchState::kPublished) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("batch {} is {}, not published", batch.id.text, batch_state_name(batch.state)),
                  "what is not published is nobody's to read; ledgermill run publishes it");
  }
  state_ = std::make_unique<State>(enrichment, ledger, batch);
  for (const Field& field : feed.layout.fields) state_->fields.push_back(posted_field(state_->plan, field, batch));
}
PostingWalk::~PostingWalk() = default;

const Plan& PostingWalk::plan() const { return state_->plan; }

void PostingWalk::each(const std::function<void(const DecidedRecord&)>& decided,
                       const std::function<void(const UndecidedRecord&)>& undecided) {
  State& s = *state_;
  s.ledger.visit_postings(s.batch.number, s.plan, s.fields, [&](std::span<const ledger::PostedRecord> portion) {
    stop_if_interrupted();
    while (!portion.empty()) {
      const std::size_t size = std::min<std::size_t>(portion.size(), RecordBlock::kCapacity);
      s.take(portion.first(size), decided, undecided);
      portion = portion.subspan(size);
    }
  });
}

}  // namespace ledgermill::batch
