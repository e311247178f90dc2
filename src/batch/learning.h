// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "model/definition.h"
#include "model/leak_gates.h"
#include "model/suspicion_model.h"

namespace ledgermill::batch {

struct DatasetOptions {
  std::filesystem::path out;  ///< folder of datasets, `training/`
  BusinessDate as_of;         ///< nothing younger is read
  std::vector<std::filesystem::path>
      truths;  ///< folders with truth files of generated feed files, looked through deeply
};

struct BuiltDataset {
  std::filesystem::path folder;
  model::DatasetManifest manifest;
  model::FeatureStream::State state;
  double rows_per_second = 0;  ///< of features alone
};

/// Reads the published batches of the definition's feeds in the order of their business dates, makes features in one
/// pass, labels what is known to be wrong and writes the dataset. The state of the features is not kept: a year of 0.5
/// million postings is read and made anew in seconds, and a state that was kept would have to follow every correction
/// and discard.
///
/// Labels: a truth file's faults that must be accepted, for the batch whose file has its SHA-256; `feedback` (below),
/// which wins. Rejects are no labels.
/// Failure RC 8: no published batch of these feeds up to that day, a field that the feed has not.
BuiltDataset build_dataset(ledger::Ledger& ledger, const model::LearningDefinition& definition,
                           const DatasetOptions& options);

/// Whether the features of the feeds' first postings (at most `rows`) look at the past only.
model::Gate check_past_only(ledger::Ledger& ledger, const model::LearningDefinition& definition, std::size_t rows);

struct Alert {
  std::string id;  ///< "<batch>:<record number>"
  std::string feed;
  std::string file_day;
  std::uint64_t record_number = 0;
  std::string entity, description, amount, entry_date;
  double probability = 0;
  std::vector<model::SuspicionModel::Cause> causes;      ///< at most two
  std::vector<model::SuspicionModel::ReasonOf> reasons;  ///< at most three
};
struct ScoreOptions {
  std::string batch;                 ///< one batch, by a part of its id; or
  std::optional<std::int32_t> days;  ///< those of the last so many business dates
  double budget = 0.005;
};
struct Scored {
  std::vector<Alert> alerts;  ///< most suspicious first
  std::uint64_t rows = 0;     ///< scored
  std::uint64_t batches = 0;
  double rows_per_second = 0;  ///< features and score
};
/// The most suspicious postings of the batches asked for, as many as the budget allows, at least one of a batch with
/// postings. Failure RC 8: nothing to score.
Scored score(ledger::Ledger& ledger, const model::LearningDefinition& definition, const model::SuspicionModel& model,
             const ScoreOptions& options);

/// Keeps in the ledger what a person said of an alert: "confirmed", "false" or "corrected".
/// Failure RC 8: no such batch or posting, or another word.
void give_feedback(ledger::Ledger& ledger, const std::string& alert, const std::string& said, const std::string& by);

/// The report as one HTML page that needs nothing else, from the metrics of an evaluation and of those before it, the
/// oldest first. Failure RC 8 on text that is no metrics.
std::string learning_report(const std::string& metrics_json, const std::vector<std::string>& earlier);
/// The drawings alone, by file name ("confusion.svg", ...).
std::vector<std::pair<std::string, std::string>> learning_drawings(const std::string& metrics_json,
                                                                   const std::vector<std::string>& earlier);
/// "average precision 0.812 (+0.004 since 2025-03-29), ...": what changed, in one line.
std::string what_changed(const std::string& metrics_json, const std::vector<std::string>& earlier);

}  // namespace ledgermill::batch
