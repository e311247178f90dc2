// SPDX-License-Identifier: Apache-2.0
#include "cli/app.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <system_error>

#include "batch/interruption.h"
#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

constexpr const char* kFooter =
    R"(Return codes: 0 done, 4 done with rejects, 8 refused (a person is needed; nothing new is visible),
12 could not run now (the same command may succeed later), 16 our defect. The worst of several files counts.

Settings: flag before environment (LEDGERMILL_LEDGER, LEDGERMILL_FEEDS, ...) before ./ledgermill.yaml.

Example, on an empty folder:
  ledgermill generate transactions --records 100000 --faults 0.01 --out inbox/
  ledgermill run transactions inbox/*.csv
  ledgermill batches list
)";

int exit_status(const Session& session) {
  const int code = static_cast<int>(session.return_code);
  return code <= session.settings.max_rc ? 0 : code;
}

/// CLI11 answers --help and --version by exceptions too.
int parse_and_run(CLI::App& app, Session& session, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    if (end.get_exit_code() == 0) return app.exit(end);
    print_failure(Failure(ReturnCode::kRefused, end.what(), "ledgermill --help, or ledgermill COMMAND --help"));
    session.ended_with(ReturnCode::kRefused);
  } catch (const Failure& failure) {
    print_failure(failure);
    session.ended_with(failure.code());
  } catch (const std::system_error& cut_off) {
    if (cut_off.code() != std::errc::broken_pipe) throw;  // whoever read our output has seen enough
  } catch (const std::exception& unforeseen) {
    print_failure(
        Failure(ReturnCode::kDefect, fmt::format("a defect of ours: {}", unforeseen.what()), "please report it"));
    session.ended_with(ReturnCode::kDefect);
  }
  return exit_status(session);
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  batch::install_interruption_handlers();
  Session session;
  CLI::App app{"LedgerMill loads money feeds and accounts for every record.", "ledgermill"};
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", "ledgermill " LEDGERMILL_VERSION);
  app.fallthrough();
  app.add_option("--max-rc", session.settings.max_rc, "Exit with 0 for return codes up to this one")
      ->capture_default_str();
  try {
    session.settings.read_file();
    session.settings.read_environment();
  } catch (const Failure& failure) {
    print_failure(failure);
    return static_cast<int>(failure.code());
  }
  for (const auto add :
       {add_generate, add_check,    add_run,    add_ingest,  add_post,  add_staged,   add_batches,
        add_rejects,  add_triage,   add_verify, add_doctor,  add_clean, add_feed,     add_rules,
        add_cobol,    add_job,      add_enrich, add_dataset, add_train, add_evaluate, add_promote,
        add_score,    add_feedback, add_report, add_ledger,  add_serve, add_status,   add_completion}) {
    add(app, session);
  }
  return parse_and_run(app, session, argc, argv);
}

}  // namespace ledgermill::cli
