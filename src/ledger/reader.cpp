// SPDX-License-Identifier: Apache-2.0
#include "ledger/reader.h"

#include <algorithm>

#include "base/failure.h"
#include "ledger/kinds.h"
#include "ledger/reader_kinds.h"

namespace ledgermill::ledger {

namespace {

MoneyFlow& flow_of(FeedTotals& feed, const FieldSum& sum) {
  const auto same = [&sum](const MoneyFlow& flow) { return flow.field == sum.field && flow.scale == sum.scale; };
  const auto found = std::find_if(feed.money.begin(), feed.money.end(), same);
  if (found != feed.money.end()) return *found;
  MoneyFlow& flow = feed.money.emplace_back();
  flow.field = sum.field;
  flow.scale = sum.scale;
  return flow;
}

void add_published(FeedTotals& feed, const TotalsRow& batch, const ControlTotals& totals) {
  ++feed.published;
  feed.records_in += batch.records;
  feed.records_posted += totals.accepted;
  feed.records_rejected += totals.rejected;
  if (totals.records != batch.records || totals.accepted + totals.rejected != batch.records) ++feed.out_of_balance;
  for (const FieldSum& sum : totals.sums) {
    MoneyFlow& flow = flow_of(feed, sum);
    flow.in += sum.in;
    flow.posted += sum.posted;
    flow.rejected += sum.rejected;
    flow.unreadable += sum.unreadable;
  }
}

/// A batch that was refused as a whole, or has not ended: nothing of it is posted or rejected yet.
void add_whole(FeedTotals& feed, std::uint64_t FeedTotals::*records, ExactSum MoneyFlow::*amount,
               const TotalsRow& batch, const ControlTotals& totals) {
  feed.records_in += batch.records;
  feed.*records += batch.records;
  for (const FieldSum& sum : totals.sums) {
    MoneyFlow& flow = flow_of(feed, sum);
    flow.in += sum.in;
    flow.*amount += sum.in;
    flow.unreadable += sum.unreadable;
  }
}

void keep_later(std::optional<Timestamp>& kept, const Timestamp& time) { kept = kept ? std::max(*kept, time) : time; }
void keep_earlier(std::optional<Timestamp>& kept, const Timestamp& time) { kept = kept ? std::min(*kept, time) : time; }

}  // namespace

void FeedTotalsSum::add(TotalsRow&& row) {
  if (!begun_ || row.batch != batch_.batch) {
    end_batch();
    done_ = BatchSummary();
    begun_ = true;
  }
  if (!row.totals.empty()) add_done_chunk(done_, row.totals, row.reasons);
  batch_ = std::move(row);
}

void FeedTotalsSum::end_batch() {
  if (!begun_) return;
  FeedTotals& feed = feeds_[batch_.feed];
  feed.feed = batch_.feed;
  keep_later(feed.last_planned_at, batch_.planned_at);
  switch (batch_.state) {
    case BatchState::kPublished:
      add_published(feed, batch_, done_.totals);
      if (batch_.ended_at) keep_later(feed.last_published_at, *batch_.ended_at);
      break;
    case BatchState::kRefused:
      ++feed.refused;
      add_whole(feed, &FeedTotals::records_refused, &MoneyFlow::refused, batch_, done_.totals);
      break;
    case BatchState::kPlanned:
    case BatchState::kLoading:
    case BatchState::kLoaded:
      ++feed.open;
      add_whole(feed, &FeedTotals::records_unreconciled, &MoneyFlow::unreconciled, batch_, done_.totals);
      keep_earlier(feed.oldest_open_at, batch_.planned_at);
      break;
    case BatchState::kSuperseded:
      ++feed.superseded;
      return;
    case BatchState::kDiscarded:
      ++feed.discarded;
      return;
  }
  for (const auto& [code, count] : done_.reasons) feed.reasons[code] += count;
}

std::vector<FeedTotals> FeedTotalsSum::finish() {
  end_batch();
  begun_ = false;
  std::vector<FeedTotals> all;
  for (auto& [name, feed] : feeds_) all.push_back(std::move(feed));
  return all;
}

std::string prefix_end(std::string_view prefix) { return std::string(prefix) + "\xF4\x8F\xBF\xBF"; }

std::unique_ptr<Reader> open_reader(const ReaderOptions& options) {
  constexpr std::string_view kSqlite = "sqlite:";
  const std::string& url = options.ledger.url;
  if (url.rfind(kSqlite, 0) == 0) return open_sqlite_reader(options, url.substr(kSqlite.size()));
  if (url.rfind("postgresql://", 0) == 0 || url.rfind("postgres://", 0) == 0) return open_postgres_reader(options);
  throw Failure(ReturnCode::kRefused, "'" + url.substr(0, url.find('@')) + "' is no address of a ledger",
                "sqlite:PATH, or postgresql://user@host/database");
}

}  // namespace ledgermill::ledger
