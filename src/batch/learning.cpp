// SPDX-License-Identifier: Apache-2.0
#include "batch/learning.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "base/failure.h"
#include "base/file.h"
#include "model/metrics.h"
#include "record/amount.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLabelName = "suspicion";

/// The published batches of the definition's feeds up to a day, in the order in which their postings are read.
std::vector<ledger::BatchSummary> batches_of(ledger::Ledger& ledger, const model::LearningDefinition& definition,
                                             std::optional<BusinessDate> as_of) {
  std::vector<ledger::BatchSummary> all;
  for (const model::LearningFeed& feed : definition.feeds) {
    ledger::Ledger::ListFilter filter{feed.feed, ledger::BatchState::kPublished, 0, 1000};
    while (true) {
      const auto some = ledger.list_batches(filter);
      if (some.empty()) break;
      for (const ledger::BatchSummary& batch : some)
        if (batch.business_date && (!as_of || *batch.business_date <= *as_of)) all.push_back(batch);
      filter.before_number = to_int(some.back().number);
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::pair(*a.business_date, to_int(a.number)) < std::pair(*b.business_date, to_int(b.number));
  });
  if (all.empty())
    throw Failure(ReturnCode::kRefused, "the ledger has no published batch with a business date of these feeds",
                  fmt::format("load some first; the feeds are those of the learning definition, e.g. '{}'",
                              definition.feeds.front().feed));
  return all;
}

/// Of this thread, so that a busy machine does not count.
double processor_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Where the fields that are learnt from stand in a layout.
struct Roles {
  std::vector<std::size_t> fields;  // in the order date, amount, description, then type and entity where there are some
  bool has_type = false;
  bool has_entity = false;
  std::uint8_t scale = 0;
};

Roles roles_of(const model::LearningFeed& feed, const Layout& layout) {
  Roles roles;
  const auto add = [&](const std::string& label) {
    const auto field = layout.find(label);
    if (!field)
      throw Failure(ReturnCode::kRefused, fmt::format("feed '{}' has no field '{}'", feed.feed, label),
                    "mend the learning definition");
    roles.fields.push_back(*field);
    return *field;
  };
  const Field& date = layout.fields[add(feed.date)];
  const Field& amount = layout.fields[add(feed.amount)];
  if (date.type != FieldType::kDate || amount.type != FieldType::kDecimal)
    throw Failure(ReturnCode::kRefused,
                  fmt::format("feed '{}': '{}' must be a date and '{}' a decimal", feed.feed, feed.date, feed.amount),
                  "mend the learning definition");
  add(feed.description);
  roles.scale = amount.scale;
  roles.has_type = !feed.type.empty();
  roles.has_entity = !feed.entity.empty();
  if (roles.has_type) add(feed.type);
  if (roles.has_entity) add(feed.entity);
  return roles;
}

std::uint64_t id_of(const ledger::PostedValue& value) {
  return value.missing ? 0 : model::text_id(value.text.empty() ? std::to_string(value.integer) : value.text);
}

model::Observation observation_of(const ledger::PostedRecord& posting, const Roles& roles, std::uint32_t feed,
                                  std::int32_t file_day) {
  model::Observation seen;
  seen.feed = feed;
  seen.file_day = file_day;
  seen.entry_day = file_day;
  if (const auto date = BusinessDate::from_text(posting.values[0].text)) seen.entry_day = date->days_since_epoch();
  seen.amount = posting.values[1].integer;
  seen.description = id_of(posting.values[2]);
  if (roles.has_type) seen.type = id_of(posting.values[3]);
  if (roles.has_entity) seen.entity = id_of(posting.values.back());
  return seen;
}

/// Calls `take(batch, postings, roles, observations)` for every portion of postings of the batches, in order.
template <class Take>
void for_each_portion(ledger::Ledger& ledger, const model::LearningDefinition& definition,
                      const std::vector<ledger::BatchSummary>& batches, Take take) {
  for (const ledger::BatchSummary& batch : batches) {
    const model::LearningFeed& feed = *definition.find(batch.feed);
    const Plan plan = ledger.plan(batch.number);
    const Roles roles = roles_of(feed, plan.layout);
    const auto number = static_cast<std::uint32_t>(&feed - definition.feeds.data()) + 1;
    const std::int32_t day = batch.business_date->days_since_epoch();
    ledger.visit_postings(batch.number, plan, roles.fields, [&](std::span<const ledger::PostedRecord> some) {
      std::vector<model::Observation> seen;
      for (const ledger::PostedRecord& posting : some) seen.push_back(observation_of(posting, roles, number, day));
      take(batch, some, roles, seen);
    });
  }
}

/// Features made so far, and how long the processor took for them alone.
struct FeaturePass {
  model::FeatureStream stream;
  std::uint64_t rows = 0;
  double seconds = 0;

  double rows_per_second() const { return seconds > 0 ? static_cast<double>(rows) / seconds : 0; }
};

/// Calls `take(batch, posting, roles, observation, features)` for every posting of the batches, in order.
template <class Take>
void for_each_row(ledger::Ledger& ledger, const model::LearningDefinition& definition,
                  const std::vector<ledger::BatchSummary>& batches, FeaturePass& pass, Take take) {
  std::vector<model::FeatureRow> rows;
  for_each_portion(ledger, definition, batches,
                   [&](const ledger::BatchSummary& batch, std::span<const ledger::PostedRecord> postings,
                       const Roles& roles, std::span<const model::Observation> seen) {
                     rows.resize(seen.size());
                     const double begun = processor_seconds();
                     for (std::size_t i = 0; i < seen.size(); ++i) rows[i] = pass.stream.next(seen[i]);
                     pass.seconds += processor_seconds() - begun;
                     pass.rows += seen.size();
                     for (std::size_t i = 0; i < seen.size(); ++i) take(batch, postings[i], roles, seen[i], rows[i]);
                   });
}

/// What is known to be wrong or right: by batch number and record.
using Known = std::unordered_map<std::uint64_t, std::string>;  // record: cause

/// The faults of one truth file that must be accepted.
Known faults_in(const fs::path& path) {
  Known known;
  const std::string text = read_small_file(path, std::size_t{1} << 30);
  for (auto at = text.find('\n'); at != std::string::npos && at + 1 < text.size();) {
    const auto end = text.find('\n', at + 1);
    const auto json =
        nlohmann::json::parse(text.substr(at + 1, end == std::string::npos ? end : end - at - 1), nullptr, false);
    if (json.is_object() && json.contains("before") && json.value("code", nlohmann::json()).is_null())
      known[json.value("record", std::uint64_t{0})] = json.value("fault", std::string());
    at = end;
  }
  return known;
}

/// Truth files by the SHA-256 of their feed file.
std::map<std::string, fs::path> truth_files(const std::vector<fs::path>& folders) {
  constexpr std::string_view kEnd = ".truth.jsonl";
  std::map<std::string, fs::path> found;
  for (const fs::path& folder : folders) {
    if (!fs::is_directory(folder))
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no folder", folder.string()),
                    "--truth names folders with *.truth.jsonl");
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.path().filename().string().ends_with(kEnd)) continue;
      const std::string text = read_small_file(entry.path(), std::size_t{1} << 30);
      const auto json = nlohmann::json::parse(text.substr(0, text.find('\n')), nullptr, false);
      if (json.is_object() && json.contains("sha256")) found[json.value("sha256", std::string())] = entry.path();
    }
  }
  return found;
}

}  // namespace

BuiltDataset build_dataset(ledger::Ledger& ledger, const model::LearningDefinition& definition,
                           const DatasetOptions& options) {
  const auto batches = batches_of(ledger, definition, options.as_of);
  const auto truths = truth_files(options.truths);
  std::unordered_map<std::int64_t, std::unordered_map<std::uint64_t, std::string>> said;
  for (const ledger::Label& label : ledger.labels(kLabelName))
    said[to_int(label.batch)][label.record_number] = label.value;

  BuiltDataset built;
  model::DatasetManifest& manifest = built.manifest;
  manifest.as_of = options.as_of.text();
  manifest.schema = model::feature_schema();
  manifest.definition_sha256 = definition.digest.hex();
  manifest.split = definition.split;
  manifest.batches = batches.size();
  const std::int32_t first = batches.front().business_date->days_since_epoch();
  const std::int32_t last = options.as_of.days_since_epoch();
  model::SplitDataset data;
  FeaturePass pass;
  std::int64_t batch_number = 0;
  Known faults;
  for_each_row(ledger, definition, batches, pass,
               [&](const ledger::BatchSummary& batch, const ledger::PostedRecord& posting, const Roles&,
                   const model::Observation& seen, const model::FeatureRow& features) {
                 if (to_int(batch.number) != batch_number) {
                   batch_number = to_int(batch.number);
                   const auto truth = truths.find(batch.file.sha256.hex());
                   faults = truth == truths.end() ? Known() : faults_in(truth->second);
                 }
                 ++manifest.feeds[batch.feed];
                 const model::Part part = model::part_of(definition.split, first, last, seen.file_day);
                 if (part == model::Part::kNone) return;
                 model::RowId id{batch.id.text, posting.record_number, batch.feed, seen.file_day, ""};
                 bool wrong = false;
                 if (const auto fault = faults.find(posting.record_number); fault != faults.end()) {
                   wrong = true;
                   id.cause = fault->second;
                   ++manifest.label_sources["truth"];
                 }
                 if (const auto of_batch = said.find(batch_number); of_batch != said.end()) {
                   if (const auto word = of_batch->second.find(posting.record_number); word != of_batch->second.end()) {
                     wrong = word->second != "false";
                     if (!wrong) id.cause.clear();
                     ++manifest.label_sources["feedback"];
                   }
                 }
                 (part == model::Part::kTrain        ? data.train
                  : part == model::Part::kValidation ? data.validation
                                                     : data.test)
                     .add(features, wrong, std::move(id));
               });
  built.state = pass.stream.state();
  built.rows_per_second = pass.rows_per_second();
  built.folder = model::write_dataset(options.out, data, manifest);
  return built;
}

model::Gate check_past_only(ledger::Ledger& ledger, const model::LearningDefinition& definition, std::size_t rows) {
  auto batches = batches_of(ledger, definition, std::nullopt);
  std::uint64_t records = 0;
  std::size_t needed = 0;
  while (needed < batches.size() && records < rows) records += batches[needed++].totals.accepted;
  batches.resize(needed);
  std::vector<model::Observation> seen;
  for_each_portion(ledger, definition, batches,
                   [&](const auto&, const auto&, const Roles&, const std::vector<model::Observation>& some) {
                     for (const model::Observation& observation : some)
                       if (seen.size() < rows) seen.push_back(observation);
                   });
  return model::past_only_gate(seen, model::stream_features, {model::kFeatures.begin(), model::kFeatures.end()});
}

namespace {

Alert alert_of(const ledger::BatchSummary& batch, const ledger::PostedRecord& posting, const Roles& roles) {
  Alert alert;
  alert.id = fmt::format("{}:{}", batch.id.text, posting.record_number);
  alert.feed = batch.feed;
  alert.file_day = batch.business_date->text();
  alert.record_number = posting.record_number;
  alert.entry_date = posting.values[0].text;
  alert.amount = Amount{posting.values[1].integer, roles.scale}.text();
  alert.description = posting.values[2].text;
  if (roles.has_entity) alert.entity = posting.values.back().text;
  return alert;
}

/// Those that are asked for, and all before them, whose postings make the features.
std::unordered_set<std::int64_t> batches_to_score(ledger::Ledger& ledger, const ScoreOptions& options,
                                                  std::vector<ledger::BatchSummary>& batches) {
  std::unordered_set<std::int64_t> wanted;
  if (options.days) {
    const std::int32_t from = batches.back().business_date->days_since_epoch() - *options.days + 1;
    for (const ledger::BatchSummary& batch : batches)
      if (batch.business_date->days_since_epoch() >= from) wanted.insert(to_int(batch.number));
    return wanted;
  }
  const ledger::BatchSummary one = ledger.find_batch(options.batch);
  const auto at =
      std::find_if(batches.begin(), batches.end(), [&](const auto& batch) { return batch.number == one.number; });
  if (at == batches.end())
    throw Failure(
        ReturnCode::kRefused,
        fmt::format("batch {} is not published, has no business date, or its feed is not learnt from", one.id.text),
        "the learning definition names the feeds");
  wanted.insert(to_int(one.number));
  batches.erase(at + 1, batches.end());
  return wanted;
}

}  // namespace

Scored score(ledger::Ledger& ledger, const model::LearningDefinition& definition, const model::SuspicionModel& model,
             const ScoreOptions& options) {
  auto batches = batches_of(ledger, definition, std::nullopt);
  const auto wanted = batches_to_score(ledger, options, batches);
  FeaturePass pass;
  model::Dataset data;
  std::vector<Alert> candidates;
  for_each_row(ledger, definition, batches, pass,
               [&](const ledger::BatchSummary& batch, const ledger::PostedRecord& posting, const Roles& roles,
                   const model::Observation& seen, const model::FeatureRow& features) {
                 if (wanted.count(to_int(batch.number)) == 0) return;
                 data.add(features, false, {batch.id.text, posting.record_number, batch.feed, seen.file_day, ""});
                 candidates.push_back(alert_of(batch, posting, roles));
               });
  Scored scored;
  scored.rows = data.rows();
  scored.batches = wanted.size();
  if (data.rows() == 0) return scored;
  const double begun = processor_seconds();
  const std::vector<double> probabilities = model.probabilities(model::SuspicionModel::Kind::kXgboost, data);
  const double per_row =
      1 / std::max(pass.rows_per_second(), 1.0) + (processor_seconds() - begun) / static_cast<double>(data.rows());
  scored.rows_per_second = per_row > 0 ? 1 / per_row : 0;
  const auto order = model::ranked(probabilities);
  const std::size_t most =
      std::max<std::size_t>(1, static_cast<std::size_t>(options.budget * static_cast<double>(data.rows())));
  model::Dataset suspects;
  for (std::size_t i = 0; i < most; ++i) {
    const std::size_t at = order[i];
    candidates[at].probability = probabilities[at];
    suspects.values.insert(suspects.values.end(), data.row(at), data.row(at) + data.width);
    suspects.labels.push_back(0);
    suspects.ids.push_back(data.ids[at]);
    scored.alerts.push_back(candidates[at]);
  }
  const auto causes = model.causes(suspects);
  const auto reasons = model.reasons(suspects, 3);
  for (std::size_t i = 0; i < scored.alerts.size(); ++i) {
    scored.alerts[i].causes.assign(
        causes[i].begin(), causes[i].begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, causes[i].size())));
    scored.alerts[i].reasons = reasons[i];
  }
  return scored;
}

void give_feedback(ledger::Ledger& ledger, const std::string& alert, const std::string& said, const std::string& by) {
  if (said != "confirmed" && said != "false" && said != "corrected")
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is nothing that can be said of an alert", said),
                  "confirmed, false or corrected");
  const auto colon = alert.rfind(':');
  const bool number = colon != std::string::npos && colon + 1 < alert.size() && alert.size() - colon < 19 &&
                      alert.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  if (!number)
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' names no alert", alert),
                  "write it as 'ledgermill score' prints it: BATCH:RECORD");
  const ledger::BatchSummary batch = ledger.find_batch(alert.substr(0, colon));
  const std::uint64_t record = std::stoull(alert.substr(colon + 1));
  bool posted = false;
  ledger.visit_record_numbers(batch.number, ledger.plan(batch.number), [&](std::span<const std::uint64_t> some) {
    posted = posted || std::binary_search(some.begin(), some.end(), record);
  });
  if (!posted)
    throw Failure(ReturnCode::kRefused, fmt::format("batch {} has no posting of record {}", batch.id.text, record),
                  "a reject has no posting");
  ledger.put_label({kLabelName, said, by, batch.number, record});
}

}  // namespace ledgermill::batch
