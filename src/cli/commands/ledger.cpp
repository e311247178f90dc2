// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/session.h"

namespace ledgermill::cli {

namespace {

void migrate(Session& session) {
  ledger::LedgerOptions options = session.ledger_options();
  const auto ledger = ledger::open_ledger(options);
  const auto before = ledger->schema_version();
  ledger->migrate();
  const auto after = ledger->schema_version();
  fmt::print("{}: schema version {}{}\n", ledger->address(), after.ledger,
             before.ledger == after.ledger ? ", as it was" : fmt::format(", was {}", before.ledger));
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
  const auto add = [&](const char* name, const char* about, void (*action)(Session&)) {
    auto* sub = command->add_subcommand(name, about);
    add_ledger_options(*sub, session);
    sub->callback([&session, action] { action(session); });
    return sub;
  };
  add("migrate", "Make the ledger's schema, or bring it to this program's version; nobody may be loading", migrate)
      ->footer("Example, as the owner of the database:\n  ledgermill ledger migrate --ledger postgresql://owner@db.example/ledger\n");
  add("status", "The ledger's address and schema version", status);
}

}  // namespace ledgermill::cli
