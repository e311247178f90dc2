// SPDX-License-Identifier: Apache-2.0
#include "batch/verify.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

void verify(const std::string& name, Session& session) {
  const auto ledger = session.open_ledger(ledger::LedgerOptions::Access::kReadOnly);
  const batch::Verification result = batch::verify_batch(*ledger, ledger->find_batch(name));
  if (!result.agrees()) session.ended_with(ReturnCode::kRefused);
  if (session.settings.json) {
    nlohmann::ordered_json json{{"batch", result.batch.id.text},    {"agrees", result.agrees()},
                                {"records", result.batch.records},  {"postings", result.postings},
                                {"rejects", result.logged_rejects}, {"differences", result.differences}};
    for (const FieldSum& sum : result.sums) json["sums"][sum.field] = {{"posted", sum.posted.text(sum.scale)}};
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("batch {}: {} records = {} in the ledger's table + {} in the reject log\n", result.batch.id.text,
             grouped(result.batch.records), grouped(result.postings), grouped(result.logged_rejects));
  for (const FieldSum& sum : result.sums) {
    fmt::print("  {}: {} in = {} summed from the table + {} rejected\n", sum.field, grouped(sum.in.text(sum.scale)),
               grouped(sum.posted.text(sum.scale)), grouped(sum.rejected.text(sum.scale)));
  }
  for (const std::string& difference : result.differences) fmt::print("  DIFFERS: {}\n", shown(difference));
  fmt::print("{}\n", result.agrees() ? "all agrees: every record stands in exactly one place" : "it does not agree");
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("verify", "Recompute a published batch from the ledger's rows and the reject log");
  auto batch = std::make_shared<std::string>();
  command->add_option("batch", *batch, "Batch id, an unambiguous part of it, or its number")->required();
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command->footer(
      "RC 0: all agrees. RC 8: something differs; each difference is named.\n\nExample:\n"
      "  ledgermill verify transactions/2025-03-30\n");
  command->callback([batch, &session] { verify(*batch, session); });
}

}  // namespace ledgermill::cli
