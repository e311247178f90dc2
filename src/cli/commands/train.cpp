// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/learning.h"
#include "cli/session.h"
#include "cli/view.h"
#include "model/suspicion_model.h"

namespace ledgermill::cli {

namespace {

struct Words : LearningWords {
  std::string as_of;
  std::uint64_t seed = 1;
  unsigned threads = 1;
};

void train(const Words& words, Session& session) {
  const auto folder = model::newest_dataset(words.training, words.as_of);
  const model::DatasetManifest manifest = model::read_manifest(folder);
  const model::SplitDataset data = model::read_dataset(folder, manifest);
  model::BoosterOptions options;
  options.seed = words.seed;
  options.threads = words.threads;
  model::SuspicionModel trained = model::SuspicionModel::train(data, manifest, options);
  trained.lineage.program = LEDGERMILL_VERSION;
  trained.lineage.trained_at = now().text();
  trained.save(words.models);
  model::Registry(words.models)
      .record({model::RegistryEvent::Kind::kTrained, trained.id(), who(), "dataset " + manifest.as_of,
               trained.lineage.trained_at});
  if (session.settings.json) {
    const nlohmann::ordered_json json{{"model", trained.id()},
                                      {"folder", (std::filesystem::path(words.models) / trained.id()).string()},
                                      {"dataset", folder.string()},
                                      {"data_sha256", manifest.data_sha256},
                                      {"train_rows", trained.lineage.train_rows},
                                      {"train_positives", trained.lineage.train_positives}};
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("model {}: trained on {} rows, {} of them wrong, of {}\n", trained.id(),
             grouped(trained.lineage.train_rows), grouped(trained.lineage.train_positives), folder.string());
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("train", "Train boosted trees, logistic regression and expert rules on the newest dataset");
  auto words = std::make_shared<Words>();
  command->add_option("--as-of", words->as_of, "The newest dataset up to this day (default: of all)");
  command->add_option("--seed", words->seed, "Same dataset and seed, same model")->capture_default_str();
  command->add_option("--threads", words->threads, "The model does not depend on it")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
  add_learning_options(*command, *words);
  add_json_option(*command, session);
  command->footer("Example:\n  ledgermill train && ledgermill evaluate\n");
  command->callback([words, &session] { train(*words, session); });
}

}  // namespace ledgermill::cli
