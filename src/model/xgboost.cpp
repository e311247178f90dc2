// SPDX-License-Identifier: Apache-2.0
#include "model/xgboost.h"

#include <dlfcn.h>
#include <fmt/core.h>
#include <xgboost/c_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/failure.h"

namespace ledgermill::model {

namespace {

// The functions of libxgboost that are used.
#define LM_XGBOOST_FUNCTIONS(X)  \
  X(XGBGetLastError)             \
  X(XGBoostVersion)              \
  X(XGDMatrixCreateFromDense)    \
  X(XGDMatrixSetFloatInfo)       \
  X(XGDMatrixFree)               \
  X(XGBoosterCreate)             \
  X(XGBoosterFree)               \
  X(XGBoosterSetParam)           \
  X(XGBoosterUpdateOneIter)      \
  X(XGBoosterEvalOneIter)        \
  X(XGBoosterSlice)              \
  X(XGBoosterSetStrFeatureInfo)  \
  X(XGBoosterPredictFromDMatrix) \
  X(XGBoosterSaveModelToBuffer)  \
  X(XGBoosterLoadModelFromBuffer)

struct Library {
#define LM_XGBOOST(name) decltype(&::name) name = nullptr;  // by its own declaration
  LM_XGBOOST_FUNCTIONS(LM_XGBOOST)
#undef LM_XGBOOST
  std::string version;
};

Library loaded() {
  // Idle OpenMP threads sleep instead of spinning: under contention spinning costs a factor of 2.5 to 20.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  void* handle = ::dlopen("libxgboost.so.0", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw Failure(ReturnCode::kRefused, "libxgboost.so.0 cannot be loaded",
                  "install it: apt-get install --no-install-recommends libxgboost0 (1.7)");
  Library library;
#define LM_XGBOOST(name)                                                           \
  library.name = reinterpret_cast<decltype(library.name)>(::dlsym(handle, #name)); \
  if (library.name == nullptr)                                                     \
    throw Failure(ReturnCode::kRefused, "libxgboost.so.0 has no " #name, "install libxgboost 1.7");
  LM_XGBOOST_FUNCTIONS(LM_XGBOOST)
#undef LM_XGBOOST
#undef LM_XGBOOST_FUNCTIONS
  int major = 0, minor = 0, patch = 0;
  library.XGBoostVersion(&major, &minor, &patch);
  library.version = fmt::format("{}.{}.{}", major, minor, patch);
  if (major != 1 || minor != 7)
    throw Failure(ReturnCode::kRefused, fmt::format("libxgboost is version {}; only 1.7 is tested", library.version),
                  "install libxgboost0 1.7 (Debian 12 has 1.7.4)");
  return library;
}

const Library& library() {
  static const Library kLibrary = loaded();
  return kLibrary;
}

void check(int status) {
  if (status == 0) return;
  std::string what = library().XGBGetLastError();
  const auto line = what.find('\n');
  throw Failure(ReturnCode::kRefused, fmt::format("libxgboost: {}", what.substr(0, line)),
                "the model or its data are damaged; train again");
}

class Matrix {
 public:
  explicit Matrix(const Rows& rows) {
    const std::string array =
        fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                    reinterpret_cast<std::uintptr_t>(rows.values.data()), rows.count(), rows.width);
    check(library().XGDMatrixCreateFromDense(array.c_str(), R"({"missing":NaN,"nthread":1})", &handle_));
    if (!rows.labels.empty())
      check(library().XGDMatrixSetFloatInfo(handle_, "label", rows.labels.data(), rows.labels.size()));
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;
  ~Matrix() { library().XGDMatrixFree(handle_); }
  DMatrixHandle get() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

std::vector<float> predicted(BoosterHandle booster, const Rows& rows, int type) {
  if (rows.count() == 0) return {};
  const Matrix matrix(rows);
  const std::string config =
      fmt::format(R"({{"type":{},"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false}})", type);
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* out = nullptr;
  check(library().XGBoosterPredictFromDMatrix(booster, matrix.get(), config.c_str(), &shape, &dimensions, &out));
  bst_ulong size = 1;
  for (bst_ulong d = 0; d < dimensions; ++d) size *= shape[d];
  return {out, out + size};
}

}  // namespace

struct Booster::Handle {
  BoosterHandle booster = nullptr;
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (booster != nullptr) library().XGBoosterFree(booster);
  }
};

Booster::Booster(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Booster::Booster(Booster&&) noexcept = default;
Booster& Booster::operator=(Booster&&) noexcept = default;
Booster::~Booster() = default;

Booster Booster::train(const Rows& rows, const Rows& validation, const std::vector<std::string>& names,
                       const BoosterOptions& options) {
  const Matrix train(rows);
  std::unique_ptr<Matrix> watched;
  if (validation.count() > 0 && options.early_stop > 0) watched = std::make_unique<Matrix>(validation);
  auto handle = std::make_unique<Handle>();
  std::array<DMatrixHandle, 2> matrices{train.get(), watched ? watched->get() : nullptr};
  check(library().XGBoosterCreate(matrices.data(), watched ? 2 : 1, &handle->booster));
  const bool many = options.classes > 2;
  std::vector<std::pair<std::string, std::string>> parameters{
      {"objective", many ? "multi:softprob" : "binary:logistic"},
      {"eval_metric", many ? "mlogloss" : "aucpr"},
      {"tree_method", "hist"},
      {"max_depth", std::to_string(options.depth)},
      {"eta", fmt::format("{}", options.eta)},
      {"min_child_weight", fmt::format("{}", options.min_child_weight)},
      {"subsample", fmt::format("{}", options.subsample)},
      {"colsample_bytree", fmt::format("{}", options.columns)},
      {"base_score", "0.5"},
      {"seed", std::to_string(options.seed)},
      {"nthread", std::to_string(options.threads)},
      {"verbosity", "0"}};
  if (many) parameters.emplace_back("num_class", std::to_string(options.classes));
  for (const auto& [name, value] : parameters)
    check(library().XGBoosterSetParam(handle->booster, name.c_str(), value.c_str()));
  double best = many ? std::numeric_limits<double>::infinity() : -1;
  int best_round = static_cast<int>(options.rounds) - 1;
  const char* name = "validation";
  for (int round = 0; round < static_cast<int>(options.rounds); ++round) {
    check(library().XGBoosterUpdateOneIter(handle->booster, round, train.get()));
    if (!watched) continue;
    DMatrixHandle matrix = watched->get();
    const char* text = nullptr;
    check(library().XGBoosterEvalOneIter(handle->booster, round, &matrix, &name, 1, &text));
    const std::string line = text;
    const double value = std::strtod(line.c_str() + line.rfind(':') + 1, nullptr);
    if (round == 0 || (many ? value < best : value > best)) {
      best = value;
      best_round = round;
    }
    if (round - best_round >= static_cast<int>(options.early_stop)) break;
  }
  auto cut = std::make_unique<Handle>();
  check(library().XGBoosterSlice(handle->booster, 0, best_round + 1, 1, &cut->booster));
  check(library().XGBoosterSetParam(cut->booster, "nthread", "1"));
  std::vector<const char*> texts;
  for (const std::string& each : names) texts.push_back(each.c_str());
  check(library().XGBoosterSetStrFeatureInfo(cut->booster, "feature_name", texts.data(), texts.size()));
  return Booster(std::move(cut));
}

Booster Booster::load(const std::string& bytes) {
  auto handle = std::make_unique<Handle>();
  check(library().XGBoosterCreate(nullptr, 0, &handle->booster));
  check(library().XGBoosterLoadModelFromBuffer(handle->booster, bytes.data(), bytes.size()));
  check(library().XGBoosterSetParam(handle->booster, "nthread", "1"));
  return Booster(std::move(handle));
}

std::string Booster::ubj() const {
  bst_ulong length = 0;
  const char* bytes = nullptr;
  check(library().XGBoosterSaveModelToBuffer(handle_->booster, R"({"format":"ubj"})", &length, &bytes));
  return {bytes, length};
}

std::vector<double> Booster::margins(const Rows& rows) const {
  const std::vector<float> values = predicted(handle_->booster, rows, 1);
  return {values.begin(), values.end()};
}

std::vector<float> Booster::probabilities(const Rows& rows) const { return predicted(handle_->booster, rows, 0); }
std::vector<float> Booster::contributions(const Rows& rows) const { return predicted(handle_->booster, rows, 2); }
std::string Booster::library_version() { return library().version; }

}  // namespace ledgermill::model
