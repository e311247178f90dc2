// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "model/dataset.h"

namespace ledgermill::model {

/// Which field of a feed is what; labels of its definition.
struct LearningFeed {
  std::string feed;
  std::string date, amount, description;
  std::string type;    ///< "" where the feed has none
  std::string entity;  ///< likewise
};

/// When a challenger may replace the champion (docs/formats/learning-definition.md). All must hold.
struct PromotionRule {
  double least_ap_gain = -0.005;   ///< lower bound of the AP difference by day blocks, 95 %
  double most_recall_loss = 0.02;  ///< at the alert budget
  double most_cause_loss = 0.10;   ///< of the recall of any cause with `least_of_cause` rows
  std::uint64_t least_of_cause = 30;
  double most_ece = 0.01;
  double most_brier_ratio = 1.05;       ///< against the champion's; it must be below the base rate's besides
  std::uint64_t least_positives = 100;  ///< in the test part; below: insufficient evidence
  bool automatic = false;               ///< evaluate promotes by itself
};

/// What is learnt from, and how it is judged. Valid by construction.
struct LearningDefinition {
  std::string name;
  std::vector<LearningFeed> feeds;
  SplitRule split;
  double alert_budget = 0.005;  ///< share of postings that people can look at
  PromotionRule promotion;
  Digest digest;  ///< of the definition's bytes

  const LearningFeed* find(std::string_view feed) const;
};

/// Failure (RC 8): file, line and what is wrong.
LearningDefinition load_learning(const std::filesystem::path& path);

}  // namespace ledgermill::model
