// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "base/failure.h"
#include "ledger/chunk_totals.h"
#include "ledger/kinds.h"
#include "ledger/ledger.h"

namespace ledgermill::ledger {

std::string LedgerOptions::worker() const { return fmt::format("{}/{}", host, ::getpid()); }

const char* batch_state_name(BatchState state) {
  switch (state) {
    case BatchState::kPlanned:
      return "planned";
    case BatchState::kLoading:
      return "loading";
    case BatchState::kLoaded:
      return "loaded";
    case BatchState::kPublished:
      return "published";
    case BatchState::kRefused:
      return "refused";
    case BatchState::kDiscarded:
      return "discarded";
    case BatchState::kSuperseded:
      return "superseded";
  }
  return "?";
}

BatchState batch_state_of(const std::string& name) {
  for (const BatchState state :
       {BatchState::kPlanned, BatchState::kLoading, BatchState::kLoaded, BatchState::kPublished, BatchState::kRefused,
        BatchState::kDiscarded, BatchState::kSuperseded}) {
    if (name == batch_state_name(state)) return state;
  }
  throw Failure(ReturnCode::kRefused,
                fmt::format("the ledger has a batch in state '{}', which this program does not know", name),
                "use the program's later version");
}

void add_done_chunk(BatchSummary& batch, const std::string& totals_json, const std::string& reasons_json) {
  const ControlTotals totals = totals_from_json(totals_json);
  if (batch.chunks_done++ == 0)
    batch.totals = totals;
  else
    batch.totals += totals;
  for (const auto& [code, count] : reasons_from_json(reasons_json)) batch.reasons[code] += count;
}

void check_publishable(const BatchSummary& batch, const Recount& counted) {
  LM_CHECK(batch.chunks == batch.chunks_done, "a loaded batch has every chunk done");
  std::vector<ExactSum> posted;
  for (const FieldSum& sum : batch.totals.sums) posted.push_back(sum.posted);
  if (posted.empty()) posted.resize(counted.sums.size());  // a batch without chunks
  if (counted.postings != batch.totals.accepted || counted.sums != posted) {
    throw Failure(
        ReturnCode::kDefect,
        fmt::format("batch '{}': the chunks say that {} records were posted, the table has {}", batch.id.text,
                    batch.totals.accepted, counted.postings),
        "nothing was published; was the table changed by another program? 'ledgermill batches discard' begins anew");
  }
}

std::string rejects_folder_of(const BatchId& batch, const std::string& feed, const std::string& ledger_id) {
  std::string id = batch.text;
  std::replace(id.begin(), id.end(), '/', '-');
  return fmt::format("{}/{}-{}", feed, id, ledger_id);
}

BatchSummary only_one(std::vector<BatchSummary> found, std::string_view text) {
  if (found.empty())
    throw Failure(ReturnCode::kRefused, fmt::format("the ledger has no batch '{}'", text),
                  "'ledgermill batches list' shows them");
  if (found.size() == 1 || found[0].id.text == text || std::to_string(to_int(found[0].number)) == text)
    return std::move(found[0]);
  std::string names;
  for (const BatchSummary& batch : found) names += (names.empty() ? "" : ", ") + batch.id.text;
  throw Failure(ReturnCode::kRefused, fmt::format("'{}' may be any of several batches: {}", text, names),
                "give more of the batch's id, or its number");
}

std::unique_ptr<Ledger> open_ledger(const LedgerOptions& options) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (options.url.rfind(kSqlite, 0) == 0) return open_sqlite_ledger(options, options.url.substr(kSqlite.size()));
  if (options.url.rfind("postgresql://", 0) == 0 || options.url.rfind("postgres://", 0) == 0)
    return open_postgres_ledger(options);
  throw Failure(ReturnCode::kRefused,
                fmt::format("'{}' is no address of a ledger", options.url.substr(0, options.url.find('@'))),
                "sqlite:PATH, or postgresql://user@host/database");
}

}  // namespace ledgermill::ledger
