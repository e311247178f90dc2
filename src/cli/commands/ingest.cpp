// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>

#include "batch/interruption.h"
#include "cli/commands/judge_words.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

struct Words {
  JudgeWords judge;
  std::string out;
  std::string shard = "0/1";
};

/// "1/4" is the second of four, as in a Kubernetes indexed job, whose completion index counts from 0.
batch::Shard shard_of(const std::string& text) {
  batch::Shard shard;
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto count = slash ? std::from_chars(index.ptr + 1, end, shard.count) : index;
  if (!slash || count.ec != std::errc() || count.ptr != end || shard.index >= shard.count) {
    throw Failure(ReturnCode::kRefused, fmt::format("--shard '{}' is no shard", text),
                  "write it as i/n, with i from 0 to n - 1: 0/4, 1/4, 2/4, 3/4");
  }
  return shard;
}

void ingest(const Words& words, Session& session) {
  const batch::Shard shard = shard_of(words.shard);
  const batch::Feed feed = batch::prepare_feed(session.definition(words.judge.feed), session.module_places());
  batch::JudgeOptions options = words.judge.options(session);
  for (const std::string& file : words.judge.files) {
    const batch::FileReport report = [&] {
      ProgressLine line;
      options.progress = line.observer();
      return batch::ingest_file(feed, file, options, words.out, shard);
    }();
    session.ended_with(report.return_code);
    print_report(report, Judged::kOnly, session.settings.json);
    if (batch::interrupted()) return;
  }
}

}  // namespace

void add_ingest(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("ingest", "Judge feed files into staged files, for 'post'; needs no ledger");
  auto words = std::make_shared<Words>();
  words->judge.add_to(*command, session);
  command->get_option("files")->required();
  command->add_option("--out", words->out, "Folder for the staged files (made if missing)")->required();
  command->add_option("--shard", words->shard, "i/n: this is process i (from 0) of n that stage the same files")
      ->envname("LEDGERMILL_SHARD")
      ->capture_default_str();
  command->footer(
      "Limits and declared totals are judged when the whole batch is posted.\n\nExamples:\n"
      "  ledgermill ingest transactions inbox/*.csv --out staged/\n"
      "  ledgermill ingest transactions big.csv --out staged/ --shard 0/4\n");
  command->callback([words, &session] { ingest(*words, session); });
}

}  // namespace ledgermill::cli
