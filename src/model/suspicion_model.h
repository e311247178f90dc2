// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/dataset.h"
#include "model/logistic.h"
#include "model/xgboost.h"

namespace ledgermill::model {

/// Where a model comes from; stands in its `model.json`.
struct Lineage {
  std::string data_sha256;
  std::string as_of;
  std::string schema;
  std::string program;               ///< version of ledgermill
  std::string library;               ///< of libxgboost
  std::string trained_at;            ///< not part of the model's id
  std::string trained_on = "local";  ///< or the training job's name
  std::uint64_t train_rows = 0;
  std::uint64_t train_positives = 0;
  BoosterOptions options;
};

/// The three models of one training: boosted trees, logistic regression, expert rules; each calibrated on the
/// validation part. Always all three, so that each can be seen beside the others.
class SuspicionModel {
 public:
  /// `options.threads` may differ between two trainings of the same data: the bytes are equal.
  /// Failure RC 8 "insufficient evidence" when train or validation has no positive or no negative row.
  static SuspicionModel train(const SplitDataset& data, const DatasetManifest& manifest, const BoosterOptions& options);
  /// The same around a booster that was trained elsewhere (SageMaker) on this data.
  static SuspicionModel around(Booster booster, const SplitDataset& data, const DatasetManifest& manifest,
                               const BoosterOptions& options);

  enum class Kind : std::uint8_t { kXgboost, kLogistic, kRules };
  static const char* kind_name(Kind kind);
  static constexpr Kind kKinds[] = {Kind::kXgboost, Kind::kLogistic, Kind::kRules};

  /// Calibrated probability that each row is wrong.
  std::vector<double> probabilities(Kind kind, const Dataset& data) const;

  struct Cause {
    std::string name;
    double probability = 0;
  };
  /// Likely causes of each of these rows, were it wrong, the likeliest first; empty when no cause was learnt.
  std::vector<std::vector<Cause>> causes(const Dataset& data) const;

  struct ReasonOf {
    std::string feature;
    double log_odds = 0;  ///< what the feature adds (SHAP)
  };
  /// The `most` features that raise each row's score most.
  std::vector<std::vector<ReasonOf>> reasons(const Dataset& data, std::size_t most) const;

  /// First twelve hex digits of the SHA-256 of its files but model.json.
  const std::string& id() const { return id_; }
  Lineage lineage;

  /// Writes `<root>/<id>/` (docs/formats/model-registry.md); the same model written twice is the same folder.
  void save(const std::filesystem::path& root) const;
  /// Failure RC 8: no such model, damaged, or of another feature schema.
  static SuspicionModel load(const std::filesystem::path& folder);

  /// The boosted trees as bytes, as in `xgboost.ubj`.
  const std::string& booster_bytes() const { return booster_bytes_; }

 private:
  SuspicionModel(Booster booster, Logistic logistic) : booster_(std::move(booster)), logistic_(std::move(logistic)) {}
  void learn_causes(const SplitDataset& data, const BoosterOptions& options);
  void calibrate(const Dataset& validation);
  std::vector<double> margins(Kind kind, const Dataset& data) const;
  void make_id();

  Booster booster_;
  Logistic logistic_;
  std::optional<Booster> cause_;
  std::vector<std::string> cause_names_;
  Platt platt_[3];
  std::string booster_bytes_;
  std::string cause_bytes_;
  std::string id_;
};

}  // namespace ledgermill::model
