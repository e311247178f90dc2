// SPDX-License-Identifier: Apache-2.0
#include "model/leak_gates.h"

#include <fmt/core.h>

#include <algorithm>
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

/// The median of several exchanges: one alone may hit by chance.
Gate permuted_gate(const SplitDataset& data, const std::vector<std::string>& names) {
  constexpr int kExchanges = 5;
  std::vector<float> labels = as_floats(data.train.labels);
  std::vector<double> reached;
  std::uint64_t state = 1;
  for (int round = 0; round < kExchanges; ++round) {
    for (std::size_t i = labels.size(); i > 1; --i) {
      state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth, MMIX
      std::swap(labels[i - 1], labels[(state >> 33) % i]);
    }
    const Booster booster = Booster::train({data.train.values, data.train.width, labels}, {}, names, quick(15, 4));
    reached.push_back(ap_of(booster, data.test.values, data.test.width, data.test));
  }
  std::sort(reached.begin(), reached.end());
  const double ap = reached[kExchanges / 2];
  const double prevalence = static_cast<double>(data.test.positives()) / static_cast<double>(data.test.rows());
  return {"permuted_labels", ap <= kMostPermuted * prevalence,
          fmt::format("average precision {:.4f} on exchanged labels (median of {}), {:.4f} of the rows are wrong", ap,
                      kExchanges, prevalence)};
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
