// SPDX-License-Identifier: Apache-2.0
#include "model/evaluation.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "batch/learning.h"
#include "cli/learning.h"
#include "cli/session.h"

namespace ledgermill::cli {

namespace {

struct Words : LearningWords {
  std::string date;
  std::string model;
};

/// A leak is our defect or the definition's: a person is needed. Too little to judge by is no failure.
ReturnCode code_of(model::Verdict verdict) {
  return verdict == model::Verdict::kFail ? ReturnCode::kRefused : ReturnCode::kDone;
}

void evaluate(const Words& words, Session& session) {
  const model::LearningDefinition definition = learning_definition(words);
  const auto folder = model::newest_dataset(words.training, words.date);
  const model::DatasetManifest manifest = model::read_manifest(folder);
  model::Registry registry(words.models);
  const auto newest = words.model.empty() ? registry.newest() : std::optional(words.model);
  if (!newest)
    throw Failure(ReturnCode::kRefused, fmt::format("there is no model in '{}'", words.models),
                  "make one: ledgermill train");
  const auto challenger = model::SuspicionModel::load(registry.folder(*newest));
  std::optional<model::SuspicionModel> champion;
  if (const auto id = registry.champion(); id && *id != challenger.id())
    champion = model::SuspicionModel::load(registry.folder(*id));
  const model::SplitDataset data = model::read_dataset(folder, manifest);
  std::vector<model::Gate> gates;
  if (const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly)) {
    constexpr std::size_t kRows = 20'000;
    gates.push_back(batch::check_past_only(*ledger, definition, kRows));
  }
  const model::Evaluation result =
      model::evaluate({challenger, champion ? &*champion : nullptr, data, manifest, definition, gates, manifest.as_of});
  const auto earlier = earlier_evaluations(words.models, manifest.as_of);
  const auto out = evaluation_folder(words.models, manifest.as_of);
  put_text(out / "metrics.json", result.metrics_json);
  for (const auto& [name, svg] : batch::learning_drawings(result.metrics_json, earlier)) put_text(out / name, svg);
  if (result.verdict == model::Verdict::kPromote && definition.promotion.automatic &&
      registry.champion() != challenger.id())
    registry.record(
        {model::RegistryEvent::Kind::kPromoted, challenger.id(), "the promotion rule", result.line, now().text()});
  session.ended_with(code_of(result.verdict));
  if (session.settings.json)
    fmt::print("{}", result.metrics_json);
  else
    fmt::print("{}\n{}: {}\n", result.line, (out / "metrics.json").string(),
               batch::what_changed(result.metrics_json, earlier));
}

}  // namespace

void add_evaluate(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "evaluate",
      "Judge the newest model on the newest dataset: metrics, confusion matrices, drift, leak gates, verdict");
  auto words = std::make_shared<Words>();
  command->add_option("--date", words->date, "YYYY-MM-DD: the newest dataset up to this day");
  command->add_option("--model", words->model, "Another model than the newest, by its id");
  add_learning_options(*command, *words);
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command->footer(
      "What a scheduler runs daily:\n  ledgermill dataset build --as-of $(date -I) && ledgermill evaluate\n");
  command->callback([words, &session] { evaluate(*words, session); });
}

}  // namespace ledgermill::cli
