// SPDX-License-Identifier: Apache-2.0
#include "batch/evaluate.h"

#include <fmt/core.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/failure.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr double kNormal95 = 1.959963984540054;
constexpr const char* kRecordNumber = "record_number";

double wilson(const Share& share, double sign) {
  if (share.of == 0) return sign < 0 ? 0 : 1;
  const auto n = static_cast<double>(share.of);
  const double square = kNormal95 * kNormal95;
  const double p = share.value();
  const double spread = kNormal95 * std::sqrt(p * (1 - p) / n + square / (4 * n * n));
  return (p + square / (2 * n) + sign * spread) / (1 + square / n);
}

void each_line(const fs::path& path, const std::function<void(std::uint64_t, const Json&)>& take) {
  std::ifstream in(path);
  if (!in) throw Failure(ReturnCode::kRefused, fmt::format("cannot open '{}'", path.string()));
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_discarded() || !json.is_object())
      throw Failure(ReturnCode::kRefused, fmt::format("{}:{}: the line is no JSON object", path.string(), number),
                    "one object a line, e.g. {\"OrderID\": \"1000\", \"category\": \"VIP\"}");
    take(number, json);
  }
  if (in.bad()) throw Failure(ReturnCode::kUnavailable, fmt::format("cannot read '{}'", path.string()));
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// "OrderID": what stands behind the record number in an annotation.
std::string key_field(const Json& annotation) {
  auto second = annotation.items().begin();
  return (++second).key();
}

/// What names the record of a golden line: "record_number 7", "OrderID 1000".
std::string name_of(const Json& json, const std::string& key) {
  if (json.contains(kRecordNumber)) return fmt::format("{} {}", kRecordNumber, json[kRecordNumber].dump());
  return json.contains(key) ? fmt::format("{} {}", key, text_of(json[key])) : "";
}

using Golden = std::map<std::string, Json>;

Golden read_golden(const fs::path& path, const std::string& key) {
  Golden golden;
  each_line(path, [&](std::uint64_t number, const Json& json) {
    const std::string name = name_of(json, key);
    const auto refuse = [&](const std::string& why) {
      throw Failure(ReturnCode::kRefused, fmt::format("{}:{}: {}", path.string(), number, why),
                    fmt::format("a line names its record by {} or {}, once", kRecordNumber, key));
    };
    if (name.empty()) refuse("no record is named");
    if (!golden.emplace(name, json).second) refuse(fmt::format("{} stands there twice", name));
  });
  if (golden.empty()) throw Failure(ReturnCode::kRefused, fmt::format("'{}' holds no golden record", path.string()));
  return golden;
}

void compare(const Json& annotation, const Json& wanted, const std::string& key, Evaluation& evaluation) {
  for (const auto& [field, value] : wanted.items()) {
    if (field == key || field == kRecordNumber) continue;
    if (!annotation.contains(field))
      throw Failure(ReturnCode::kRefused,
                    fmt::format("the golden set has a field '{}', which no annotation has", field),
                    "name its fields as the annotations do; ledgermill enrich export shows them");
    Agreement& agreement = evaluation.fields[field];
    const std::string golden = text_of(value);
    const std::string found = text_of(annotation[field]);
    agreement.all.count(golden == found);
    agreement.by_label[golden].count(golden == found);
    ++agreement.confusion[golden][found];
  }
}

void count_source(const Json& annotation, Evaluation& evaluation) {
  ++evaluation.annotations;
  const Json& from = annotation.at("provenance");
  const std::string verdict = from.value("verdict", "");
  const bool fallback = annotation.value("source", "") == "fallback";
  evaluation.fallback.count(fallback);
  if (fallback) ++evaluation.reasons[verdict];
  evaluation.repaired.count(verdict == "repaired");
  const std::string digest = from.value("model_digest", "");
  ++evaluation.models[from.value("model", "") + (digest.empty() ? "" : " " + digest)];
}

void measure_drift(const fs::path& annotations, const fs::path& baseline, Evaluation& evaluation) {
  std::map<std::uint64_t, Json> before;
  each_line(baseline,
            [&](std::uint64_t, const Json& json) { before[json.at(kRecordNumber).get<std::uint64_t>()] = json; });
  each_line(annotations, [&](std::uint64_t, const Json& json) {
    const auto found = before.find(json.at(kRecordNumber).get<std::uint64_t>());
    if (found == before.end()) {
      ++evaluation.only_here;
      return;
    }
    for (const char* field : {"category", "discount_percent", "suggested_item", "label", "recommendation"}) {
      if (!json.contains(field) || !found->second.contains(field)) continue;
      evaluation.same[field].count(json[field] == found->second[field]);
    }
  });
}

}  // namespace

double Share::low() const { return wilson(*this, -1); }
double Share::high() const { return wilson(*this, 1); }

Evaluation evaluate(const fs::path& annotations, const fs::path& golden_path, const std::optional<fs::path>& baseline) {
  Evaluation evaluation;
  std::optional<Golden> golden;
  std::string key;
  each_line(annotations, [&](std::uint64_t, const Json& annotation) {
    if (!golden) {
      key = key_field(annotation);
      golden = read_golden(golden_path, key);
      evaluation.golden = golden->size();
    }
    count_source(annotation, evaluation);
    const std::string by_number = fmt::format("{} {}", kRecordNumber, annotation.at(kRecordNumber).dump());
    for (const std::string& name : {by_number, fmt::format("{} {}", key, text_of(annotation.at(key)))}) {
      const auto found = golden->find(name);
      if (found == golden->end()) continue;
      compare(annotation, found->second, key, evaluation);
      golden->erase(found);
    }
  });
  if (!golden) throw Failure(ReturnCode::kRefused, fmt::format("'{}' has no annotation", annotations.string()));
  evaluation.missing = golden->size();
  if (baseline) measure_drift(annotations, *baseline, evaluation);
  return evaluation;
}

}  // namespace ledgermill::batch
