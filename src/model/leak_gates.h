// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/dataset.h"

namespace ledgermill::model {

/// One look for a feature that knows the answer.
struct Gate {
  std::string name;  ///< "single_feature", "too_good", "permuted_labels", "past_only"
  bool passed = true;
  std::string detail;  ///< what was measured, and which feature
};

/// Looks through a dataset for leaks, with what a model reached on its test part:
/// single_feature: boosted stumps of depth 2 on one feature alone reach at most half of the model's AP;
/// too_good: AP at most 0.98;
/// permuted_labels: on labels drawn at random by the bytes of each row, for both parts, AP at most three times the
/// share of positives (median of three draws); more means that rows of the test part stand in the train part. Labels
/// exchanged in the train part alone are no such test: a few outlying rows decide then how the true outliers of the
/// test rank. `names` are of the columns. The evaluation fails when one does not pass.
std::vector<Gate> leak_gates(const SplitDataset& data, const std::vector<std::string>& names, double average_precision);

/// Rows of features for observations, in their order.
using MakeFeatures = std::function<std::vector<std::vector<float>>(std::span<const Observation>)>;
/// past_only: the features of the first half are the same, bit for bit, when the second half is not there. Names the
/// feature that is not.
Gate past_only_gate(std::span<const Observation> observations, const MakeFeatures& make,
                    const std::vector<std::string>& names);
/// `FeatureStream` as a MakeFeatures.
std::vector<std::vector<float>> stream_features(std::span<const Observation> observations);

}  // namespace ledgermill::model
