// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>

#include "base/file.h"
#include "batch/interruption.h"
#include "cli/log.h"
#include "cli/session.h"
#include "dashboard/http_server.h"
#include "dashboard/site.h"

namespace ledgermill::cli {

namespace {

namespace fs = std::filesystem;

struct Words {
  std::string listen = "127.0.0.1:8600";
  std::string token_file;
  std::string rejects;
  std::string runs = "job-runs";
  std::string models = "models";
  std::vector<std::string> expect;
};

std::vector<dashboard::Expectation> expectations(const Words& words) {
  std::vector<dashboard::Expectation> all;
  for (const std::string& text : words.expect) all.push_back(dashboard::expectation_from_text(text));
  return all;
}

std::string read_token(const std::string& path) {
  constexpr std::size_t kFewest = 32;
  std::string token = read_small_file(path, 4096);
  token.resize(std::min(token.find_first_of("\r\n"), token.size()));
  if (token.size() < kFewest || token.find_first_of(" \t") != std::string::npos)
    throw Failure(ReturnCode::kRefused, fmt::format("the first line of '{}' is no token", path),
                  "at least 32 characters without spaces: openssl rand -hex 32 > FILE");
  return token;
}

dashboard::ServerOptions server_options(const Words& words) {
  dashboard::ServerOptions options;
  const std::size_t colon = words.listen.rfind(':');
  const char* const end = words.listen.data() + words.listen.size();
  const char* const port = colon == std::string::npos ? end : words.listen.data() + colon + 1;
  const auto read = std::from_chars(port, end, options.port);
  if (port == end || read.ec != std::errc() || read.ptr != end)
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no address to listen on", words.listen),
                  "ADDRESS:PORT, e.g. 127.0.0.1:8600 or [::1]:8600");
  options.address = words.listen.substr(0, colon);
  if (options.address.size() > 2 && options.address.front() == '[' && options.address.back() == ']')
    options.address = options.address.substr(1, options.address.size() - 2);
  if (options.address == "localhost") options.address = "127.0.0.1";
  if (!words.token_file.empty()) options.token = read_token(words.token_file);
  return options;
}

ledger::ReaderOptions reader_options(const Session& session) {
  ledger::ReaderOptions options;
  options.ledger = session.ledger_options();
  return options;
}

dashboard::SiteOptions site_options(const Words& words, const Session& session) {
  dashboard::SiteOptions options;
  options.reader = reader_options(session);
  if (!words.rejects.empty()) options.rejects = fs::absolute(words.rejects).lexically_normal();
  options.runs = fs::absolute(words.runs).lexically_normal();
  options.store = fs::absolute(session.settings.store).lexically_normal();
  options.models = fs::absolute(words.models).lexically_normal();
  options.expectations = expectations(words);
  options.version = LEDGERMILL_VERSION;
  options.now = now;
  return options;
}

void log_answer(const dashboard::Answered& answered) {
  const LogLevel level = answered.status >= 500   ? LogLevel::kError
                         : answered.status >= 400 ? LogLevel::kWarning
                                                  : LogLevel::kInfo;
  log_event(level, "http_request",
            {{"method", answered.method},
             {"route", answered.route},
             {"status", std::int64_t{answered.status}},
             {"bytes", answered.bytes},
             {"seconds", answered.seconds}});
}

void serve(const Words& words, const Session& session) {
  const dashboard::ServerOptions options = server_options(words);
  dashboard::SiteOptions shown = site_options(words, session);
  const std::string ledger =
      ledger::open_reader(shown.reader)->address();  // a ledger that is not there is said at once
  dashboard::Site site(std::move(shown));
  const dashboard::HttpServer server(
      options, [&site](const dashboard::Request& request) { return site.answer(request); },
      [&site](const dashboard::Answered& answered) {
        site.count(answered);
        log_answer(answered);
      });
  const bool six = options.address.find(':') != std::string::npos;
  const std::string url =
      fmt::format("http://{}{}{}:{}/", six ? "[" : "", options.address, six ? "]" : "", server.port());
  log_event(LogLevel::kInfo, "serve_began", {{"url", url}, {"ledger", ledger}});
  fmt::print("{}\n", url);
  std::fflush(stdout);
  while (!batch::interrupted()) ::poll(nullptr, 0, 200);
  log_event(LogLevel::kInfo, "serve_ended", {{"url", url}});
}

void status(const Words& words, const Session& session) {
  const auto reader = ledger::open_reader(reader_options(session));
  fmt::print("{}", session.settings.json ? dashboard::status_json(*reader, expectations(words), now())
                                         : dashboard::status_text(*reader, expectations(words), now()));
}

}  // namespace

void add_serve(CLI::App& app, Session& session) {
  auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("serve", "The dashboard, its JSON and /metrics; shows, and changes nothing");
  add_ledger_options(*command, session);
  command->add_option("--listen", words->listen, "Address and port; port 0 takes a free one, which is printed")
      ->capture_default_str();
  command->add_option("--token-file", words->token_file,
                      "File whose first line lets in who shows it; required unless the address is loopback");
  command->add_option("--rejects", words->rejects,
                      "Folder of the reject log, where it is not the one that the ledger names");
  command->add_option("--runs", words->runs, "Folder of job runs")->capture_default_str();
  command->add_option("--store", session.settings.store, "Folder of answers and annotations")->capture_default_str();
  command->add_option("--models", words->models, "Folder of the model registry")->capture_default_str();
  command
      ->add_option("--expect", words->expect, "FEED=HH:MM: late when no file came by this time (UTC); may be repeated")
      ->allow_extra_args(false);
  command->footer("Example:\n  ledgermill serve\n  ledgermill serve --listen 0.0.0.0:8600 --token-file token\n");
  command->callback([words, &session] { serve(*words, session); });
}

void add_status(CLI::App& app, Session& session) {
  auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("status", "What arrived today, by feed, and what became of records and amounts");
  add_ledger_options(*command, session);
  add_json_option(*command, session);
  command
      ->add_option("--expect", words->expect, "FEED=HH:MM: late when no file came by this time (UTC); may be repeated")
      ->allow_extra_args(false);
  command->footer("Example:\n  ledgermill status --expect transactions=06:30\n");
  command->callback([words, &session] { status(*words, session); });
}

}  // namespace ledgermill::cli
