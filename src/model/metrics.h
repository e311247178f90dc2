// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ledgermill::model {

// What is said of scores against labels. Scores and labels are of one length; a larger score is more suspect. Equal
// scores are ranked by their place, the earlier first, so that an answer does not depend on a sort.

using Scores = std::span<const double>;
using Labels = std::span<const std::uint8_t>;

/// Places by falling score.
std::vector<std::uint32_t> ranked(Scores scores);

/// Average precision: the sum over the hits of (precision there) / positives; ties count as one step (as scikit-learn
/// does). 0 without positives.
double average_precision(Scores scores, Labels labels);
double brier(Scores probabilities, Labels labels);
/// Expected calibration error over `bins` bins of equal mass.
double expected_calibration_error(Scores probabilities, Labels labels, std::size_t bins = 15);

struct AtBudget {
  std::size_t alerts = 0;
  std::size_t hits = 0;
  double recall = 0;
  double precision = 0;
  double threshold = 0;  ///< score of the last alert
};
/// What the `share` highest scores catch; at least one alert.
AtBudget at_budget(Scores scores, Labels labels, double share);

struct Interval {
  double low = 0;
  double high = 1;
};
/// Wilson's interval of a share, 95 %. {0, 1} for none of none.
Interval wilson(std::size_t hits, std::size_t of);

/// Interval (95 %) of the AP of `a` less that of `b`, over `rounds` draws of whole days with replacement; `b` may be
/// empty: the interval of the AP of `a`. `days` as many as scores, ascending.
Interval bootstrap_by_day(Scores a, Scores b, Labels labels, std::span<const std::int32_t> days, std::size_t rounds,
                          std::uint64_t seed);

struct CurvePoint {
  double x = 0;
  double y = 0;
  std::size_t count = 0;
};
/// Precision over recall, at most `points` of them.
std::vector<CurvePoint> precision_recall(Scores scores, Labels labels, std::size_t points);
/// Mean probability (x) and share of positives (y) in bins of equal mass, ascending.
std::vector<CurvePoint> calibration(Scores probabilities, Labels labels, std::size_t bins);

/// Population stability index of `now` against `then`, over 10 bins of equal mass of `then`, missing values being one
/// more. 0.1 and 0.25 are convention; `expected` is what chance alone gives at this many rows.
struct Drift {
  double psi = 0;
  double expected = 0;
  double missing_then = 0;
  double missing_now = 0;
};
Drift drift(std::span<const float> then, std::span<const float> now);

}  // namespace ledgermill::model
