// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "batch/interruption.h"
#include "batch/staging.h"
#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(1000);

struct Words {
  std::vector<std::string> paths;
  std::string corrects;
  bool watch = false;
};

/// Posts each set not posted by this call before. Returns how many sets there are.
std::size_t post_all(const Words& words, const batch::PostingOptions& options, std::set<std::string>& ended,
                     Session& session) {
  const std::vector<batch::StagedSet> sets = batch::find_staged({words.paths.begin(), words.paths.end()});
  for (const batch::StagedSet& set : sets) {
    if (ended.contains(set.plan_file.string())) continue;
    if (words.watch && !set.missing().empty()) continue;  // its shards are at work
    std::optional<BatchId> corrects;
    if (!words.corrects.empty()) corrects = BatchId{words.corrects};
    const batch::FileReport report = [&] {
      ProgressLine line;
      return batch::post_staged(set, options, corrects, line.observer());
    }();
    session.ended_with(report.return_code);
    print_report(report, Judged::kAndPosted, session.settings.json);
    if (report.return_code != ReturnCode::kUnavailable) ended.insert(set.plan_file.string());
    if (batch::interrupted()) break;
  }
  return sets.size();
}

void post(const Words& words, Session& session) {
  batch::PostingOptions options;
  options.ledger = session.ledger_options();
  options.rejects_root = session.rejects_root();
  options.workers = session.settings.workers;
  std::set<std::string> ended;
  const std::size_t sets = post_all(words, options, ended, session);
  if (sets == 0 && !words.watch) {
    throw Failure(ReturnCode::kRefused, "there are no staged files here", "'ledgermill ingest' makes them");
  }
  while (words.watch && !batch::interrupted()) {
    std::this_thread::sleep_for(kLookEvery);
    if (!batch::interrupted()) post_all(words, options, ended, session);
  }
}

}  // namespace

void add_post(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("post", "Post staged files to the ledger; needs neither feed definition nor COBOL");
  auto words = std::make_shared<Words>();
  command->add_option("paths", words->paths, "Staged files, or folders that hold them")->required();
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command->add_option("--rejects", session.settings.rejects,
                      "Folder of the reject log (default: rejects/ beside the ledger) [LEDGERMILL_REJECTS]");
  command->add_option("--workers", session.settings.workers,
                      "Worker processes (default: one for each processor) [LEDGERMILL_WORKERS]");
  command->add_option("--corrects", words->corrects, "Id of the published batch that this file replaces");
  command->add_option("--lease-seconds", session.settings.lease_seconds, "How long a silent worker keeps a chunk")
      ->capture_default_str();
  command->add_flag("--watch", words->watch, "Keep looking for files staged whole, until stopped");
  command->footer(
      "Examples:\n  ledgermill post staged/\n"
      "  ledgermill post staged/* --ledger postgresql://loader@db.example/ledger\n");
  command->callback([words, &session] { post(*words, session); });
}

}  // namespace ledgermill::cli
