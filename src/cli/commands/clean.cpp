// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "batch/housekeeping.h"
#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

void clean(bool dry_run, Session& session) {
  const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly);
  const std::vector<batch::Leftover> leftovers = batch::find_leftovers(*ledger);
  if (!dry_run) batch::remove_leftovers(leftovers);
  for (const batch::Leftover& leftover : leftovers) {
    if (session.settings.json) {
      const nlohmann::ordered_json json{{"path", leftover.path.string()},
                                        {"bytes", leftover.bytes},
                                        {"batch", leftover.batch.text},
                                        {"removed", !dry_run}};
      fmt::print("{}\n", json.dump());
    } else {
      fmt::print("{} {} ({} bytes, batch {})\n", dry_run ? "would remove" : "removed", shown(leftover.path.string()),
                 grouped(leftover.bytes), leftover.batch.text);
    }
  }
  if (leftovers.empty() && !session.settings.json) fmt::print("nothing is left over\n");
}

}  // namespace

void add_clean(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("clean", "Remove reject parts that dead attempts left behind and no batch counts");
  auto dry_run = std::make_shared<bool>(false);
  command->add_flag("--dry-run", *dry_run, "Only say what would be removed");
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command->footer("Example:\n  ledgermill clean --dry-run\n");
  command->callback([dry_run, &session] { clean(*dry_run, session); });
}

}  // namespace ledgermill::cli
