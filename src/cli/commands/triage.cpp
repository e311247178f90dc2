// SPDX-License-Identifier: Apache-2.0
#include "batch/triage.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

using Json = nlohmann::ordered_json;
using triage::Certainty;
using triage::Explanation;

struct Words {
  std::string since;
  std::string batch;
  std::string feed;
  std::size_t most = 40;
};

/// "7d", "12h", "30m": so long before now.
Timestamp moment_before(Timestamp now, const std::string& words) {
  std::int64_t count = 0;
  const char* end = words.data() + words.size();
  const auto [rest, error] = std::from_chars(words.data(), end, count);
  const std::int64_t seconds = rest + 1 != end ? 0
                               : *rest == 'd'  ? 86'400
                               : *rest == 'h'  ? 3'600
                               : *rest == 'm'  ? 60
                                               : 0;
  if (error != std::errc() || seconds == 0 || count < 1 || count > 100'000)
    throw Failure(ReturnCode::kRefused, fmt::format("--since '{}' is no length of time", words),
                  "a number with d (days), h (hours) or m (minutes), e.g. --since 7d");
  return {now.nanoseconds - count * seconds * 1'000'000'000};
}

Json to_json(const Explanation& explanation) {
  Json json{
      {"cause", explanation.cause}, {"fix", nullptr}, {"tried", explanation.tried}, {"passed", explanation.passed}};
  if (!explanation.fix.empty()) json["fix"] = explanation.fix;
  if (explanation.tried > 0) {
    json["before"] = explanation.before;
    json["after"] = explanation.after;
  }
  return json;
}

void print_json(const batch::TriagedGroup& each) {
  const triage::Group& group = each.group;
  Json json{{"feed", group.key.feed},
            {"code", group.key.code},
            {"constraint", group.key.constraint},
            {"field", group.key.field},
            {"shape", group.key.shape},
            {"last_of_file", group.key.last_of_file},
            {"rejects", group.rejects},
            {"batches", group.batches},
            {"first", {{"batch", group.first_batch}, {"record_number", group.first_record}, {"value", group.example}}},
            {"samples", group.samples.size()}};
  if (each.verdict) {
    json["certainty"] = triage::certainty_name(each.verdict->certainty);
    json["likely_cause"] = to_json(each.verdict->best);
    json["safe"] = each.verdict->safe;
    json["others"] = Json::array();
    for (const Explanation& other : each.verdict->others) json["others"].push_back(to_json(other));
    json["note"] = each.verdict->note;
  } else {
    json["not_tried"] = each.why_not;
  }
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string in_words(const Explanation& explanation) {
  std::string text = explanation.cause;
  if (!explanation.fix.empty()) text += ": " + explanation.fix;
  if (explanation.tried > 0) text += fmt::format(" ({} of {} samples pass)", explanation.passed, explanation.tried);
  return text;
}

void print_text(const batch::TriagedGroup& each) {
  const triage::Group& group = each.group;
  const std::string code =
      group.key.constraint.empty() ? group.key.code : fmt::format("{} ({})", group.key.code, group.key.constraint);
  fmt::print("\n{} rejects in {} {}: {}, {}{}, looks like {}\n", grouped(group.rejects), grouped(group.batches),
             group.batches == 1 ? "batch" : "batches", group.key.feed, code,
             group.key.field.empty() ? "" : ", " + group.key.field, shown(group.key.shape));
  fmt::print("  first: {}, record {}{}: {}\n", group.first_batch, grouped(group.first_record),
             group.key.last_of_file ? " (the file's last)" : "", shown(group.example));
  if (!each.verdict) {
    fmt::print("  no fix was tried: {}\n", shown(each.why_not));
    return;
  }
  const triage::Verdict& verdict = *each.verdict;
  fmt::print("  {:<10} {}\n", triage::certainty_name(verdict.certainty), in_words(verdict.best));
  for (const Explanation& other : verdict.others) fmt::print("  or         {}\n", in_words(other));
  if (verdict.best.tried > 0)
    fmt::print("  e.g.       {}\n          -> {}\n", shown(verdict.best.before.substr(0, 160)),
               shown(verdict.best.after.substr(0, 160)));
  if (verdict.safe) fmt::print("  safe       keeps every value, and no other reading passes\n");
  if (!verdict.note.empty()) fmt::print("  note       {}\n", verdict.note);
}

void triage_command(const Words& words, Session& session) {
  batch::TriageOptions options;
  options.now = now();
  if (!words.since.empty()) options.since = moment_before(options.now, words.since);
  options.batch = words.batch;
  options.feed = words.feed;
  options.most_groups = words.most;
  options.scratch = std::filesystem::temp_directory_path();
  const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly);
  const auto find_feed = [&](const std::string& name) {
    return batch::prepare_feed(session.definition(name), session.module_places());
  };
  const batch::TriageReport report = batch::triage_rejects(*ledger, find_feed, options);
  if (session.settings.json) {
    for (const batch::TriagedGroup& group : report.groups) print_json(group);
    return;
  }
  fmt::print("{} rejects of {} {} in {} {}; nothing is changed\n", grouped(report.rejects), grouped(report.batches),
             report.batches == 1 ? "batch" : "batches", grouped(report.groups.size()),
             report.groups.size() == 1 ? "group" : "groups");
  for (const batch::TriagedGroup& group : report.groups) print_text(group);
}

}  // namespace

void add_triage(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("triage", "Rejects grouped by likely cause, with fixes tried on the feed's own validator");
  auto words = std::make_shared<Words>();
  auto* since = command->add_option("--since", words->since, "Only batches planned in the last 7d, 12h, 30m, ...");
  command->add_option("--batch", words->batch, "Only this batch: its id, an unambiguous part of it, or its number")
      ->excludes(since);
  command->add_option("--feed", words->feed, "Only batches of this feed");
  command->add_option("--most", words->most, "Of how many groups, the largest first, fixes are tried")
      ->capture_default_str();
  add_ledger_options(*command, session);
  add_feed_options(*command, session);
  add_module_options(*command, session);
  add_json_option(*command, session);
  command->footer(
      "Nothing is applied: what to do is for a person to say.\n\nExamples:\n"
      "  ledgermill triage --since 7d\n  ledgermill triage --batch transactions/2025-03-30 --json\n");
  command->callback([words, &session] { triage_command(*words, session); });
}

}  // namespace ledgermill::cli
