// SPDX-License-Identifier: Apache-2.0
#include "model/logistic.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/failure.h"

namespace ledgermill::model {

namespace {

double logistic(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

/// Solves A x = b for a positive definite A (row by row, `n` each) by Cholesky; A is destroyed.
std::vector<double> solved(std::vector<double>& a, std::vector<double> b, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

constexpr double kMostSpreads = 6;

/// The constant, then of each feature: its value, its size, whether it is missing.
void put_inputs(const float* row, const std::vector<double>& middle, const std::vector<double>& spread,
                std::vector<double>& x) {
  x[0] = 1;
  for (std::size_t f = 0; f < middle.size(); ++f) {
    double* three = x.data() + 1 + 3 * f;
    const bool missing = std::isnan(row[f]);
    const double z =
        missing || spread[f] <= 0 ? 0 : std::clamp((row[f] - middle[f]) / spread[f], -kMostSpreads, kMostSpreads);
    three[0] = z;
    three[1] = std::abs(z);
    three[2] = missing ? 1 : 0;
  }
}

}  // namespace

Logistic Logistic::train(const Dataset& data) {
  Logistic model;
  model.width_ = data.width;
  model.middle_.assign(data.width, 0);
  model.spread_.assign(data.width, 0);
  for (std::size_t f = 0; f < data.width; ++f) {
    double n = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const double value = data.row(i)[f];
      if (std::isnan(value)) continue;
      ++n, sum += value, squares += value * value;
    }
    if (n < 2) continue;
    model.middle_[f] = sum / n;
    const double variance = squares / n - model.middle_[f] * model.middle_[f];
    model.spread_[f] = variance > 1e-12 ? std::sqrt(variance) : 0;
  }
  const std::size_t n = 1 + 3 * data.width;
  const std::size_t positives = data.positives();
  const std::size_t step = 1 + (data.rows() - positives) / kMostRows;
  model.weights_.assign(n, 0);
  std::vector<double> x(n);
  constexpr int kMostRounds = 25;
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<double> hessian(n * n), gradient(n);
    std::size_t negative = 0;
    for (std::size_t i = 0; i < data.rows(); ++i) {
      if (data.labels[i] == 0 && negative++ % step != 0) continue;
      const double weight = data.labels[i] != 0 ? 1 : static_cast<double>(step);
      put_inputs(data.row(i), model.middle_, model.spread_, x);
      double margin = 0;
      for (std::size_t j = 0; j < n; ++j) margin += x[j] * model.weights_[j];
      const double p = logistic(margin);
      const double curvature = weight * std::max(p * (1 - p), 1e-9);
      const double slope = weight * (data.labels[i] - p);
      for (std::size_t j = 0; j < n; ++j) {
        if (x[j] == 0) continue;
        gradient[j] += slope * x[j];
        const double times = curvature * x[j];
        double* line = hessian.data() + j * n;
        for (std::size_t k = 0; k <= j; ++k) line[k] += times * x[k];
      }
    }
    for (std::size_t j = 0; j < n; ++j) {
      constexpr double kRidge = 1;
      hessian[j * n + j] += j == 0 ? 1e-6 : kRidge;
      gradient[j] -= (j == 0 ? 1e-6 : kRidge) * model.weights_[j];
    }
    const std::vector<double> change = solved(hessian, gradient, n);
    double largest = 0;
    for (const double c : change) largest = std::max(largest, std::abs(c));
    const double damped = largest > 4 ? 4 / largest : 1;
    for (std::size_t j = 0; j < n; ++j) model.weights_[j] += damped * change[j];
    if (largest < 1e-5) break;
  }
  return model;
}

double Logistic::margin(const float* row) const {
  double margin = weights_[0];
  for (std::size_t f = 0; f < width_; ++f) {
    const double* three = weights_.data() + 1 + 3 * f;
    if (std::isnan(row[f])) {
      margin += three[2];
    } else if (spread_[f] > 0) {
      const double z = std::clamp((row[f] - middle_[f]) / spread_[f], -kMostSpreads, kMostSpreads);
      margin += three[0] * z + three[1] * std::abs(z);
    }
  }
  return margin;
}

std::string Logistic::json() const {
  return nlohmann::ordered_json{{"width", width_}, {"middle", middle_}, {"spread", spread_}, {"weights", weights_}}
             .dump() +
         "\n";
}

Logistic Logistic::from_json(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Logistic model;
    model.width_ = json.at("width");
    model.middle_ = json.at("middle").get<std::vector<double>>();
    model.spread_ = json.at("spread").get<std::vector<double>>();
    model.weights_ = json.at("weights").get<std::vector<double>>();
    if (model.middle_.size() == model.width_ && model.spread_.size() == model.width_ &&
        model.weights_.size() == 1 + 3 * model.width_)
      return model;
  } catch (const nlohmann::json::exception&) {  // said below
  }
  throw Failure(ReturnCode::kRefused, "a logistic model is damaged", "promote another model, or train again");
}

double Platt::probability(double margin) const { return logistic(a * margin + b); }

Platt Platt::fit(const std::vector<double>& margins, const std::vector<std::uint8_t>& labels) {
  const auto positives = static_cast<double>(std::count(labels.begin(), labels.end(), 1));
  const double negatives = static_cast<double>(labels.size()) - positives;
  Platt platt;
  if (positives == 0 || negatives == 0) return platt;
  const double high = (positives + 1) / (positives + 2);
  const double low = 1 / (negatives + 2);
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    double ga = 0, gb = 0, aa = 1e-9, ab = 0, bb = 1e-9;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      const double p = platt.probability(margins[i]);
      const double slope = (labels[i] != 0 ? high : low) - p;
      const double curvature = std::max(p * (1 - p), 1e-12);
      ga += slope * margins[i], gb += slope;
      aa += curvature * margins[i] * margins[i], ab += curvature * margins[i], bb += curvature;
    }
    const double determinant = aa * bb - ab * ab;
    if (!(std::abs(determinant) > 1e-18)) break;
    const double da = std::clamp((bb * ga - ab * gb) / determinant, -1.0, 1.0);
    const double db = std::clamp((aa * gb - ab * ga) / determinant, -2.0, 2.0);
    platt.a += da;
    platt.b += db;
    if (std::abs(da) + std::abs(db) < 1e-9) break;
  }
  return platt;
}

}  // namespace ledgermill::model
