// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <thread>

#include "batch/inbox.h"
#include "batch/interruption.h"
#include "cli/commands/judge_words.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(1000);

struct Words {
  JudgeWords judge;
  std::string inbox;
  std::string corrects;
  bool watch = false;
  bool archive = false;
};

batch::RunOptions run_options(const Words& words, const Session& session) {
  batch::RunOptions options;
  options.judge = words.judge.options(session);
  options.posting.ledger = session.ledger_options();
  options.posting.rejects_root = session.rejects_root();
  if (!words.corrects.empty()) options.corrects = BatchId{words.corrects};
  return options;
}

batch::FileReport run_one(const batch::Feed& feed, const std::filesystem::path& file, batch::RunOptions options) {
  ProgressLine line;
  options.judge.progress = line.observer();
  return batch::run_file(feed, file, options);
}

/// Archives a file that needs nothing more, and shows the report.
void finish(batch::FileReport report, batch::Inbox* inbox, const std::filesystem::path& file, Session& session) {
  const bool done = report.published || report.duplicate_of;
  if (inbox != nullptr && done && report.identity) {
    try {
      report.archived_to = inbox->archive(file, report.identity->sha256.hex12()).string();
    } catch (const Failure& failure) {
      report.return_code = worse(report.return_code, failure.code());
      report.fact = failure.fact();
      report.hint = failure.hint();
    }
  }
  if (inbox != nullptr && report.archived_to.empty() && report.return_code != ReturnCode::kUnavailable)
    inbox->leave(file);
  session.ended_with(report.return_code);
  print_report(report, Judged::kAndPosted, session.settings.json);
}

void run_inbox(const Words& words, const batch::Feed& feed, const batch::RunOptions& options, Session& session) {
  batch::Inbox inbox(feed.definition, words.inbox);
  bool first_look = true;
  while (!batch::interrupted()) {
    const std::vector<batch::ArrivedFile> files = inbox.look();
    for (const batch::ArrivedFile& file : files) {
      batch::RunOptions of_file = options;
      if (file.declared.records) of_file.judge.declared.records = file.declared.records;
      if (file.declared.sum) of_file.judge.declared.sum = file.declared.sum;
      of_file.judge.now = now();
      finish(run_one(feed, file.path, of_file), &inbox, file.path, session);
      if (batch::interrupted()) return;
    }
    if (!words.watch && !inbox.settling() && (!first_look || inbox.waiting().empty())) {
      for (const auto& [name, why] : inbox.waiting())
        fmt::print(stderr, "{} is left for later: {}\n", shown(name), why);
      return;
    }
    first_look = false;
    std::this_thread::sleep_for(kLookEvery);
  }
}

void run(const Words& words, Session& session) {
  if (words.inbox.empty() == words.judge.files.empty()) {
    throw Failure(ReturnCode::kRefused,
                  "name the feed's files, or the folder they are delivered to (--inbox), not both");
  }
  const batch::Feed feed = batch::prepare_feed(session.definition(words.judge.feed), session.module_places());
  const batch::RunOptions options = run_options(words, session);
  if (!words.inbox.empty()) return run_inbox(words, feed, options, session);
  for (const std::string& file : words.judge.files) {
    batch::FileReport report = run_one(feed, file, options);
    if (words.archive) {
      batch::Inbox folder(feed.definition, std::filesystem::absolute(file).parent_path());
      finish(std::move(report), &folder, std::filesystem::absolute(file), session);
    } else {
      finish(std::move(report), nullptr, file, session);
    }
    if (batch::interrupted()) return;
  }
}

}  // namespace

void add_run(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("run", "Load feed files into the ledger: judge, post, balance, publish");
  auto words = std::make_shared<Words>();
  words->judge.add_to(*command, session);
  add_ledger_options(*command, session);
  command->add_option("--rejects", session.settings.rejects,
                      "Folder of the reject log (default: rejects/ beside the ledger) [LEDGERMILL_REJECTS]");
  command->add_option("--inbox", words->inbox,
                      "Folder: takes the files that the feed's 'files' pattern names, and archives them");
  command->add_flag("--watch", words->watch, "With --inbox: keep listening until stopped");
  command->add_flag("--archive", words->archive, "Archive files named on the command line too");
  command->add_option("--corrects", words->corrects, "Id of the published batch that this file replaces");
  command->add_option("--lease-seconds", session.settings.lease_seconds, "How long a silent worker keeps a chunk")
      ->capture_default_str();
  command->footer(
      "The same command after any crash goes on where the last one stopped.\n\nExamples:\n"
      "  ledgermill run transactions inbox/*.csv\n"
      "  ledgermill run transactions --inbox inbox/ --watch\n"
      "  ledgermill run transactions day.csv --ledger postgresql://loader@db.example/ledger --workers 2\n");
  command->callback([words, &session] { run(*words, session); });
}

}  // namespace ledgermill::cli
