// SPDX-License-Identifier: Apache-2.0
#include "model/evaluation.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "model/metrics.h"

namespace ledgermill::model {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kRounds = 1000;
constexpr std::uint64_t kBootstrapSeed = 20250330;

/// What one model reaches on the test part.
struct Measured {
  std::string name;
  std::vector<double> probabilities;
  double ap = 0;
  Interval interval;
  double brier_score = 0;
  double ece = 0;
  AtBudget budget;
  std::map<std::string, std::pair<std::size_t, std::size_t>> causes;  // hits, of
};

Measured measured(std::string name, std::vector<double> probabilities, const Dataset& test,
                  const std::vector<std::int32_t>& days, double budget) {
  Measured m{std::move(name), std::move(probabilities), 0, {}, 0, 0, {}, {}};
  m.ap = average_precision(m.probabilities, test.labels);
  m.interval = bootstrap_by_day(m.probabilities, {}, test.labels, days, kRounds, kBootstrapSeed);
  m.brier_score = brier(m.probabilities, test.labels);
  m.ece = expected_calibration_error(m.probabilities, test.labels);
  m.budget = at_budget(m.probabilities, test.labels, budget);
  std::set<std::uint32_t> alerted;
  const auto order = ranked(m.probabilities);
  for (std::size_t i = 0; i < m.budget.alerts && i < order.size(); ++i) alerted.insert(order[i]);
  for (std::size_t i = 0; i < test.rows(); ++i) {
    if (test.labels[i] == 0) continue;
    auto& [hits, of] = m.causes[test.ids[i].cause.empty() ? "unnamed" : test.ids[i].cause];
    ++of;
    hits += alerted.count(static_cast<std::uint32_t>(i));
  }
  return m;
}

Json curve_json(const std::vector<CurvePoint>& points) {
  Json json = Json::array();
  for (const CurvePoint& point : points) json.push_back({point.x, point.y, point.count});
  return json;
}

Json to_json(const Measured& m, const Dataset& test) {
  Json causes = Json::object();
  for (const auto& [name, count] : m.causes) {
    const Interval interval = wilson(count.first, count.second);
    causes[name] = {{"rows", count.second},
                    {"found", count.first},
                    {"recall", static_cast<double>(count.first) / static_cast<double>(count.second)},
                    {"low", interval.low},
                    {"high", interval.high}};
  }
  constexpr std::size_t kPoints = 100;
  constexpr std::size_t kBins = 15;
  return {{"name", m.name},
          {"average_precision", m.ap},
          {"average_precision_low", m.interval.low},
          {"average_precision_high", m.interval.high},
          {"brier", m.brier_score},
          {"ece", m.ece},
          {"alerts", m.budget.alerts},
          {"recall_at_budget", m.budget.recall},
          {"precision_at_budget", m.budget.precision},
          {"threshold", m.budget.threshold},
          {"per_fault", causes},
          {"precision_recall", curve_json(precision_recall(m.probabilities, test.labels, kPoints))},
          {"calibration", curve_json(calibration(m.probabilities, test.labels, kBins))}};
}

Json binary_confusion(const Measured& m, const Dataset& test) {
  const std::size_t wrong = test.positives();
  const std::size_t false_alerts = m.budget.alerts - m.budget.hits;
  return {{"labels", {"right", "wrong"}},
          {"counts", {{test.rows() - wrong - false_alerts, false_alerts}, {wrong - m.budget.hits, m.budget.hits}}}};
}

/// Cause by cause of the alerts that are right: rows are what it was, columns what the model said.
Json cause_confusion(const SuspicionModel& model, const Measured& m, const Dataset& test, Json& accuracy) {
  Dataset hits;
  const auto order = ranked(m.probabilities);
  for (std::size_t i = 0; i < m.budget.alerts && i < order.size(); ++i) {
    const std::size_t at = order[i];
    if (test.labels[at] == 0 || test.ids[at].cause.empty()) continue;
    hits.values.insert(hits.values.end(), test.row(at), test.row(at) + test.width);
    hits.labels.push_back(1);
    hits.ids.push_back(test.ids[at]);
  }
  const auto causes = model.causes(hits);
  std::set<std::string> names;
  for (std::size_t i = 0; i < hits.rows(); ++i) {
    names.insert(hits.ids[i].cause);
    if (!causes[i].empty()) names.insert(causes[i].front().name);
  }
  const std::vector<std::string> labels(names.begin(), names.end());
  std::vector<std::vector<std::size_t>> counts(labels.size(), std::vector<std::size_t>(labels.size()));
  std::size_t first = 0, second = 0, known = 0;
  const auto place = [&](const std::string& name) {
    return static_cast<std::size_t>(std::lower_bound(labels.begin(), labels.end(), name) - labels.begin());
  };
  for (std::size_t i = 0; i < hits.rows(); ++i) {
    if (causes[i].empty()) continue;
    ++known;
    ++counts[place(hits.ids[i].cause)][place(causes[i][0].name)];
    if (causes[i][0].name == hits.ids[i].cause) ++first;
    if (causes[i][0].name == hits.ids[i].cause || (causes[i].size() > 1 && causes[i][1].name == hits.ids[i].cause))
      ++second;
  }
  if (known > 0)
    accuracy = {{"rows", known},
                {"top1", static_cast<double>(first) / static_cast<double>(known)},
                {"top2", static_cast<double>(second) / static_cast<double>(known)}};
  return {{"labels", labels}, {"counts", counts}};
}

Json drift_json(const SplitDataset& data) {
  Json features = Json::object();
  const auto column = [](const Dataset& d, std::size_t f) {
    std::vector<float> values(d.rows());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = d.row(i)[f];
    return values;
  };
  for (std::size_t f = 0; f < data.test.width; ++f) {
    const Drift d = drift(column(data.train, f), column(data.test, f));
    features[std::string(kFeatures[f])] = {{"psi", d.psi},
                                           {"psi_by_chance", d.expected},
                                           {"missing_then", d.missing_then},
                                           {"missing_now", d.missing_now}};
  }
  std::map<std::string, std::array<std::size_t, 3>> feeds;  // train rows, test rows, test positives
  for (const RowId& id : data.train.ids) ++feeds[id.feed][0];
  for (std::size_t i = 0; i < data.test.rows(); ++i) {
    ++feeds[data.test.ids[i].feed][1];
    feeds[data.test.ids[i].feed][2] += data.test.labels[i];
  }
  Json by_feed = Json::object();
  for (const auto& [feed, count] : feeds) {
    std::vector<float> then, now;
    for (std::size_t i = 0; i < data.train.rows(); ++i)
      if (data.train.ids[i].feed == feed) then.push_back(data.train.row(i)[0]);
    for (std::size_t i = 0; i < data.test.rows(); ++i)
      if (data.test.ids[i].feed == feed) now.push_back(data.test.row(i)[0]);
    const Drift d = drift(then, now);
    by_feed[feed] = {{"train_rows", count[0]},
                     {"test_rows", count[1]},
                     {"wrong", count[2]},
                     {"amount_psi", d.psi},
                     {"psi_by_chance", d.expected}};
  }
  return {{"features", features}, {"feeds", by_feed}};
}

/// The first reason why the challenger must not replace the champion; "" when there is none.
std::string objection(const PromotionRule& rule, const std::vector<Measured>& models, const Measured* champion,
                      const Interval& gain, const std::map<std::string, Interval>& margins, double base_brier) {
  const Measured& own = models[0];
  if (own.ece > rule.most_ece) return fmt::format("calibration error {:.4f} is above {:.4f}", own.ece, rule.most_ece);
  if (own.brier_score >= base_brier)
    return fmt::format("Brier {:.5f} is no better than saying the base rate ({:.5f})", own.brier_score, base_brier);
  for (const auto& [name, interval] : margins)
    if (interval.low <= 0)
      return fmt::format("it does not beat the {} for sure (difference {:.3f} to {:.3f})", name, interval.low,
                         interval.high);
  if (champion == nullptr) return "";
  if (gain.low <= rule.least_ap_gain)
    return fmt::format("its average precision may be {:.3f} below the champion's", -gain.low);
  if (own.budget.recall < champion->budget.recall - rule.most_recall_loss)
    return fmt::format("recall at the budget falls from {:.3f} to {:.3f}", champion->budget.recall, own.budget.recall);
  if (own.brier_score > rule.most_brier_ratio * champion->brier_score)
    return fmt::format("Brier rises from {:.5f} to {:.5f}", champion->brier_score, own.brier_score);
  for (const auto& [cause, count] : own.causes) {
    const auto& before = champion->causes.at(cause);
    const auto share = [](const auto& c) { return static_cast<double>(c.first) / static_cast<double>(c.second); };
    if (count.second >= rule.least_of_cause && share(count) < share(before) - rule.most_cause_loss)
      return fmt::format("recall of {} falls from {:.2f} to {:.2f}", cause, share(before), share(count));
  }
  return "";
}

}  // namespace

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPromote:
      return "promote";
    case Verdict::kKeep:
      return "keep";
    case Verdict::kInsufficient:
      return "insufficient evidence";
    case Verdict::kFail:
      return "fail";
  }
  return "";
}

Evaluation evaluate(const EvaluationInput& input) {
  const Dataset& test = input.data.test;
  const std::size_t positives = test.positives();
  const double prevalence = test.rows() == 0 ? 0 : static_cast<double>(positives) / static_cast<double>(test.rows());
  std::vector<std::int32_t> days(test.rows());
  for (std::size_t i = 0; i < days.size(); ++i) days[i] = test.ids[i].file_day;

  std::vector<Measured> models;
  for (const auto kind : SuspicionModel::kKinds)
    models.push_back(measured(SuspicionModel::kind_name(kind), input.challenger.probabilities(kind, test), test, days,
                              input.definition.alert_budget));
  std::optional<Measured> champion;
  Interval gain;
  if (input.champion != nullptr) {
    champion = measured("champion", input.champion->probabilities(SuspicionModel::Kind::kXgboost, test), test, days,
                        input.definition.alert_budget);
    gain =
        bootstrap_by_day(models[0].probabilities, champion->probabilities, test.labels, days, kRounds, kBootstrapSeed);
  }
  std::map<std::string, Interval> margins;
  for (const std::size_t other : {std::size_t{1}, std::size_t{2}})
    margins[models[other].name] = bootstrap_by_day(models[0].probabilities, models[other].probabilities, test.labels,
                                                   days, kRounds, kBootstrapSeed);

  const bool enough = positives >= input.definition.promotion.least_positives && positives < test.rows() &&
                      input.data.train.positives() > 0;
  std::vector<Gate> gates = input.more_gates;
  if (enough) {
    const auto found = leak_gates(input.data, {kFeatures.begin(), kFeatures.end()}, models[0].ap);
    gates.insert(gates.end(), found.begin(), found.end());
  }

  Evaluation result;
  const double base_brier = prevalence * (1 - prevalence);
  const auto failed = std::find_if(gates.begin(), gates.end(), [](const Gate& gate) { return !gate.passed; });
  const std::string numbers = fmt::format(
      "average precision {:.3f} (logistic {:.3f}, rules {:.3f}), recall {:.2f} at {:.2f} % alerts", models[0].ap,
      models[1].ap, models[2].ap, models[0].budget.recall, 100 * input.definition.alert_budget);
  if (failed != gates.end()) {
    result.verdict = Verdict::kFail;
    result.line = fmt::format("fail: the leak gate {} does not pass: {}", failed->name, failed->detail);
  } else if (!enough) {
    result.verdict = Verdict::kInsufficient;
    result.line = fmt::format("insufficient evidence, keep: {} of {} test rows are known to be wrong, {} are asked for",
                              positives, test.rows(), input.definition.promotion.least_positives);
  } else {
    const std::string why =
        objection(input.definition.promotion, models, champion ? &*champion : nullptr, gain, margins, base_brier);
    result.verdict = why.empty() ? Verdict::kPromote : Verdict::kKeep;
    result.line = why.empty() ? "promote: " + numbers : fmt::format("keep: {}; {}", why, numbers);
  }

  Json json{{"version", 1},
            {"date", input.date},
            {"verdict", verdict_name(result.verdict)},
            {"line", result.line},
            {"model", input.challenger.id()},
            {"champion", input.champion != nullptr ? Json(input.champion->id()) : Json()},
            {"test_rows", test.rows()},
            {"test_positives", positives},
            {"prevalence", prevalence},
            {"base_rate_brier", base_brier},
            {"alert_budget", input.definition.alert_budget}};
  json["models"] = Json::array();
  for (const Measured& m : models) json["models"].push_back(to_json(m, test));
  if (champion) json["models"].push_back(to_json(*champion, test));
  for (const auto& [name, interval] : margins)
    json["ahead_of"][name] = {{"low", interval.low}, {"high", interval.high}};
  if (champion) json["ahead_of"]["champion"] = {{"low", gain.low}, {"high", gain.high}};
  Json accuracy;
  json["confusion"] = {{"binary", binary_confusion(models[0], test)},
                       {"cause", cause_confusion(input.challenger, models[0], test, accuracy)}};
  json["cause_accuracy"] = accuracy;
  json["drift"] = drift_json(input.data);
  json["gates"] = Json::array();
  for (const Gate& gate : gates)
    json["gates"].push_back({{"name", gate.name}, {"passed", gate.passed}, {"detail", gate.detail}});
  Json parts = Json::object();
  for (const auto& [name, part] : input.manifest.parts)
    parts[name] = {
        {"rows", part.rows}, {"positives", part.positives}, {"first_day", part.first_day}, {"last_day", part.last_day}};
  const Lineage& from = input.challenger.lineage;
  json["data"] = {{"as_of", input.manifest.as_of},
                  {"sha256", input.manifest.data_sha256},
                  {"batches", input.manifest.batches},
                  {"feeds", input.manifest.feeds},
                  {"label_sources", input.manifest.label_sources},
                  {"embargo_days", input.manifest.split.embargo_days},
                  {"parts", parts}};
  json["lineage"] = {
      {"data_sha256", from.data_sha256}, {"as_of", from.as_of},           {"schema", from.schema},
      {"program", from.program},         {"library", from.library},       {"trained_at", from.trained_at},
      {"trained_on", from.trained_on},   {"train_rows", from.train_rows}, {"train_positives", from.train_positives}};
  result.metrics_json = json.dump(2) + "\n";
  return result;
}

}  // namespace ledgermill::model
