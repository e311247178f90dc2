// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "batch/load.h"
#include "batch/worker_pool.h"
#include "cli/session.h"
#include "cli/view.h"
#include "rules/constraint_judge.h"

namespace ledgermill::cli {

namespace {

namespace fs = std::filesystem;

/// Runs one examination and prints its line: what was found, or why it is not in order and the next step.
class Doctor {
 public:
  explicit Doctor(Session& session) : session_(session) {}

  void examine(const std::string& what, const std::function<std::string()>& look) {
    try {
      tell(what, "ok", look(), "");
    } catch (const Failure& failure) {
      session_.ended_with(failure.code());
      tell(what, "not in order", failure.fact(), failure.hint());
    }
  }

 private:
  void tell(const std::string& what, const char* verdict, const std::string& found, const std::string& hint) {
    if (session_.settings.json) {
      const nlohmann::ordered_json json{{"examined", what}, {"verdict", verdict}, {"found", found}, {"hint", hint}};
      fmt::print("{}\n", json.dump());
      return;
    }
    fmt::print("{:<13} {:<22} {}\n", verdict, what, shown(found));
    if (!hint.empty()) fmt::print("{:<13} {:<22} hint: {}\n", "", "", shown(hint));
  }

  Session& session_;
};

std::string look_at_feed(const fs::path& definition, const Session& session) {
  const batch::Feed feed = batch::prepare_feed(feed::load_definition(definition), session.module_places());
  const rules::ConstraintJudge patterns_compile(feed.definition.layout);
  if (!feed.module) return fmt::format("{} fields, no rule module", feed.definition.layout.fields.size());
  RecordBlock block(feed.definition.layout, true);
  const rules::ModuleJudge judge_starts(*feed.module, *feed.definition.module, block);
  return fmt::format("{} fields, rule module {} starts", feed.definition.layout.fields.size(), feed.module->program);
}

std::string look_at_ledger(const Session& session) {
  constexpr std::string_view kSqlite = "sqlite:";
  const std::string& url = session.settings.ledger;
  if (url.rfind(kSqlite, 0) == 0 && !fs::exists(url.substr(kSqlite.size()))) {
    return fmt::format("{} is not there yet; the first 'run' makes it", url);
  }
  const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly);
  const auto version = ledger->schema_version();
  return fmt::format("{}, schema version {} of {}", ledger->address(), version.ledger, version.program);
}

std::string look_at_rejects(const fs::path& root) {
  fs::path there = root;
  while (!fs::exists(there) && there.has_relative_path()) there = there.parent_path();
  if (::access(there.c_str(), W_OK) != 0) {
    throw Failure(ReturnCode::kUnavailable, fmt::format("'{}' cannot be written by this user", there.string()),
                  "name another folder: --rejects DIR");
  }
  return fmt::format("{}, {} MB free", root.string(), grouped(fs::space(there).available / 1'000'000));
}

void doctor(Session& session) {
  Doctor doctor(session);
  doctor.examine("processors", [] { return fmt::format("{} usable", batch::usable_processors()); });
  const auto definitions = feed::list_definitions(session.feed_folders());
  if (definitions.empty()) {
    doctor.examine("feeds", []() -> std::string {
      throw Failure(ReturnCode::kRefused, "no feed definition was found",
                    "ledgermill feed draft SAMPLE.csv makes a first one; --feeds DIR");
    });
  }
  for (const fs::path& definition : definitions) {
    doctor.examine("feed " + definition.stem().string(), [&] { return look_at_feed(definition, session); });
  }
  doctor.examine("ledger", [&] { return look_at_ledger(session); });
  doctor.examine("reject log", [&] { return look_at_rejects(session.rejects_root()); });
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("doctor", "Look at all that a run needs: feeds, rule modules, ledger, reject log");
  add_feed_options(*command, session);
  add_module_options(*command, session);
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command->add_option("--rejects", session.settings.rejects,
                      "Folder of the reject log (default: rejects/ beside the ledger) [LEDGERMILL_REJECTS]");
  command->footer(
      "Changes nothing but the cache of compiled rule modules. RC 0: all in order.\n\nExample:\n  ledgermill doctor\n");
  command->callback([&session] { doctor(session); });
}

}  // namespace ledgermill::cli
