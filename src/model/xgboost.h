// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ledgermill::model {

struct BoosterOptions {
  unsigned rounds = 400;
  unsigned early_stop = 30;  ///< rounds without a better validation; 0 for none
  unsigned depth = 6;
  double eta = 0.08;
  double min_child_weight = 3;
  double subsample = 0.8;
  double columns = 0.7;
  std::uint64_t seed = 1;
  unsigned threads = 1;  ///< the model's bytes do not depend on it
  unsigned classes = 2;  ///< 2: binary:logistic; more: multi:softprob
};

/// Rows of floats for a booster, row after row; NaN is missing. `labels` may be empty for scoring. Views.
struct Rows {
  std::span<const float> values;
  std::size_t width = 0;
  std::span<const float> labels;

  std::size_t count() const { return width == 0 ? 0 : values.size() / width; }
};

/// A boosted tree model of libxgboost 1.7, which is loaded at run time (dlopen) by the first call here: a program that
/// never learns needs no such library. libxgboost starts OpenMP threads, after which a forked child that uses them
/// hangs for ever; so a process that calls this room must never fork a worker or judge. The commands that learn do not.
///
/// Failure RC 8: the library is missing or of an untested version (the hint names the package), or a damaged model.
class Booster {
 public:
  Booster(Booster&&) noexcept;
  Booster& operator=(Booster&&) noexcept;
  ~Booster();

  /// Early stopping watches aucpr (binary) or mlogloss of `validation`; the model is cut to its best round.
  static Booster train(const Rows& rows, const Rows& validation, const std::vector<std::string>& names,
                       const BoosterOptions& options);
  /// From the bytes of `ubj` or of the container's `xgboost-model`.
  static Booster load(const std::string& bytes);

  /// Universal binary JSON.
  std::string ubj() const;
  /// Log odds of each row (binary).
  std::vector<double> margins(const Rows& rows) const;
  /// Rows times classes.
  std::vector<float> probabilities(const Rows& rows) const;
  /// SHAP values: (width + 1) a row, the last the bias; they add up to the margin. Binary only.
  std::vector<float> contributions(const Rows& rows) const;

  static std::string library_version();  ///< "1.7.4"

 private:
  struct Handle;
  explicit Booster(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace ledgermill::model
