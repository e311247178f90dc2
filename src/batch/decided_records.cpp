// SPDX-License-Identifier: Apache-2.0
#include "batch/decided_records.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "base/failure.h"
#include "batch/findings_by_record.h"
#include "batch/interruption.h"
#include "feed/chunk_reader.h"
#include "rules/constraint_judge.h"

namespace ledgermill::batch {

namespace {

std::size_t field_index(const feed::FeedDefinition& feed, const enrich::EnrichmentDefinition& definition,
                        const std::string& label) {
  const auto found = feed.layout.find(label);
  if (!found) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("enrichment '{}' names the field '{}', which feed '{}' does not have", definition.name,
                              label, feed.name),
                  fmt::format("mend {}", definition.path.string()));
  }
  return *found;
}

/// The module's bounds are written for a scale: 50 in minor units of scale 2 would be half a unit.
void check_scale(const Field& field, const enrich::Decision::Read& read,
                 const enrich::EnrichmentDefinition& definition) {
  if (!field.is_number()) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("enrichment '{}' shows field '{}' to {}, but it is no number", definition.name,
                              read.field, definition.decision.program),
                  "a decision module is shown integers and decimals only");
  }
  const std::uint8_t scale = field.type == FieldType::kDecimal ? field.scale : std::uint8_t{0};
  if (scale == read.scale) return;
  throw Failure(ReturnCode::kRefused,
                fmt::format("field '{}' has {} decimals, {} of enrichment '{}' is written for {}", read.field, scale,
                            definition.decision.program, definition.name, read.scale),
                "write a module for this scale, and say so under decision.reads");
}

std::string reason_text(const Reason& reason, const Layout& layout, const std::vector<ModuleRule>& rules) {
  std::string text = is_module_rule(reason.code) ? rules.at(module_rule_index(reason.code)).code
                                                 : std::string(reason_name(reason.code));
  if (const std::string_view constraint = reason_constraint(reason.code); !constraint.empty())
    text += fmt::format(" {}", constraint);
  if (reason.field != kNoField) text += " " + layout.fields[reason.field].name;
  return text;
}

}  // namespace

Enrichment prepare_enrichment(enrich::EnrichmentDefinition definition, feed::FeedDefinition feed,
                              const rules::ModulePlaces& places) {
  Enrichment made;
  for (const enrich::Decision::Read& read : definition.decision.reads) {
    const std::size_t index = field_index(feed, definition, read.field);
    check_scale(feed.layout.fields[index], read, definition);
    made.reads.push_back(index);
    made.shown.fields.push_back(feed.layout.fields[index]);
  }
  if (!definition.key.empty()) field_index(feed, definition, definition.key);
  for (const auto& field : definition.question) field_index(feed, definition, field.field);
  for (const auto& placeholder : definition.placeholders) field_index(feed, definition, placeholder.field);
  made.decision.program = definition.decision.program;
  made.decision.flag_stem = "SAYS";
  for (const auto& category : definition.categories)
    made.decision.rules.push_back({category.says, "", "category " + category.name, {}});
  for (const auto& flag : definition.decision.flags) made.decision.rules.push_back({flag, "", flag, {}});
  // The copybook's name: a module is compiled for the enrichment, not for the feed.
  made.module = rules::resolve_module("enrich_" + definition.name, made.shown, made.decision, places);
  made.feed = {std::move(feed), std::nullopt};
  if (made.feed.definition.module) {
    made.feed.module = rules::resolve_module(made.feed.definition.name, made.feed.definition.layout,
                                             *made.feed.definition.module, places);
  }
  made.definition = std::move(definition);
  return made;
}

struct RecordWalk::State {
  const Enrichment& enrichment;
  const Plan& plan;
  const feed::SourceFile& file;
  RecordBlock block;
  RecordBlock shown;
  rules::ConstraintJudge constraints;
  std::unique_ptr<rules::ModuleJudge> feed_module;
  rules::ModuleJudge decision;
  std::vector<char> bytes;
  Findings findings;
  Findings said;
  Findings ordering_room;
  std::vector<bool> without_totals;  // of the block's records

  State(const Enrichment& the_enrichment, const Plan& the_plan, const feed::SourceFile& the_file)
      : enrichment(the_enrichment),
        plan(the_plan),
        file(the_file),
        block(the_enrichment.feed.definition.layout, the_enrichment.feed.module.has_value()),
        shown(the_enrichment.shown, false),
        constraints(the_enrichment.feed.definition.layout),
        decision(the_enrichment.module, the_enrichment.decision, shown) {
    if (enrichment.feed.module) {
      feed_module =
          std::make_unique<rules::ModuleJudge>(*enrichment.feed.module, *enrichment.feed.definition.module, block);
    }
  }

  void show_columns();
  void show_totals(const ChunkText& text);
  void take_block(const ChunkPlan& chunk, const ChunkText& text, std::uint64_t first,
                  const std::function<void(const DecidedRecord&)>& decided,
                  const std::function<void(const UndecidedRecord&)>& undecided);
  std::vector<std::string> reasons_of(std::span<const Finding> of_record) const;
};

/// Copies the columns that the decision module is shown. What is invalid is shown as missing: its record is refused.
void RecordWalk::State::show_columns() {
  shown.resize(block.size());
  for (std::size_t f = 0; f < enrichment.reads.size(); ++f) {
    const std::size_t from = enrichment.reads[f];
    std::copy_n(block.states(from).begin(), block.size(), shown.states(f).begin());
    std::copy_n(block.integers(from).begin(), block.size(), shown.integers(f).begin());
  }
}

/// Puts the totals of each record's group in the place of its own values.
void RecordWalk::State::show_totals(const ChunkText& text) {
  without_totals.assign(block.size(), false);
  if (!enrichment.totals) return;
  std::vector<std::string_view> cells(block.layout().fields.size());
  for (std::uint32_t i = 0; i < block.size(); ++i) {
    for (std::size_t f = 0; f < cells.size(); ++f) cells[f] = text.at(block.texts(f)[i]);
    const std::vector<std::int64_t>* totals = enrichment.totals->find(cells);
    without_totals[i] = totals == nullptr;
    for (std::size_t t = 0; t < enrichment.totals->reads().size(); ++t) {
      const std::size_t read = enrichment.totals->reads()[t];
      shown.states(read)[i] = totals == nullptr ? FieldState::kMissing : FieldState::kValid;
      shown.integers(read)[i] = totals == nullptr ? 0 : (*totals)[t];
    }
  }
}

void take_decision(const Enrichment& enrichment, std::span<const Finding> words, DecidedRecord& record) {
  const enrich::EnrichmentDefinition& definition = enrichment.definition;
  std::size_t categories = 0;
  record.flags.clear();
  for (const Finding& word : words) {
    const std::size_t rule = module_rule_index(word.reason.code);
    if (rule < definition.categories.size()) {
      record.question.category = rule;
      ++categories;
    } else {
      record.flags.push_back(definition.decision.flags[rule - definition.categories.size()]);
    }
  }
  if (categories != 1) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("{} gave record {} {} categories instead of one", definition.decision.program,
                              record.number, categories),
                  "its table must have one category for every pair of values");
  }
  record.question.answers.resize(definition.question.size());
  for (std::size_t q = 0; q < definition.question.size(); ++q) {
    const auto& field = definition.question[q];
    const std::size_t cell = *enrichment.feed.definition.layout.find(field.field);
    record.question.answers[q] = enrich::known_value(field, record.cells[cell]);
  }
}

std::string abend_among(std::span<const Finding> words) {
  const auto abend =
      std::find_if(words.begin(), words.end(), [](const Finding& one) { return !is_module_rule(one.reason.code); });
  return abend == words.end() ? "" : std::string(reason_name(abend->reason.code));
}

std::vector<std::string> RecordWalk::State::reasons_of(std::span<const Finding> of_record) const {
  static const std::vector<ModuleRule> kNone;
  const auto& module = enrichment.feed.definition.module;
  std::vector<std::string> reasons;
  for (const Finding& finding : of_record) {
    std::string text = reason_text(finding.reason, enrichment.feed.definition.layout, module ? module->rules : kNone);
    if (std::find(reasons.begin(), reasons.end(), text) == reasons.end()) reasons.push_back(std::move(text));
  }
  return reasons;
}

void RecordWalk::State::take_block(const ChunkPlan& chunk, const ChunkText& text, std::uint64_t first,
                                   const std::function<void(const DecidedRecord&)>& decided,
                                   const std::function<void(const UndecidedRecord&)>& undecided) {
  constraints.judge(block, text, findings);
  if (feed_module) feed_module->judge(text, findings);
  show_columns();
  show_totals(text);
  said.clear();
  decision.judge(text, said);
  // An abend or time-out of the decision module is a reason against the record, not a word about it.
  const auto words = std::stable_partition(said.begin(), said.end(),
                                           [](const Finding& one) { return !is_module_rule(one.reason.code); });
  findings.insert(findings.end(), said.begin(), words);
  said.erase(said.begin(), words);
  order_findings(findings, ordering_room);
  order_findings(said, ordering_room);
  std::size_t next_finding = 0;
  std::size_t next_word = 0;
  const auto of_record = [](const Findings& all, std::size_t& next, std::uint32_t record) {
    const std::size_t begin = next;
    while (next < all.size() && all[next].record == record) ++next;
    return std::span<const Finding>(all).subspan(begin, next - begin);
  };
  DecidedRecord record;
  record.cells.resize(block.layout().fields.size());
  for (std::uint32_t i = 0; i < block.size(); ++i) {
    const Frame& frame = block.frames()[i];
    const auto against = of_record(findings, next_finding, i);
    const auto about = of_record(said, next_word, i);
    const std::uint64_t number = first + i;
    const std::uint64_t line = chunk.first_line + frame.line;
    if (!against.empty() || without_totals[i]) {
      undecided({number, line, against.empty() ? std::vector<std::string>{"no-totals"} : reasons_of(against)});
      continue;
    }
    record.number = number;
    record.line = line;
    record.bytes = text.source.substr(frame.offset, frame.length);
    for (std::size_t f = 0; f < record.cells.size(); ++f) record.cells[f] = text.at(block.texts(f)[i]);
    take_decision(enrichment, about, record);
    decided(record);
  }
}

RecordWalk::RecordWalk(const Enrichment& enrichment, const Plan& plan, const feed::SourceFile& file)
    : state_(std::make_unique<State>(enrichment, plan, file)) {}
RecordWalk::~RecordWalk() = default;

void RecordWalk::each(const std::function<void(const DecidedRecord&)>& decided,
                      const std::function<void(const UndecidedRecord&)>& undecided) {
  State& s = *state_;
  for (const ChunkPlan& chunk : s.plan.chunks) {
    stop_if_interrupted();
    feed::read_chunk(s.file, chunk, feed::ByteCheck::kDigest, s.bytes);
    if (chunk.oversize) {
      undecided({chunk.first_record, chunk.first_line, {std::string(reason_name(ReasonCode::kRecordTooLong))}});
      continue;
    }
    ChunkText text;
    text.source = {s.bytes.data(), s.bytes.size()};
    feed::ChunkReader reader(s.enrichment.feed.definition, s.plan, chunk, text);
    if (s.feed_module) s.feed_module->begin_chunk();
    s.decision.begin_chunk();
    std::uint64_t done = 0;
    while (s.findings.clear(), reader.next(s.block, s.findings)) {
      s.take_block(chunk, text, chunk.first_record + done, decided, undecided);
      done += s.block.size();
    }
    LM_CHECK(done == chunk.records, "a chunk holds the records that the survey counted in it");
  }
}

}  // namespace ledgermill::batch
