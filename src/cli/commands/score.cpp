// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "batch/learning.h"
#include "cli/learning.h"
#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

struct Words : LearningWords {
  std::string batch;
  std::string since;
  std::string model;
  double budget = 0;
};

std::int32_t days_of(const std::string& text) {
  const bool number = text.size() >= 2 && text.size() <= 5 && text.back() == 'd' &&
                      text.find_first_not_of("0123456789") == text.size() - 1;
  if (!number || std::stoi(text) < 1)
    throw Failure(ReturnCode::kRefused, fmt::format("--since '{}' is no number of days", text), "write it as 1d or 7d");
  return std::stoi(text);
}

nlohmann::ordered_json to_json(const batch::Alert& alert) {
  nlohmann::ordered_json json{{"alert", alert.id},
                              {"feed", alert.feed},
                              {"business_date", alert.file_day},
                              {"record_number", alert.record_number},
                              {"date", alert.entry_date},
                              {"entity", alert.entity},
                              {"description", alert.description},
                              {"amount", alert.amount},
                              {"probability", alert.probability},
                              {"causes", nlohmann::ordered_json::array()},
                              {"reasons", nlohmann::ordered_json::array()}};
  for (const auto& cause : alert.causes)
    json["causes"].push_back({{"cause", cause.name}, {"probability", cause.probability}});
  for (const auto& reason : alert.reasons)
    json["reasons"].push_back({{"feature", reason.feature}, {"log_odds", reason.log_odds}});
  return json;
}

void score(const Words& words, Session& session) {
  if (words.batch.empty() == words.since.empty())
    throw Failure(ReturnCode::kRefused, "name a batch, or say --since 1d");
  const model::LearningDefinition definition = learning_definition(words);
  const model::Registry registry(words.models);
  const auto id = words.model.empty() ? registry.champion() : std::optional(words.model);
  if (!id)
    throw Failure(ReturnCode::kRefused, "there is no champion", "ledgermill promote MODEL, or name one by --model");
  const auto model = model::SuspicionModel::load(registry.folder(*id));
  batch::ScoreOptions options;
  options.batch = words.batch;
  if (!words.since.empty()) options.days = days_of(words.since);
  options.budget = words.budget > 0 ? words.budget : definition.alert_budget;
  const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly);
  const batch::Scored scored = batch::score(*ledger, definition, model, options);
  if (session.settings.json) {
    nlohmann::ordered_json json{{"model", model.id()},
                                {"rows", scored.rows},
                                {"batches", scored.batches},
                                {"budget", options.budget},
                                {"rows_per_second", scored.rows_per_second},
                                {"alerts", nlohmann::ordered_json::array()}};
    for (const batch::Alert& alert : scored.alerts) json["alerts"].push_back(to_json(alert));
    fmt::print("{}\n", json.dump());
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"alert", "entity", "description", "date", "amount", "probability", "likely cause", "because of"}};
  for (const batch::Alert& alert : scored.alerts) {
    std::string reasons;
    for (const auto& reason : alert.reasons)
      reasons += (reasons.empty() ? "" : ", ") + fmt::format("{} {:+.1f}", reason.feature, reason.log_odds);
    rows.push_back({alert.id, shown(alert.entity), shown(alert.description), alert.entry_date, grouped(alert.amount),
                    fmt::format("{:.3f}", alert.probability),
                    alert.causes.empty() ? "not known" : alert.causes.front().name, reasons});
  }
  fmt::print("{}{} alerts of {} postings in {} batches, by model {}\n", table(rows, 9), scored.alerts.size(),
             grouped(scored.rows), grouped(scored.batches), model.id());
}

}  // namespace

void add_score(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "score", "Postings that are probably wrong, inside the alert budget, with reasons and likely cause");
  auto words = std::make_shared<Words>();
  command->add_option("batch", words->batch, "A published batch, by a part of its id");
  command->add_option("--since", words->since, "Or all of the last business dates: 1d, 7d");
  command->add_option("--model", words->model, "Another model than the champion");
  command
      ->add_option("--budget", words->budget,
                   "Share of the postings that may be alerts (default: of the learning definition)")
      ->check(CLI::Range(0.0, 1.0));
  add_learning_options(*command, *words);
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command->callback([words, &session] { score(*words, session); });
}

}  // namespace ledgermill::cli
