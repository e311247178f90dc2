// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/session.h"

namespace ledgermill::cli {

namespace {

void migrate(const std::vector<std::string>& feeds, Session& session) {
  ledger::LedgerOptions options = session.ledger_options();
  const auto ledger = ledger::open_ledger(options);
  const auto before = ledger->schema_version();
  ledger->migrate();
  const auto after = ledger->schema_version();
  fmt::print("{}: schema version {}{}\n", ledger->address(), after.ledger,
             before.ledger == after.ledger ? ", as it was" : fmt::format(", was {}", before.ledger));
  for (const std::string& name : feeds) {
    const feed::FeedDefinition definition = session.definition(name);
    Plan plan;
    plan.feed = definition.name;
    plan.table = definition.table;
    plan.layout = definition.layout;
    ledger->prepare_table(plan);
    fmt::print("  {}: table and view are in order\n", definition.table);
  }
}

void status(Session& session) {
  const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly);
  const auto version = ledger->schema_version();
  fmt::print("{}: schema version {}, this program has {}\n", ledger->address(), version.ledger, version.program);
}

}  // namespace

void add_ledger(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("ledger", "The ledger itself: migrate, status");
  command->require_subcommand(1);
  auto feeds = std::make_shared<std::vector<std::string>>();
  auto* migrate_command = command->add_subcommand(
      "migrate", "Make the ledger's schema, or bring it to this program's version; nobody may be loading");
  migrate_command->add_option("feed", *feeds, "Feeds whose tables and views are made too");
  add_feed_options(*migrate_command, session);
  add_ledger_options(*migrate_command, session);
  migrate_command->callback([feeds, &session] { migrate(*feeds, session); });
  migrate_command->footer(
      "Example, as the owner of the database:\n"
      "  ledgermill ledger migrate transactions --ledger postgresql://owner@db.example/ledger\n");
  auto* status_command = command->add_subcommand("status", "The ledger's address and schema version");
  add_ledger_options(*status_command, session);
  status_command->callback([&session] { status(session); });
}

}  // namespace ledgermill::cli
