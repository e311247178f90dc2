// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/learning.h"
#include "cli/session.h"
#include "cli/view.h"
#include "model/suspicion_model.h"

namespace ledgermill::cli {

namespace {

struct Words : LearningWords {
  std::string model;
  bool rollback = false;
  bool against = false;
  std::string why;
};

/// What the newest evaluation of a model said; "" when none was of it.
std::string verdict_on(const std::string& models, const std::string& id) {
  std::string verdict;
  for (const std::string& text : earlier_evaluations(models, "")) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_object() && json.value("model", "") == id) verdict = json.value("verdict", "");
  }
  return verdict;
}

void say(const Session& session, const std::string& champion, const char* what) {
  if (session.settings.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"champion", champion}, {"event", what}}.dump());
  else
    fmt::print("champion is {} ({})\n", champion, what);
}

void promote(const Words& words, Session& session) {
  model::Registry registry(words.models);
  if (words.rollback == !words.model.empty())
    throw Failure(ReturnCode::kRefused, "name a model, or say --rollback", "'ledgermill models' lists them");
  if (words.rollback) return say(session, registry.roll_back(who(), words.why, now().text()), "rolled back");
  const auto folder = registry.folder(words.model);
  const std::string id = model::SuspicionModel::load(folder).id();  // a damaged one never becomes champion
  const std::string verdict = verdict_on(words.models, id);
  if (verdict != "promote" && !words.against)
    throw Failure(ReturnCode::kRefused,
                  verdict.empty() ? fmt::format("model {} was not evaluated", id)
                                  : fmt::format("the last evaluation of model {} says '{}'", id, verdict),
                  "ledgermill evaluate; a person who knows better says --against-verdict --why TEXT");
  if (words.against && words.why.empty())
    throw Failure(ReturnCode::kRefused, "--against-verdict needs a reason", "--why TEXT; it is kept");
  registry.record({model::RegistryEvent::Kind::kPromoted, id, who(),
                   words.why.empty() ? "verdict 'promote'" : words.why, now().text()});
  say(session, id, "promoted");
}

void list(const LearningWords& words, const Session& session) {
  const model::Registry registry(words.models);
  constexpr std::array<const char*, 3> kNames{"trained", "promoted", "rolled back to"};
  if (session.settings.json) {
    nlohmann::ordered_json json{
        {"champion", registry.champion() ? nlohmann::ordered_json(*registry.champion()) : nlohmann::ordered_json()},
        {"events", nlohmann::ordered_json::array()}};
    for (const auto& event : registry.events())
      json["events"].push_back({{"event", kNames[static_cast<std::size_t>(event.kind)]},
                                {"model", event.model},
                                {"by", event.by},
                                {"why", event.why},
                                {"at", event.at}});
    fmt::print("{}\n", json.dump());
    return;
  }
  std::vector<std::vector<std::string>> rows{{"at", "event", "model", "by", "why"}};
  for (const auto& event : registry.events())
    rows.push_back(
        {event.at, kNames[static_cast<std::size_t>(event.kind)], event.model, shown(event.by), shown(event.why)});
  fmt::print("{}champion: {}\n", table(rows, 9), registry.champion().value_or("none"));
}

}  // namespace

void add_promote(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("promote", "Make a model the champion, or go back to the one before");
  auto words = std::make_shared<Words>();
  command->add_option("model", words->model, "Id of a model, or its beginning");
  command->add_flag("--rollback", words->rollback, "The champion before this one is champion again");
  command->add_flag("--against-verdict", words->against, "Though its evaluation does not say 'promote'; needs --why");
  command->add_option("--why", words->why, "Kept in the registry");
  add_learning_options(*command, *words);
  add_json_option(*command, session);
  command->callback([words, &session] { promote(*words, session); });

  auto* models = app.add_subcommand("models", "What happened to the models: trained, promoted, rolled back");
  auto list_words = std::make_shared<LearningWords>();
  add_learning_options(*models, *list_words);
  add_json_option(*models, session);
  models->callback([list_words, &session] { list(*list_words, session); });
}

}  // namespace ledgermill::cli
