// SPDX-License-Identifier: Apache-2.0
#include "model/leak_gates.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "model/metrics.h"
#include "model/xgboost.h"

namespace ledgermill::model {

namespace {

constexpr double kMostOfOne = 0.5;
constexpr double kTooGood = 0.98;
constexpr double kMostPermuted = 3;

std::vector<float> column(const Dataset& data, std::size_t f) {
  std::vector<float> values(data.rows());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = data.row(i)[f];
  return values;
}

std::vector<float> as_floats(const std::vector<std::uint8_t>& labels) { return {labels.begin(), labels.end()}; }

BoosterOptions quick(unsigned rounds, unsigned depth) {
  BoosterOptions options;
  options.rounds = rounds;
  options.depth = depth;
  options.early_stop = 0;
  options.eta = 0.3;
  options.columns = 1;
  return options;
}

double ap_of(const Booster& booster, std::span<const float> values, std::size_t width, const Dataset& test) {
  return average_precision(booster.margins({values, width, {}}), test.labels);
}

/// Labels drawn by the bytes of each row: rows that are equal get the same, whatever part they stand in.
std::vector<std::uint8_t> drawn_labels(const Dataset& data, double share, std::uint64_t round) {
  std::vector<std::uint8_t> labels(data.rows());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto bytes = std::as_bytes(std::span(data.row(i), data.width));
    std::uint64_t hash = 0xcbf29ce484222325U + round;  // FNV-1a, 64 bits
    for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
    hash ^= hash >> 29;  // FNV's upper bits are the weaker ones for short input
    hash *= 0xbf58476d1ce4e5b9U;
    labels[i] = static_cast<double>(hash >> 11) * 0x1p-53 < share ? 1 : 0;
  }
  return labels;
}

/// Labels that mean nothing can be learned only where a row of the test part stands in the train part too.
Gate permuted_gate(const SplitDataset& data, const std::vector<std::string>& names) {
  constexpr int kDraws = 3;
  const double share = std::max(0.001, static_cast<double>(data.train.positives()) /
                                           static_cast<double>(std::max<std::size_t>(1, data.train.rows())));
  BoosterOptions memory = quick(15, 10);
  memory.min_child_weight = 0;
  memory.subsample = 1;
  std::vector<double> times;
  for (std::uint64_t round = 0; round < kDraws; ++round) {
    const std::vector<float> labels = as_floats(drawn_labels(data.train, share, round));
    const std::vector<std::uint8_t> wanted = drawn_labels(data.test, share, round);
    const auto positives = std::count(wanted.begin(), wanted.end(), 1);
    if (positives == 0) continue;
    const Booster booster = Booster::train({data.train.values, data.train.width, labels}, {}, names, memory);
    const double ap = average_precision(booster.margins({data.test.values, data.test.width, {}}), wanted);
    times.push_back(ap * static_cast<double>(wanted.size()) / static_cast<double>(positives));
  }
  if (times.empty()) return {"permuted_labels", true, "too few rows to draw labels for"};
  std::sort(times.begin(), times.end());
  const double middle = times[times.size() / 2];
  return {"permuted_labels", middle <= kMostPermuted,
          fmt::format("average precision {:.2f} times the share of positives on labels drawn at random (median of {})",
                      middle, times.size())};
}

}  // namespace

std::vector<Gate> leak_gates(const SplitDataset& data, const std::vector<std::string>& names,
                             double average_precision) {
  const std::vector<float> labels = as_floats(data.train.labels);
  double best = -1;
  std::string best_name;
  for (std::size_t f = 0; f < data.train.width; ++f) {
    const std::vector<float> train = column(data.train, f);
    const Booster booster = Booster::train({train, 1, labels}, {}, {names[f]}, quick(10, 2));
    const double ap = ap_of(booster, column(data.test, f), 1, data.test);
    if (ap > best) best = ap, best_name = names[f];
  }
  return {{"single_feature", best <= kMostOfOne * average_precision,
           fmt::format("'{}' alone reaches {:.3f} of the model's {:.3f}", best_name, best, average_precision)},
          {"too_good", average_precision <= kTooGood,
           fmt::format("average precision {:.3f}; the best single feature is '{}'", average_precision, best_name)},
          permuted_gate(data, names)};
}

Gate past_only_gate(std::span<const Observation> observations, const MakeFeatures& make,
                    const std::vector<std::string>& names) {
  const auto half = observations.first(observations.size() / 2);
  const auto with_future = make(observations);
  const auto without = make(half);
  for (std::size_t i = 0; i < half.size(); ++i) {
    for (std::size_t f = 0; f < without[i].size(); ++f) {
      if (std::memcmp(&without[i][f], &with_future[i][f], sizeof(float)) == 0) continue;
      return {"past_only", false,
              fmt::format("'{}' of row {} changes when later rows are taken away", names.at(f), i + 1)};
    }
  }
  return {"past_only", true,
          fmt::format("{} rows are equal byte for byte with the {} later ones taken away", half.size(),
                      observations.size() - half.size())};
}

std::vector<std::vector<float>> stream_features(std::span<const Observation> observations) {
  FeatureStream stream;
  std::vector<std::vector<float>> rows;
  for (const Observation& observation : observations) {
    const FeatureRow row = stream.next(observation);
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}

}  // namespace ledgermill::model
