// SPDX-License-Identifier: Apache-2.0
#include "batch/triage.h"

#include <algorithm>
#include <map>

#include "base/failure.h"
#include "batch/interruption.h"
#include "batch/trial.h"
#include "reject/reject_log.h"

namespace ledgermill::batch {

namespace {

using triage::Fix;
using triage::Group;
using triage::RecordForm;
using triage::Tried;

std::vector<ledger::BatchSummary> batches_asked_for(ledger::Ledger& ledger, const TriageOptions& options) {
  if (!options.batch.empty()) return {ledger.find_batch(options.batch)};
  std::vector<ledger::BatchSummary> asked;
  ledger::Ledger::ListFilter filter;
  filter.feed = options.feed;
  for (;;) {
    const auto page = ledger.list_batches(filter);
    for (const ledger::BatchSummary& batch : page) {
      if (options.since && batch.planned_at < *options.since) continue;
      if (batch.state != ledger::BatchState::kDiscarded && batch.totals.rejected > 0) asked.push_back(batch);
    }
    if (page.size() < filter.most) break;
    filter.before_number = to_int(page.back().number);
  }
  std::reverse(asked.begin(), asked.end());  // oldest first: "first seen" is then true
  return asked;
}

void add_batch(ledger::Ledger& ledger, const ledger::BatchSummary& batch, triage::RejectGroups& groups) {
  const Plan plan = ledger.plan(batch.number);
  for (const ledger::ChunkStatus& chunk : ledger.chunks(batch.number)) {
    if (!chunk.part) continue;
    reject::read_part(batch.rejects_root, *chunk.part, [&](reject::LoggedReject&& reject) {
      stop_if_interrupted();
      const reject::LoggedReason first = reject.reasons.empty() ? reject::LoggedReason{} : reject.reasons.front();
      const auto field = plan.layout.find(first.field);
      triage::Seen seen;
      seen.batch = batch.id.text;
      seen.header = plan.header;
      seen.code = first.code;
      seen.constraint = first.constraint;
      seen.field = first.field;
      seen.value = first.value;
      seen.record = reject.raw;
      seen.complete = reject.complete;
      seen.exact_shape = field && (plan.layout.fields[*field].type == FieldType::kDate ||
                                   plan.layout.fields[*field].type == FieldType::kDatetime);
      seen.number = reject.record_number;
      seen.file_records = plan.records;
      seen.last_of_file = plan.records > 1 && reject.record_number == plan.records;
      seen.without_line_end = reject.byte_offset + reject.length == plan.file.bytes;
      groups.add(batch.feed, seen);
      return true;
    });
  }
}

RecordForm form_of(const feed::FeedDefinition& definition, std::uint32_t record_bytes) {
  RecordForm form;
  form.cells = definition.decoding == feed::Decoding::kCsv;
  form.delimiter = definition.framing.delimiter;
  form.quote = definition.framing.quote;
  form.header = form.cells && definition.csv.header;
  form.record_bytes = record_bytes;
  form.layout = &definition.layout;
  return form;
}

/// Positional records have one length, whose places the definition knows.
std::uint32_t record_bytes_of(const feed::FeedDefinition& definition) {
  return definition.decoding == feed::Decoding::kPositional ? definition.positional.record_bytes : 0;
}

/// Where a fixed sample waits for its verdict.
struct Waiting {
  std::size_t group, tried, header, place;
};

/// Tries fixes for several groups of one feed at once: a judge process is begun once, and not once a fix.
class Workbench {
 public:
  Workbench(const Feed& feed, const TriageOptions& options) : feed_(feed), options_(options) {}

  /// Applies the fix to all samples of the group; kept in `tried` where it changes one.
  void put(std::size_t group_number, const Group& group, const Fix& fix, std::vector<Tried>& tried) {
    Tried each{fix, {}, 0};
    bool changes = false;
    for (const triage::Sample& sample : group.samples) {
      const auto fixed = fix.apply(sample);
      each.outputs.push_back(fixed.value_or(""));
      changes |= fixed.has_value();
    }
    if (!changes) return;
    for (std::size_t i = 0; i < each.outputs.size(); ++i) {
      if (each.outputs[i].empty()) continue;
      const auto [entry, is_new] = headers_.try_emplace(group.samples[i].header, trials_.size());
      if (is_new) trials_.emplace_back(feed_, group.samples[i].header, record_bytes_of(feed_.definition));
      if (const auto place = trials_[entry->second].add(each.outputs[i]))
        waiting_.push_back({group_number, tried.size(), entry->second, *place});
    }
    tried.push_back(std::move(each));
  }

  /// Judges all that was put and adds what passed to `tried`, by group.
  void judge(std::vector<std::vector<Tried>>& tried) {
    std::vector<std::vector<bool>> accepted;
    for (const Trial& trial : trials_) accepted.push_back(trial.verdicts(options_.scratch, options_.now));
    for (const Waiting& each : waiting_) {
      if (accepted[each.header][each.place]) ++tried[each.group][each.tried].passed;
    }
    headers_.clear();
    trials_.clear();
    waiting_.clear();
  }

 private:
  const Feed& feed_;
  const TriageOptions& options_;
  std::map<std::string, std::size_t> headers_;
  std::vector<Trial> trials_;
  std::vector<Waiting> waiting_;
};

bool explained(const Group& group, const std::vector<Tried>& tried) {
  return std::any_of(tried.begin(), tried.end(),
                     [&](const Tried& each) { return each.passed * 2 > group.samples.size(); });
}

/// Two faults at once (a semicolon between the cells and a decimal comma in them): pairs of fixes of two stages.
void put_pairs(Workbench& bench, std::size_t number, const Group& group, const std::vector<Fix>& fixes,
               std::vector<Tried>& tried) {
  for (const Fix& first : fixes) {
    for (const Fix& second : fixes) {
      if (first.stage < second.stage && first.keeps_values && second.keeps_values)
        bench.put(number, group, triage::combined(first, second), tried);
    }
  }
}

void try_fixes(const Feed& feed, const TriageOptions& options, const std::vector<TriagedGroup*>& groups) {
  const RecordForm form = form_of(feed.definition, record_bytes_of(feed.definition));
  std::vector<std::vector<Tried>> tried(groups.size());
  Workbench bench(feed, options);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const Fix& fix : triage::fixes_for(groups[i]->group, form)) bench.put(i, groups[i]->group, fix, tried[i]);
  }
  bench.judge(tried);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!explained(groups[i]->group, tried[i]))
      put_pairs(bench, i, groups[i]->group, triage::fixes_for(groups[i]->group, form), tried[i]);
  }
  bench.judge(tried);
  for (std::size_t i = 0; i < groups.size(); ++i)
    groups[i]->verdict = triage::verdict_of(groups[i]->group, form, tried[i]);
}

}  // namespace

TriageReport triage_rejects(ledger::Ledger& ledger, const FindFeed& find_feed, const TriageOptions& options) {
  TriageReport report;
  triage::RejectGroups groups;
  for (const ledger::BatchSummary& batch : batches_asked_for(ledger, options)) {
    add_batch(ledger, batch, groups);
    ++report.batches;
    report.rejects += batch.totals.rejected;
  }
  for (Group& group : groups.take()) report.groups.push_back({std::move(group), std::nullopt, {}});
  std::map<std::string, std::vector<TriagedGroup*>> by_feed;
  for (std::size_t i = 0; i < report.groups.size(); ++i) {
    if (i < options.most_groups) {
      by_feed[report.groups[i].group.key.feed].push_back(&report.groups[i]);
    } else {
      report.groups[i].why_not = "not among the largest groups";
    }
  }
  for (const auto& [name, of_feed] : by_feed) {
    try {
      const Feed feed = find_feed(name);
      try_fixes(feed, options, of_feed);
    } catch (const Failure& failure) {
      // A feed that is not on this machine hides nothing: its groups are shown, and that no fix was tried.
      if (failure.code() != ReturnCode::kRefused) throw;
      for (TriagedGroup* group : of_feed) group->why_not = failure.fact();
    }
  }
  return report;
}

}  // namespace ledgermill::batch
