// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "batch/load.h"
#include "feed/definition.h"
#include "ledger/ledger.h"
#include "rules/module_judge.h"

namespace CLI {
class App;
}

namespace ledgermill::cli {

/// What the words said, shared by all commands. Flag before environment before ledgermill.yaml before the default.
struct Settings {
  std::string ledger = "sqlite:ledgermill.db";
  std::string ledger_password_file;
  std::vector<std::string> feeds;        ///< folders looked in before ./feeds and the installed ones
  std::vector<std::string> modules;      ///< folders looked in before ./cobol/programs and the installed ones
  std::string cache;                     ///< for compiled rule modules
  std::vector<std::string> enrichments;  ///< folders looked in before ./enrichments and the installed ones
  std::string store = "enriched";        ///< folder of answers and annotations
  std::string model_server;              ///< "": the embedded enricher
  std::string model;
  std::string model_key_file;
  std::string rejects;  ///< "" : rejects/ beside the SQLite ledger, or ./rejects
  unsigned workers = 0;
  double lease_seconds = 60;
  bool json = false;
  int max_rc = 0;  ///< return codes up to this one become 0

  /// Reads ./ledgermill.yaml if it is there. Failure RC 8 with file and line on an unknown key or a wrong value.
  void read_file();
  /// Reads LEDGERMILL_LEDGER and the like. Before the words are parsed, and not by the parser: an option that several
  /// commands have would be set from the environment by each that was not called. Failure RC 8 on a wrong value.
  void read_environment();
};

/// One call of the program.
struct Session {
  Settings settings;
  ReturnCode return_code = ReturnCode::kDone;  ///< set by the command, the worst of its files

  void ended_with(ReturnCode code) { return_code = worse(return_code, code); }

  std::vector<std::filesystem::path> feed_folders() const;
  rules::ModulePlaces module_places() const;
  std::vector<std::filesystem::path> enrichment_folders() const;
  feed::FeedDefinition definition(const std::string& name) const;
  /// A path as it is; a name without '/' and '.' stands for jobs/<name>.yaml here, or where the program is installed.
  std::filesystem::path job_file(const std::string& text) const;
  ledger::LedgerOptions ledger_options() const;
  std::unique_ptr<ledger::Ledger> open_ledger(ledger::LedgerOptions::Access access) const;
  std::filesystem::path rejects_root() const;
};

/// Adds --ledger and --ledger-password-file.
void add_ledger_options(CLI::App& command, Session& session);
/// Adds --feeds.
void add_feed_options(CLI::App& command, Session& session);
/// Adds --modules and --cache.
void add_module_options(CLI::App& command, Session& session);
/// Adds --json.
void add_json_option(CLI::App& command, Session& session);

/// The time of this call, read once.
Timestamp now();

// One function a command, each in commands/<name>.cpp: describes its words and registers what it does.
void add_generate(CLI::App& app, Session& session);
void add_check(CLI::App& app, Session& session);
void add_run(CLI::App& app, Session& session);
void add_ingest(CLI::App& app, Session& session);
void add_post(CLI::App& app, Session& session);
void add_staged(CLI::App& app, Session& session);
void add_batches(CLI::App& app, Session& session);
void add_rejects(CLI::App& app, Session& session);
void add_triage(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_doctor(CLI::App& app, Session& session);
void add_clean(CLI::App& app, Session& session);
void add_feed(CLI::App& app, Session& session);
void add_rules(CLI::App& app, Session& session);
void add_cobol(CLI::App& app, Session& session);
void add_job(CLI::App& app, Session& session);
void add_enrich(CLI::App& app, Session& session);
void add_dataset(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_evaluate(CLI::App& app, Session& session);
void add_promote(CLI::App& app, Session& session);
void add_score(CLI::App& app, Session& session);
void add_feedback(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_ledger(CLI::App& app, Session& session);
void add_serve(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);
void add_completion(CLI::App& app, Session& session);

}  // namespace ledgermill::cli
