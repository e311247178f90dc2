// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/dataset.h"

namespace ledgermill::model {

/// Logistic regression on each feature, its size and whether it is missing, standardised; natural weights, ridge 1.
/// Newton's method from zero: no chance, the same data give the same bits.
class Logistic {
 public:
  /// At most `kMostRows` rows are used: every positive, and every n-th negative with weight n.
  static constexpr std::size_t kMostRows = 60'000;
  static Logistic train(const Dataset& data);

  /// Log odds of one row of `width` values.
  double margin(const float* row) const;

  std::string json() const;
  /// Failure RC 8 on text that is none of ours.
  static Logistic from_json(const std::string& text);

 private:
  std::size_t width_ = 0;
  std::vector<double> middle_, spread_;  // of each feature; 0 spread: constant, unused
  std::vector<double> weights_;          // constant, then three a feature
};

/// Platt's scaling: probability = 1 / (1 + exp(-(a * margin + b))).
struct Platt {
  double a = 1;
  double b = 0;

  double probability(double margin) const;
  /// Maximum likelihood with Platt's corrected targets; identity when there is only one class.
  static Platt fit(const std::vector<double>& margins, const std::vector<std::uint8_t>& labels);
};

}  // namespace ledgermill::model
