// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands/judge_words.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

struct Words {
  JudgeWords judge;
  std::size_t show = 5;
};

void check(const Words& words, Session& session) {
  const batch::Feed feed = batch::prepare_feed(session.definition(words.judge.feed), session.module_places());
  batch::JudgeOptions options = words.judge.options(session);
  for (const std::string& file : words.judge.files) {
    const batch::FileReport report = [&] {
      ProgressLine line;
      options.progress = line.observer();
      return batch::check_file(feed, file, options, session.settings.json ? 0 : words.show);
    }();
    session.ended_with(report.return_code);
    print_report(report, Judged::kOnly, session.settings.json);
  }
}

}  // namespace

void add_check(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("check", "Judge feed files and write nothing: totals, and rejects by reason");
  auto words = std::make_shared<Words>();
  words->judge.add_to(*command, session);
  command->get_option("files")->required();
  command->add_option("--show", words->show, "How many rejects to show")->capture_default_str();
  command->footer(
      "Examples:\n  ledgermill check transactions inbox/*.csv\n  ledgermill check transactions day.csv --json\n"
      "  ledgermill check feeds/mine.yaml day.csv --expect-records 1204 --expect-sum 99.50\n");
  command->callback([words, &session] { check(*words, session); });
}

}  // namespace ledgermill::cli
