// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "batch/learning.h"
#include "cli/learning.h"
#include "cli/session.h"

namespace ledgermill::cli {

namespace {

struct Words {
  std::string alert;
  std::string said;
};

}  // namespace

void add_feedback(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("feedback", "Say of an alert whether it was right; it is a label of the next dataset");
  auto words = std::make_shared<Words>();
  command->add_option("alert", words->alert, "As 'ledgermill score' prints it: BATCH:RECORD")->required();
  command->add_option("said", words->said, "confirmed, false or corrected")->required();
  add_ledger_options(*command, session);
  command->callback([words, &session] {
    const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadWrite);
    batch::give_feedback(*ledger, words->alert, words->said, who());
    fmt::print("{}: {}\n", words->alert, words->said);
  });
}

}  // namespace ledgermill::cli
