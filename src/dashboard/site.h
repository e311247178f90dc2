// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dashboard/http_server.h"
#include "ledger/reader.h"

namespace ledgermill::dashboard {

/// A feed that must have arrived every day by a time.
struct Expectation {
  std::string feed;
  int minute_of_day = 0;  ///< UTC
};
/// "transactions=06:30"; Failure RC 8 on anything else.
Expectation expectation_from_text(const std::string& text);

struct SiteOptions {
  ledger::ReaderOptions reader;
  std::optional<std::filesystem::path> rejects;  ///< root of the reject log, where it is not the one in the ledger
  std::filesystem::path runs;                    ///< folder of job runs
  std::filesystem::path store;                   ///< folder of answers and annotations
  std::filesystem::path models;                  ///< folder of the model registry
  std::vector<Expectation> expectations;
  std::string version;             ///< of the program
  std::function<Timestamp()> now;  ///< the clock
};

/// Turns requests into pages, JSON (docs/formats/openapi.yaml) and metrics. Knows nothing of HTTP; changes nothing.
/// May be called by several threads at once: each call borrows a reader of its own.
class Site {
 public:
  explicit Site(SiteOptions options);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site();

  /// Never throws: a Failure becomes a page that says fact and next step.
  Response answer(const Request& request) noexcept;

  /// What `answer` counted, for /metrics; called by the server's observer.
  void count(const Answered& answered);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What `ledgermill status` tells: the Today page as text, or as the API's JSON.
std::string status_text(ledger::Reader& reader, const std::vector<Expectation>& expectations, Timestamp now);
std::string status_json(ledger::Reader& reader, const std::vector<Expectation>& expectations, Timestamp now);

}  // namespace ledgermill::dashboard
