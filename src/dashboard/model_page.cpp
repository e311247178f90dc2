// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "base/file.h"
#include "dashboard/view.h"
#include "model/registry.h"

namespace ledgermill::dashboard {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What `evaluate` draws (docs/formats/model-registry.md), with the words for who cannot see it.
struct Drawing {
  std::string_view name;
  std::string_view title;
};
constexpr std::array kDrawings{Drawing{"confusion", "Right and wrong postings: counts at the alert budget"},
                               Drawing{"confusion-by-truth", "The same, shares of each row"},
                               Drawing{"cause", "Cause of the alerts that are right: counts"},
                               Drawing{"cause-by-truth", "The same, shares of each row"},
                               Drawing{"precision-recall", "Precision over recall"},
                               Drawing{"calibration", "Calibration: 15 bins of equal mass"},
                               Drawing{"faults", "Recall by kind of fault"},
                               Drawing{"drift", "Drift of the features"},
                               Drawing{"trend", "Average precision of the last evaluations"}};

fs::path evaluations_of(const SiteOptions& options) { return options.models / "evaluations"; }

/// The days with an evaluation, newest first.
std::vector<std::string> days_of(const SiteOptions& options) {
  std::vector<std::string> days;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(evaluations_of(options), error)) {
    std::string name = entry.path().filename().string();
    if (BusinessDate::from_text(name)) days.push_back(std::move(name));
  }
  std::sort(days.rbegin(), days.rend());
  return days;
}

/// The day asked for, if there is an evaluation of it. A day is no path: nothing else of the query reaches the disk.
std::string day_of(const Call& call, const std::vector<std::string>& days) {
  const std::string day = call.word("day");
  if (day.empty()) return days.front();
  if (std::find(days.begin(), days.end(), day) == days.end())
    throw BadRequest{404, fmt::format("there is no evaluation of {}", day)};
  return day;
}

json metrics_of(const SiteOptions& options, const std::string& day) {
  const fs::path path = evaluations_of(options) / day / "metrics.json";
  json metrics = json::parse(read_small_file(path), nullptr, false);
  if (!metrics.is_object())
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' cannot be read", path.string()), "run the evaluation again");
  return metrics;
}

std::string share(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || !found->is_number() ? "–" : fmt::format("{:.4f}", found->get<double>());
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || !found->is_string() ? "–" : found->get<std::string>();
}

void show_registry(Html& html, const model::Registry& registry) {
  constexpr std::size_t kMost = 20;
  static constexpr std::array kWords{"trained", "promoted", "rolled back"};
  const auto& events = registry.events();
  const std::string champion = registry.champion().value_or("none yet");
  html.element("p", fmt::format("Champion: {}. Trained last: {}.", champion, registry.newest().value_or("none yet")));
  table(html, "What was decided, newest first", {{"at"}, {"event"}, {"model"}, {"by"}, {"why"}},
        std::min(events.size(), kMost), [&](std::size_t i) {
          const model::RegistryEvent& event = events[events.size() - 1 - i];
          cell(html, event.at.substr(0, 19));
          cell(html, kWords[static_cast<std::size_t>(event.kind)]);
          cell(html, event.model);
          cell(html, event.by);
          cell(html, event.why);
        });
}

void show_models(Html& html, const json& metrics) {
  using Kind = Column::Kind;
  const json models = metrics.value("models", json::array());
  table(html, "Models and baselines on the test part",
        {{"model"},
         {"average precision", Kind::kNumber},
         {"95 % from", Kind::kNumber},
         {"to", Kind::kNumber},
         {"recall at budget", Kind::kNumber},
         {"precision there", Kind::kNumber},
         {"Brier", Kind::kNumber},
         {"ECE", Kind::kNumber}},
        models.size(), [&](std::size_t i) {
          cell(html, text_of(models[i], "name"));
          for (const char* name : {"average_precision", "average_precision_low", "average_precision_high",
                                   "recall_at_budget", "precision_at_budget", "brier", "ece"})
            number_cell(html, share(models[i], name));
        });
}

void show_gates(Html& html, const json& metrics) {
  const json gates = metrics.value("gates", json::array());
  table(html, "Leak gates", {{"gate"}, {"state"}, {"what was measured"}}, gates.size(), [&](std::size_t i) {
    cell(html, text_of(gates[i], "name"));
    cell(html, gates[i].value("passed", false) ? "passed" : "FAILED");
    cell(html, text_of(gates[i], "detail"));
  });
}

void show_drawings(Html& html, const SiteOptions& options, const std::string& day) {
  for (const Drawing& drawing : kDrawings) {
    const std::string name(drawing.name);
    if (!fs::exists(evaluations_of(options) / day / (name + ".svg"))) continue;
    html.open("p");  // the drawing has its title inside
    html.leaf("img", {{"src", address("/model/drawing", {{"day", day}, {"name", name}})},
                      {"alt", std::string(drawing.title)},
                      {"class", "drawing"},
                      {"loading", "lazy"}});
    html.close();
  }
}

}  // namespace

std::string model_page(const Call& call) {
  const model::Registry registry(call.options.models);
  const std::vector<std::string> days = days_of(call.options);
  return page("Model", "/model", [&](Html& html) {
    if (registry.events().empty() && days.empty()) {
      html.element("p", fmt::format("No model is registered in '{}'.", call.options.models.string()),
                   {{"class", "notice"}});
      html.element("p", "ledgermill dataset build, train and evaluate make one; serve --models names another folder.");
      return;
    }
    show_registry(html, registry);
    if (days.empty()) return;
    const std::string day = day_of(call, days);
    const json metrics = metrics_of(call.options, day);
    html.element("h2", "Evaluation of " + day);
    html.element("p", text_of(metrics, "line"), {{"class", "notice"}});
    show_models(html, metrics);
    show_gates(html, metrics);
    show_drawings(html, call.options, day);
    html.element("h2", "Other evaluations").open("p");
    constexpr std::size_t kMost = 60;
    for (std::size_t i = 0; i < std::min(days.size(), kMost); ++i)
      html.link(address("/model", {{"day", days[i]}}), days[i]).text(" ");
    html.close();
  });
}

std::string model_drawing(const Call& call) {
  const std::vector<std::string> days = days_of(call.options);
  const std::string name = call.word("name");
  const bool known = std::any_of(kDrawings.begin(), kDrawings.end(), [&](const Drawing& d) { return d.name == name; });
  if (days.empty() || !known) throw BadRequest{404, "there is no such drawing"};
  return read_small_file(evaluations_of(call.options) / day_of(call, days) / (name + ".svg"));
}

}  // namespace ledgermill::dashboard
