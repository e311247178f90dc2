// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "batch/learning.h"
#include "chart/chart.h"

namespace ledgermill::batch {

using Json = nlohmann::ordered_json;

namespace {

Json parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("models") || !json.contains("verdict"))
    throw Failure(ReturnCode::kRefused, "this is no metrics.json of an evaluation", "make one: ledgermill evaluate");
  return json;
}

const Json* model_named(const Json& metrics, const std::string& name) {
  for (const Json& model : metrics.at("models"))
    if (model.at("name") == name) return &model;
  return nullptr;
}

std::string matrix(const Json& confusion, const std::string& title, chart::HeatMap::Numbers numbers) {
  chart::HeatMap map{title,
                     "truth",
                     "model",
                     confusion.at("labels").get<std::vector<std::string>>(),
                     confusion.at("labels").get<std::vector<std::string>>(),
                     confusion.at("counts").get<std::vector<std::vector<double>>>(),
                     numbers};
  if (map.rows.empty()) map.values.clear();
  if (numbers == chart::HeatMap::Numbers::kShares) {
    for (auto& row : map.values) {
      double sum = 0;
      for (const double value : row) sum += value;
      for (double& value : row) value = sum > 0 ? value / sum : std::nan("");
    }
  }
  return chart::heat_map(map);
}

std::string precision_recall_chart(const Json& metrics) {
  chart::LineChart chart{"Precision over recall", "recall", "precision"};
  for (const Json& model : metrics.at("models")) {
    chart::LineChart::Series series{fmt::format("{} (average precision {:.3f})", model.at("name").get<std::string>(),
                                                model.at("average_precision").get<double>())};
    for (const Json& point : model.at("precision_recall")) series.points.push_back({point[0], point[1]});
    chart.series.push_back(std::move(series));
  }
  chart.x_from = chart.y_from = 0;
  chart.x_to = chart.y_to = 1;
  return chart::line_chart(chart);
}

std::string calibration_chart(const Json& metrics) {
  // Nearly all bins lie close to zero, so both axes are powers of ten.
  chart::LineChart chart{"Calibration: 15 bins of equal mass", "log10 of the mean probability",
                         "log10 of the share that is wrong"};
  chart.series.push_back({"as it should be", {{-5, -5}, {0, 0}}, chart::LineChart::Series::Line::kDashed});
  const auto logged = [](double value) { return std::log10(std::max(value, 1e-5)); };
  for (const Json& model : metrics.at("models")) {
    chart::LineChart::Series series{model.at("name").get<std::string>(), {}, chart::LineChart::Series::Line::kDots};
    for (const Json& point : model.at("calibration")) series.points.push_back({logged(point[0]), logged(point[1])});
    chart.series.push_back(std::move(series));
  }
  return chart::line_chart(chart);
}

std::string fault_chart(const Json& metrics) {
  chart::BarChart chart{"Recall inside the alert budget, by fault", {}, 1};
  if (const Json* model = model_named(metrics, "xgboost")) {
    for (const auto& [name, found] : model->at("per_fault").items())
      chart.bars.push_back(
          {name, found.at("recall"),
           fmt::format("{} of {}", found.at("found").get<std::uint64_t>(), found.at("rows").get<std::uint64_t>()),
           found.at("low").get<double>(), found.at("high").get<double>()});
  }
  return chart::bar_chart(chart);
}

std::string drift_chart(const Json& metrics) {
  chart::BarChart chart{
      "Drift of each feature: population stability index, training against test", {}, std::nullopt, 0.25};
  std::vector<std::pair<double, std::string>> all;
  for (const auto& [name, drift] : metrics.at("drift").at("features").items())
    all.emplace_back(drift.at("psi").get<double>(), name);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [psi, name] : all) chart.bars.push_back({name, psi});
  chart.most = std::max(0.3, all.empty() ? 0 : all.front().first);
  return chart::bar_chart(chart);
}

std::string trend_chart(const Json& metrics, const std::vector<std::string>& earlier) {
  chart::LineChart chart{"Average precision from evaluation to evaluation", "evaluation", "average precision"};
  std::vector<Json> all;
  for (const std::string& text : earlier) all.push_back(parsed(text));
  all.push_back(metrics);
  for (const char* name : {"xgboost", "logistic", "rules"}) {
    chart::LineChart::Series series{name};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Json* model = model_named(all[i], name);
      series.points.push_back(
          {static_cast<double>(i), model == nullptr ? std::nan("") : model->at("average_precision").get<double>()});
    }
    chart.series.push_back(std::move(series));
  }
  const std::size_t step = 1 + all.size() / 8;
  for (std::size_t i = 0; i < all.size(); i += step)
    chart.x_ticks.push_back({static_cast<double>(i), all[i].at("date").get<std::string>()});
  chart.y_from = 0;
  chart.y_to = 1;
  return chart::line_chart(chart);
}

std::string cell(const std::string& text) { return "<td>" + chart::escaped(text) + "</td>"; }

std::string models_table(const Json& metrics) {
  std::string html =
      "<table><tr><th>model</th><th>average precision (95 % by days)</th><th>recall at budget</th><th>precision at "
      "budget</th><th>Brier</th><th>ECE</th></tr>\n";
  for (const Json& m : metrics.at("models")) {
    html +=
        "<tr>" + cell(m.at("name")) +
        cell(fmt::format("{:.4f} ({:.3f} to {:.3f})", m.at("average_precision").get<double>(),
                         m.at("average_precision_low").get<double>(), m.at("average_precision_high").get<double>())) +
        cell(fmt::format("{:.4f}", m.at("recall_at_budget").get<double>())) +
        cell(fmt::format("{:.4f}", m.at("precision_at_budget").get<double>())) +
        cell(fmt::format("{:.6f}", m.at("brier").get<double>())) +
        cell(fmt::format("{:.6f}", m.at("ece").get<double>())) + "</tr>\n";
  }
  return html + fmt::format(
                    "<tr><td>saying the base "
                    "rate</td><td>{:.4f}</td><td></td><td></td><td>{:.6f}</td><td></td></tr></table>\n",
                    metrics.at("prevalence").get<double>(), metrics.at("base_rate_brier").get<double>());
}

/// Names and values of an object, nested ones as "a.b".
void add_rows(std::string& html, const Json& json, const std::string& before) {
  for (const auto& [name, value] : json.items()) {
    if (value.is_object())
      add_rows(html, value, before + name + ".");
    else
      html +=
          "<tr>" + cell(before + name) + cell(value.is_string() ? value.get<std::string>() : value.dump()) + "</tr>\n";
  }
}

std::string details(const Json& json) {
  std::string html = "<table>";
  add_rows(html, json, "");
  return html + "</table>\n";
}

constexpr const char* kCard =
    "<p>Meant for: pointing people to postings that are probably wrong, within an alert budget; scores change nothing "
    "by themselves. Not meant for: judging "
    "people, accepting or refusing records. Learnt from: faults put into generated feeds and what people said of "
    "alerts; rejects are no labels. Known limits: "
    "where labels come from generated faults, these numbers are upper bounds for real data; a kind of error that was "
    "never learnt is found seldom; two exchanged "
    "digits inside one amount are nearly invisible; a feed of a few days has no habits yet.</p>\n";

}  // namespace

std::vector<std::pair<std::string, std::string>> learning_drawings(const std::string& metrics_json,
                                                                   const std::vector<std::string>& earlier) {
  const Json metrics = parsed(metrics_json);
  const Json& confusion = metrics.at("confusion");
  using Numbers = chart::HeatMap::Numbers;
  return {{"confusion.svg",
           matrix(confusion.at("binary"), "Right and wrong postings: counts at the alert budget", Numbers::kCounts)},
          {"confusion-by-truth.svg", matrix(confusion.at("binary"), "The same, shares of each row", Numbers::kShares)},
          {"cause.svg", matrix(confusion.at("cause"), "Cause of the alerts that are right: counts", Numbers::kCounts)},
          {"cause-by-truth.svg", matrix(confusion.at("cause"), "The same, shares of each row", Numbers::kShares)},
          {"precision-recall.svg", precision_recall_chart(metrics)},
          {"calibration.svg", calibration_chart(metrics)},
          {"faults.svg", fault_chart(metrics)},
          {"drift.svg", drift_chart(metrics)},
          {"trend.svg", trend_chart(metrics, earlier)}};
}

std::string learning_report(const std::string& metrics_json, const std::vector<std::string>& earlier) {
  const Json metrics = parsed(metrics_json);
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>LedgerMill: "
      "evaluation</title><style>body{font-family:sans-serif;max-width:70em;margin:2em "
      "auto;padding:0 1em;color:#222}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid "
      "#ccc;padding:.25em .6em;text-align:left}.verdict{font-size:1.2em;"
      "padding:.6em;background:#eef4fa;border-left:6px solid "
      "#0072b2}svg{max-width:100%;height:auto}</style></head><body>\n";
  html += fmt::format("<h1>Evaluation of {}</h1>\n<p class=\"verdict\">{}</p>\n<p>{}</p>\n",
                      chart::escaped(metrics.at("date").get<std::string>()),
                      chart::escaped(metrics.at("line").get<std::string>()),
                      chart::escaped(what_changed(metrics_json, earlier)));
  html += "<h2>Models and baselines</h2>\n" + models_table(metrics);
  html += "<h2>Data</h2>\n" + details(metrics.at("data"));
  const auto drawings = learning_drawings(metrics_json, earlier);
  html += "<h2>Confusion, curves, drift, trend</h2>\n";
  for (const auto& [name, svg] : drawings) html += "<div>" + svg + "</div>\n";
  html += "<h2>Feeds</h2>\n" + details(metrics.at("drift").at("feeds"));
  html += "<h2>Leak gates</h2>\n<table>";
  for (const Json& gate : metrics.at("gates"))
    html += "<tr>" + cell(gate.at("name")) + cell(gate.at("passed").get<bool>() ? "passed" : "FAILED") +
            cell(gate.at("detail")) + "</tr>\n";
  html += "</table>\n<h2>Lineage and model card</h2>\n" + details(metrics.at("lineage")) + kCard;
  return html + "</body></html>\n";
}

std::string what_changed(const std::string& metrics_json, const std::vector<std::string>& earlier) {
  const Json now = parsed(metrics_json);
  const auto ap = [](const Json& metrics) {
    const Json* model = model_named(metrics, "xgboost");
    return model == nullptr ? 0 : model->at("average_precision").get<double>();
  };
  if (earlier.empty())
    return fmt::format("first evaluation: average precision {:.3f} over {} rows", ap(now),
                       now.at("test_rows").get<std::uint64_t>());
  const Json before = parsed(earlier.back());
  return fmt::format(
      "since {}: average precision {:+.3f} to {:.3f}, test rows {:+} to {}, verdict {}",
      before.at("date").get<std::string>(), ap(now) - ap(before), ap(now),
      now.at("test_rows").get<std::int64_t>() - before.at("test_rows").get<std::int64_t>(),
      now.at("test_rows").get<std::int64_t>(),
      before.at("verdict") == now.at("verdict")
          ? "still '" + now.at("verdict").get<std::string>() + "'"
          : "'" + now.at("verdict").get<std::string>() + "', before '" + before.at("verdict").get<std::string>() + "'");
}

}  // namespace ledgermill::batch
