// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdlib>

namespace ledgermill::cli {

namespace fs = std::filesystem;

namespace {

/// share/ledgermill beside the bin folder that the program lies in: the same in the build folder and installed.
fs::path shared_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : program.parent_path().parent_path() / "share" / "ledgermill";
}

std::vector<fs::path> folders(const std::vector<std::string>& named, const fs::path& here, const fs::path& installed) {
  std::vector<fs::path> all(named.begin(), named.end());
  for (const fs::path& folder : {here, installed}) {
    if (!folder.empty() && fs::is_directory(folder)) all.push_back(folder);
  }
  return all;
}

fs::path default_cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != 0)
    return fs::path(cache) / "ledgermill";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0)
    return fs::path(home) / ".cache" / "ledgermill";
  return fs::absolute(".ledgermill-cache");
}

std::string host_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return host.data();
}

/// postgresql://user:secret@host/db would stand in the process list and the shell's history.
void refuse_password_in(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return;
  const auto authority_end = url.find('/', scheme + 3);
  const std::string authority =
      url.substr(scheme + 3, authority_end == std::string::npos ? std::string::npos : authority_end - scheme - 3);
  const auto at = authority.rfind('@');
  const bool in_authority = at != std::string::npos && authority.substr(0, at).find(':') != std::string::npos;
  if (in_authority || url.find("password=") != std::string::npos) {
    throw Failure(ReturnCode::kRefused, "the ledger's address holds a password",
                  "take it out and give it by --ledger-password-file FILE, PGPASSFILE or PGPASSWORD");
  }
}

}  // namespace

std::vector<fs::path> Session::feed_folders() const {
  return folders(settings.feeds, "feeds", shared_folder() / "feeds");
}

std::vector<fs::path> Session::enrichment_folders() const {
  return folders(settings.enrichments, "enrichments", shared_folder() / "enrichments");
}

rules::ModulePlaces Session::module_places() const {
  return {folders(settings.modules, "cobol/programs", shared_folder() / "cobol" / "programs"),
          settings.cache.empty() ? default_cache() : fs::absolute(settings.cache)};
}

fs::path Session::job_file(const std::string& text) const {
  if (text.find_first_of("./") != std::string::npos) return text;
  for (const fs::path& folder : folders({}, "jobs", shared_folder() / "jobs")) {
    if (fs::is_regular_file(folder / (text + ".yaml"))) return folder / (text + ".yaml");
  }
  return text;
}

feed::FeedDefinition Session::definition(const std::string& name) const {
  return feed::find_definition(name, feed_folders());
}

ledger::LedgerOptions Session::ledger_options() const {
  refuse_password_in(settings.ledger);
  ledger::LedgerOptions options;
  options.url = settings.ledger;
  if (!settings.ledger_password_file.empty()) options.password_file = settings.ledger_password_file;
  options.host = host_name();
  options.lease = std::chrono::seconds(std::max(1L, static_cast<long>(settings.lease_seconds)));
  return options;
}

std::unique_ptr<ledger::Ledger> Session::open_ledger(ledger::LedgerOptions::Access access) const {
  ledger::LedgerOptions options = ledger_options();
  options.access = access;
  options.create = ledger::LedgerOptions::Create::kNever;
  return ledger::open_ledger(options);
}

fs::path Session::rejects_root() const {
  if (!settings.rejects.empty()) return fs::absolute(settings.rejects).lexically_normal();
  constexpr std::string_view kSqlite = "sqlite:";
  if (settings.ledger.rfind(kSqlite, 0) == 0) {
    return (fs::absolute(settings.ledger.substr(kSqlite.size())).parent_path() / "rejects").lexically_normal();
  }
  return fs::absolute("rejects").lexically_normal();
}

void add_ledger_options(CLI::App& command, Session& session) {
  command
      .add_option("--ledger", session.settings.ledger,
                  "The ledger: sqlite:PATH, or postgresql://user@host/database [LEDGERMILL_LEDGER]")
      ->capture_default_str();
  command.add_option(
      "--ledger-password-file", session.settings.ledger_password_file,
      "File whose first line is the ledger's password (or use PGPASSFILE) [LEDGERMILL_LEDGER_PASSWORD_FILE]");
}

void add_feed_options(CLI::App& command, Session& session) {
  command
      .add_option("--feeds", session.settings.feeds,
                  "Folder with feed definitions, looked in before ./feeds and the installed ones [LEDGERMILL_FEEDS]")
      ->allow_extra_args(false);
}

void add_module_options(CLI::App& command, Session& session) {
  command
      .add_option("--modules", session.settings.modules,
                  "Folder with rule modules (.cbl or .so), looked in before ./cobol/programs and the installed ones "
                  "[LEDGERMILL_MODULES]")
      ->allow_extra_args(false);
  command.add_option("--cache", session.settings.cache,
                     "Folder for compiled rule modules (default: ~/.cache/ledgermill) [LEDGERMILL_CACHE]");
}

void add_json_option(CLI::App& command, Session& session) {
  command.add_flag("--json", session.settings.json, "JSON Lines on standard output, and nothing else there");
}

Timestamp now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

}  // namespace ledgermill::cli
