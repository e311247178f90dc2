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
  std::string out;
  std::string as_of;
  std::vector<std::string> truths;
};

/// What there was before: the newest dataset of an earlier day.
std::string change_since(const std::filesystem::path& root, const model::DatasetManifest& now) {
  try {
    const BusinessDate as_of = BusinessDate::from_text(now.as_of).value_or(BusinessDate{1970, 1, 1});
    const std::string day_before = BusinessDate::from_days_since_epoch(as_of.days_since_epoch() - 1).text();
    const model::DatasetManifest before = model::read_manifest(model::newest_dataset(root, day_before));
    const auto rows = [](const model::DatasetManifest& manifest) {
      std::int64_t sum = 0;
      for (const auto& [name, count] : manifest.feeds) sum += static_cast<std::int64_t>(count);
      return sum;
    };
    return fmt::format("since {}: {:+} batches, {:+} postings", before.as_of,
                       static_cast<std::int64_t>(now.batches) - static_cast<std::int64_t>(before.batches),
                       rows(now) - rows(before));
  } catch (const Failure&) {  // none, or of another version: nothing to compare with
    return "the first dataset";
  }
}

void build(const Words& words, Session& session) {
  batch::DatasetOptions options;
  options.out = words.out.empty() ? words.training : words.out;
  const auto as_of = BusinessDate::from_text(words.as_of);
  if (!as_of)
    throw Failure(ReturnCode::kRefused, fmt::format("--as-of '{}' is no day", words.as_of), "write it as 2025-03-30");
  options.as_of = *as_of;
  options.truths.assign(words.truths.begin(), words.truths.end());
  const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly);
  const batch::BuiltDataset built = batch::build_dataset(*ledger, learning_definition(words), options);
  const model::DatasetManifest& manifest = built.manifest;
  const std::string changed = change_since(options.out, manifest);
  if (session.settings.json) {
    nlohmann::ordered_json json{
        {"folder", built.folder.string()},
        {"as_of", manifest.as_of},
        {"data_sha256", manifest.data_sha256},
        {"batches", manifest.batches},
        {"feeds", manifest.feeds},
        {"label_sources", manifest.label_sources},
        {"changed", changed},
        {"features_per_second", built.rows_per_second},
        {"state", {{"keys", built.state.keys}, {"amounts", built.state.amounts}, {"bytes", built.state.bytes}}}};
    for (const auto& [name, part] : manifest.parts)
      json["parts"][name] = {{"rows", part.rows}, {"positives", part.positives}, {"sha256", part.sha256}};
    fmt::print("{}\n", json.dump());
    return;
  }
  for (const char* name : {"train", "validation", "test"}) {
    const auto& part = manifest.parts.at(name);
    fmt::print("{:<10}  {:>10} rows, {:>6} wrong  {} to {}\n", name, grouped(part.rows), grouped(part.positives),
               part.first_day, part.last_day);
  }
  fmt::print("{}: {}\n", built.folder.string(), changed);
}

}  // namespace

void add_dataset(CLI::App& app, Session& session) {
  auto* dataset = app.add_subcommand("dataset", "Training data from postings");
  dataset->require_subcommand(1);
  auto* command = dataset->add_subcommand(
      "build", "Features that look at the past only, labels, a split by time with an embargo, digests");
  auto words = std::make_shared<Words>();
  command->add_option("--out", words->out, "Folder of datasets (default: --training)");
  command->add_option("--as-of", words->as_of, "YYYY-MM-DD: nothing younger is read")->required();
  command->add_option("--truth", words->truths, "Folders with truth files of generated feed files");
  add_learning_options(*command, *words);
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command->footer("Example:\n  ledgermill dataset build --out training/ --as-of 2025-03-30 --truth inbox/\n");
  command->callback([words, &session] { build(*words, session); });
}

}  // namespace ledgermill::cli
