// SPDX-License-Identifier: Apache-2.0
#include "model/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace ledgermill::model {

std::vector<std::uint32_t> ranked(Scores scores) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [scores](std::uint32_t a, std::uint32_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  return order;
}

namespace {

/// AP where row i counts `weight(i)` times, rows given by falling score.
template <class Weight>
double weighted_ap(const std::vector<std::uint32_t>& order, Scores scores, Labels labels, Weight weight) {
  double positives = 0;
  for (const std::uint32_t i : order) positives += labels[i] != 0 ? weight(i) : 0.0;
  if (positives <= 0) return 0;
  double seen = 0;
  double hits = 0;
  double sum = 0;
  for (std::size_t at = 0; at < order.size();) {
    double step_hits = 0;
    const double score = scores[order[at]];
    for (; at < order.size() && scores[order[at]] == score; ++at) {
      const double w = weight(order[at]);
      seen += w;
      step_hits += labels[order[at]] != 0 ? w : 0.0;
    }
    hits += step_hits;
    if (step_hits > 0) sum += step_hits * hits / seen;
  }
  return sum / positives;
}

std::uint64_t next_random(std::uint64_t& state) {  // SplitMix64
  std::uint64_t z = state += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace

double average_precision(Scores scores, Labels labels) {
  LM_CHECK(scores.size() == labels.size(), "a score for each label");
  return weighted_ap(ranked(scores), scores, labels, [](std::uint32_t) { return 1.0; });
}

double brier(Scores probabilities, Labels labels) {
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i)
    sum += (probabilities[i] - labels[i]) * (probabilities[i] - labels[i]);
  return labels.empty() ? 0 : sum / static_cast<double>(labels.size());
}

std::vector<CurvePoint> calibration(Scores probabilities, Labels labels, std::size_t bins) {
  std::vector<std::uint32_t> order = ranked(probabilities);
  std::reverse(order.begin(), order.end());
  std::vector<CurvePoint> points;
  for (std::size_t b = 0; b < bins; ++b) {
    CurvePoint point;
    for (std::size_t at = order.size() * b / bins; at < order.size() * (b + 1) / bins; ++at) {
      point.x += probabilities[order[at]];
      point.y += labels[order[at]];
      ++point.count;
    }
    if (point.count == 0) continue;
    point.x /= static_cast<double>(point.count);
    point.y /= static_cast<double>(point.count);
    points.push_back(point);
  }
  return points;
}

double expected_calibration_error(Scores probabilities, Labels labels, std::size_t bins) {
  double sum = 0;
  for (const CurvePoint& point : calibration(probabilities, labels, bins))
    sum += std::abs(point.x - point.y) * static_cast<double>(point.count);
  return labels.empty() ? 0 : sum / static_cast<double>(labels.size());
}

AtBudget at_budget(Scores scores, Labels labels, double share) {
  AtBudget at;
  if (labels.empty()) return at;
  const auto positives = std::count(labels.begin(), labels.end(), 1);
  at.alerts =
      std::max<std::size_t>(1, static_cast<std::size_t>(std::floor(share * static_cast<double>(labels.size()))));
  const std::vector<std::uint32_t> order = ranked(scores);
  for (std::size_t i = 0; i < at.alerts; ++i) at.hits += labels[order[i]];
  at.threshold = scores[order[at.alerts - 1]];
  at.recall = positives == 0 ? 0 : static_cast<double>(at.hits) / static_cast<double>(positives);
  at.precision = static_cast<double>(at.hits) / static_cast<double>(at.alerts);
  return at;
}

Interval wilson(std::size_t hits, std::size_t of) {
  if (of == 0) return {};
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(of);
  const double p = static_cast<double>(hits) / n;
  const double middle = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Interval bootstrap_by_day(Scores a, Scores b, Labels labels, std::span<const std::int32_t> days, std::size_t rounds,
                          std::uint64_t seed) {
  if (labels.empty()) return {0, 0};
  std::vector<std::uint32_t> block(labels.size());
  for (std::size_t i = 1; i < labels.size(); ++i) block[i] = block[i - 1] + (days[i] != days[i - 1] ? 1 : 0);
  const std::uint32_t blocks = block.back() + 1;
  const auto order_a = ranked(a);
  const auto order_b = ranked(b);
  std::vector<double> drawn;
  std::vector<double> times(blocks);
  for (std::size_t r = 0; r < rounds; ++r) {
    std::fill(times.begin(), times.end(), 0.0);
    for (std::uint32_t i = 0; i < blocks; ++i) ++times[next_random(seed) % blocks];
    const auto weight = [&](std::uint32_t i) { return times[block[i]]; };
    const double of_b = b.empty() ? 0 : weighted_ap(order_b, b, labels, weight);
    drawn.push_back(weighted_ap(order_a, a, labels, weight) - of_b);
  }
  std::sort(drawn.begin(), drawn.end());
  const auto at = [&](double share) {
    return drawn[static_cast<std::size_t>(share * static_cast<double>(drawn.size() - 1))];
  };
  return {at(0.025), at(0.975)};
}

std::vector<CurvePoint> precision_recall(Scores scores, Labels labels, std::size_t points) {
  const auto order = ranked(scores);
  const auto positives = static_cast<double>(std::count(labels.begin(), labels.end(), 1));
  std::vector<CurvePoint> curve;
  if (positives <= 0) return curve;
  double hits = 0;
  double drawn = -1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    hits += labels[order[i]];
    const double recall = hits / positives;
    if (recall - drawn < 1.0 / static_cast<double>(points) || labels[order[i]] == 0) continue;
    curve.push_back({recall, hits / static_cast<double>(i + 1), i + 1});
    drawn = recall;
  }
  return curve;
}

Drift drift(std::span<const float> then, std::span<const float> now) {
  constexpr std::size_t kBins = 10;
  Drift result;
  if (then.empty() || now.empty()) return result;
  std::vector<float> known;
  for (const float value : then)
    if (!std::isnan(value)) known.push_back(value);
  std::sort(known.begin(), known.end());
  std::vector<float> bounds;
  for (std::size_t b = 1; b < kBins && !known.empty(); ++b) {
    const float bound = known[known.size() * b / kBins];
    if (bounds.empty() || bound > bounds.back()) bounds.push_back(bound);
  }
  const auto shares = [&bounds](std::span<const float> values) {
    std::vector<double> bins(bounds.size() + 2);
    for (const float value : values)
      ++bins[std::isnan(value) ? 0
                               : 1 + static_cast<std::size_t>(std::upper_bound(bounds.begin(), bounds.end(), value) -
                                                              bounds.begin())];
    for (double& bin : bins)
      bin = (bin + 0.5) / (static_cast<double>(values.size()) + 0.5 * static_cast<double>(bins.size()));
    return bins;
  };
  const auto before = shares(then);
  const auto after = shares(now);
  for (std::size_t b = 0; b < before.size(); ++b) result.psi += (after[b] - before[b]) * std::log(after[b] / before[b]);
  // Yurdakul and Naranjo, "Statistical properties of the population stability index" (2020): mean (B-1)(1/N + 1/M).
  result.expected = static_cast<double>(before.size() - 1) *
                    (1.0 / static_cast<double>(then.size()) + 1.0 / static_cast<double>(now.size()));
  const auto missing = [](std::span<const float> values) {
    const auto count = std::count_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
    return static_cast<double>(count) / static_cast<double>(values.size());
  };
  result.missing_then = missing(then);
  result.missing_now = missing(now);
  return result;
}

}  // namespace ledgermill::model
