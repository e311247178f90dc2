// SPDX-License-Identifier: Apache-2.0
#include "model/suspicion_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "base/file.h"
#include "base/sha256.h"
#include "model/expert_rules.h"

namespace ledgermill::model {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

/// Of the bytes of xgboost.ubj, cause.ubj and logistic.json.
std::string id_of(const std::array<std::string, 3>& files) {
  Sha256 sha;
  for (const std::string& bytes : files) {
    sha.update(std::to_string(bytes.size()));
    sha.update(bytes);
  }
  return sha.finish().hex12();
}

std::vector<std::string> feature_names() { return {kFeatures.begin(), kFeatures.end()}; }

std::vector<float> labels_of(const Dataset& data) { return {data.labels.begin(), data.labels.end()}; }

void refuse_one_class(const char* part, const Dataset& data) {
  const std::size_t positives = data.positives();
  if (data.rows() > 0 && positives > 0 && positives < data.rows()) return;
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("insufficient evidence: the {} part has {} rows, {} of them wrong", part, data.rows(), positives),
      "more days, or more labels (ledgermill feedback); nothing was trained");
}

void put(const fs::path& path, const std::string& bytes) {
  if (fs::exists(path)) return;
  if (!create_new_file(path, bytes) && read_small_file(path, std::size_t{1} << 30) != bytes)
    throw Failure(ReturnCode::kUnavailable, fmt::format("'{}' is written by another run", path.string()));
}

Json options_json(const BoosterOptions& o) {
  return {{"rounds", o.rounds},
          {"early_stop", o.early_stop},
          {"depth", o.depth},
          {"eta", o.eta},
          {"min_child_weight", o.min_child_weight},
          {"subsample", o.subsample},
          {"columns", o.columns},
          {"seed", o.seed}};
}

}  // namespace

const char* SuspicionModel::kind_name(Kind kind) {
  switch (kind) {
    case Kind::kXgboost:
      return "xgboost";
    case Kind::kLogistic:
      return "logistic";
    case Kind::kRules:
      return "rules";
  }
  return "";
}

SuspicionModel SuspicionModel::train(const SplitDataset& data, const DatasetManifest& manifest,
                                     const BoosterOptions& options) {
  refuse_one_class("training", data.train);
  refuse_one_class("validation", data.validation);
  const auto labels = labels_of(data.train);
  const auto watched = labels_of(data.validation);
  return around(Booster::train({data.train.values, data.train.width, labels},
                               {data.validation.values, data.validation.width, watched}, feature_names(), options),
                data, manifest, options);
}

SuspicionModel SuspicionModel::around(Booster booster, const SplitDataset& data, const DatasetManifest& manifest,
                                      const BoosterOptions& options) {
  refuse_one_class("training", data.train);
  refuse_one_class("validation", data.validation);
  SuspicionModel model(std::move(booster), Logistic::train(data.train));
  model.booster_bytes_ = model.booster_.ubj();
  model.learn_causes(data, options);
  model.calibrate(data.validation);
  model.lineage.data_sha256 = manifest.data_sha256;
  model.lineage.as_of = manifest.as_of;
  model.lineage.schema = manifest.schema;
  model.lineage.library = Booster::library_version();
  model.lineage.train_rows = data.train.rows();
  model.lineage.train_positives = data.train.positives();
  model.lineage.options = options;
  model.make_id();
  return model;
}

/// Which cause, given that the row is wrong: from the wrong rows alone, so it is quick.
void SuspicionModel::learn_causes(const SplitDataset& data, const BoosterOptions& options) {
  std::map<std::string, float> places;
  std::vector<float> values, labels;
  for (const Dataset* part : {&data.train, &data.validation}) {
    for (std::size_t i = 0; i < part->rows(); ++i)
      if (part->labels[i] != 0 && !part->ids[i].cause.empty()) places.emplace(part->ids[i].cause, 0.0F);
  }
  if (places.size() < 2) return;
  for (auto& [name, place] : places) {
    place = static_cast<float>(cause_names_.size());
    cause_names_.push_back(name);
  }
  for (const Dataset* part : {&data.train, &data.validation}) {
    for (std::size_t i = 0; i < part->rows(); ++i) {
      if (part->labels[i] == 0 || part->ids[i].cause.empty()) continue;
      values.insert(values.end(), part->row(i), part->row(i) + part->width);
      labels.push_back(places[part->ids[i].cause]);
    }
  }
  BoosterOptions few = options;
  few.rounds = 60;
  few.early_stop = 0;
  few.depth = 4;
  few.eta = 0.15;
  few.min_child_weight = 1;
  few.classes = std::max(3U, static_cast<unsigned>(places.size()));
  cause_ = Booster::train({values, data.train.width, labels}, {}, feature_names(), few);
  cause_bytes_ = cause_->ubj();
}

std::vector<double> SuspicionModel::margins(Kind kind, const Dataset& data) const {
  if (kind == Kind::kXgboost) return booster_.margins({data.values, data.width, {}});
  std::vector<double> margins(data.rows());
  for (std::size_t i = 0; i < margins.size(); ++i)
    margins[i] = kind == Kind::kLogistic ? logistic_.margin(data.row(i)) : expert_score(data.row(i));
  return margins;
}

void SuspicionModel::calibrate(const Dataset& validation) {
  for (const Kind kind : kKinds)
    platt_[static_cast<std::size_t>(kind)] = Platt::fit(margins(kind, validation), validation.labels);
}

std::vector<double> SuspicionModel::probabilities(Kind kind, const Dataset& data) const {
  std::vector<double> values = margins(kind, data);
  for (double& value : values) value = platt_[static_cast<std::size_t>(kind)].probability(value);
  return values;
}

std::vector<std::vector<SuspicionModel::Cause>> SuspicionModel::causes(const Dataset& data) const {
  std::vector<std::vector<Cause>> all(data.rows());
  if (!cause_ || data.rows() == 0) return all;
  const std::vector<float> values = cause_->probabilities({data.values, data.width, {}});
  const std::size_t classes = values.size() / data.rows();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t c = 0; c < cause_names_.size(); ++c) all[i].push_back({cause_names_[c], values[i * classes + c]});
    std::stable_sort(all[i].begin(), all[i].end(),
                     [](const Cause& a, const Cause& b) { return a.probability > b.probability; });
  }
  return all;
}

std::vector<std::vector<SuspicionModel::ReasonOf>> SuspicionModel::reasons(const Dataset& data,
                                                                           std::size_t most) const {
  std::vector<std::vector<ReasonOf>> all(data.rows());
  if (data.rows() == 0) return all;
  const std::vector<float> values = booster_.contributions({data.values, data.width, {}});
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t f = 0; f < data.width; ++f) {
      const float value = values[i * (data.width + 1) + f];
      if (value > 0) all[i].push_back({std::string(kFeatures[f]), value});
    }
    std::stable_sort(all[i].begin(), all[i].end(),
                     [](const ReasonOf& a, const ReasonOf& b) { return a.log_odds > b.log_odds; });
    if (all[i].size() > most) all[i].resize(most);
  }
  return all;
}

void SuspicionModel::make_id() { id_ = id_of({booster_bytes_, cause_bytes_, logistic_.json()}); }

void SuspicionModel::save(const fs::path& root) const {
  const fs::path folder = root / id_;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make '{}': {}", folder.string(), error.message()));
  put(folder / "xgboost.ubj", booster_bytes_);
  put(folder / "cause.ubj", cause_bytes_);
  put(folder / "logistic.json", logistic_.json());
  Json platt = Json::object();
  for (const Kind kind : kKinds)
    platt[kind_name(kind)] = {{"a", platt_[static_cast<std::size_t>(kind)].a},
                              {"b", platt_[static_cast<std::size_t>(kind)].b}};
  const Json json{{"version", 1},
                  {"id", id_},
                  {"schema", lineage.schema},
                  {"features", feature_names()},
                  {"causes", cause_names_},
                  {"platt", platt},
                  {"lineage",
                   {{"data_sha256", lineage.data_sha256},
                    {"as_of", lineage.as_of},
                    {"program", lineage.program},
                    {"library", lineage.library},
                    {"trained_at", lineage.trained_at},
                    {"trained_on", lineage.trained_on},
                    {"train_rows", lineage.train_rows},
                    {"train_positives", lineage.train_positives},
                    {"parameters", options_json(lineage.options)}}}};
  if (!fs::exists(folder / "model.json")) put(folder / "model.json", json.dump(2) + "\n");
}

SuspicionModel SuspicionModel::load(const fs::path& folder) {
  constexpr std::size_t kMost = std::size_t{1} << 30;
  if (!fs::exists(folder / "model.json"))
    throw Failure(ReturnCode::kRefused, fmt::format("there is no model '{}'", folder.string()),
                  "ledgermill models list shows those there are");
  try {
    const Json json = Json::parse(read_small_file(folder / "model.json"));
    if (json.at("schema") != feature_schema())
      throw Failure(ReturnCode::kRefused,
                    fmt::format("model '{}' was trained on features of another version", folder.string()),
                    "train again: ledgermill train");
    const std::array<std::string, 3> files{read_small_file(folder / "xgboost.ubj", kMost),
                                           read_small_file(folder / "cause.ubj", kMost),
                                           read_small_file(folder / "logistic.json")};
    // Before libxgboost sees them: 1.7 reads behind the end of a file that was cut.
    const std::string id = id_of(files);
    if (id != json.at("id").get<std::string>())
      throw Failure(ReturnCode::kRefused,
                    fmt::format("model '{}' is damaged: its files are those of {}", folder.string(), id),
                    "promote another model, or train again");
    SuspicionModel model(Booster::load(files[0]), Logistic::from_json(files[2]));
    model.booster_bytes_ = files[0];
    model.cause_bytes_ = files[1];
    model.cause_names_ = json.at("causes").get<std::vector<std::string>>();
    if (!model.cause_bytes_.empty()) model.cause_ = Booster::load(model.cause_bytes_);
    for (const Kind kind : kKinds) {
      const Json& platt = json.at("platt").at(kind_name(kind));
      model.platt_[static_cast<std::size_t>(kind)] = {platt.at("a"), platt.at("b")};
    }
    const Json& from = json.at("lineage");
    model.lineage.data_sha256 = from.at("data_sha256");
    model.lineage.as_of = from.at("as_of");
    model.lineage.schema = json.at("schema");
    model.lineage.program = from.at("program");
    model.lineage.library = from.at("library");
    model.lineage.trained_at = from.at("trained_at");
    model.lineage.trained_on = from.at("trained_on");
    model.lineage.train_rows = from.at("train_rows");
    model.lineage.train_positives = from.at("train_positives");
    model.id_ = id;
    return model;
  } catch (const nlohmann::json::exception&) {
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no model of ours", (folder / "model.json").string()),
                  "train again: ledgermill train");
  }
}

}  // namespace ledgermill::model
