// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "dashboard/view.h"

namespace ledgermill::dashboard {

namespace {

using Kind = Column::Kind;

void tile(Html& html, const std::string& number, const std::string& words, std::string_view state = {}) {
  html.open("li", {{"class", "tile"}}).element("b", number).text(words);
  if (!state.empty()) {
    html.text(" ");
    badge(html, state);
  }
  html.close();
}

void write_tiles(Html& html, const Today& today) {
  std::uint64_t arrived = 0, published = 0, refused = 0, open = 0, late = 0, off = 0, records = 0, rejected = 0;
  for (const FeedToday& feed : today.feeds) {
    arrived += feed.totals.arrived();
    published += feed.totals.published;
    refused += feed.totals.refused;
    open += feed.totals.open;
    off += feed.totals.out_of_balance;
    late += feed.late ? 1U : 0U;
    records += feed.totals.records_in;
    rejected += feed.totals.records_rejected;
  }
  html.open("ul", {{"class", "tiles"}});
  tile(html, grouped(arrived), "files arrived");
  tile(html, grouped(published - off), "files in balance, published");
  if (off > 0) tile(html, grouped(off), "published", "out of balance");
  tile(html, grouped(refused), "files refused", refused > 0 ? "refused" : "");
  tile(html, grouped(open), "files not ended", open > 0 ? "loading" : "");
  tile(html, grouped(late), "feeds late", late > 0 ? "late" : "");
  tile(html, grouped(records), "records in");
  tile(html, grouped(rejected), "records rejected");
  html.close();
}

std::string_view state_of(const FeedToday& feed) {
  if (feed.totals.out_of_balance > 0) return "out of balance";
  if (feed.late) return "late";
  if (feed.totals.refused > 0) return "refused";
  if (feed.totals.open > 0) return "loading";
  if (feed.totals.arrived() > 0) return "in balance";
  return feed.expected ? "expected" : "no file";
}

void write_feeds(Html& html, const Today& today) {
  table(html, "Feeds",
        {{"feed"},
         {"state"},
         {"files", Kind::kNumber},
         {"records in", Kind::kNumber},
         {"posted", Kind::kNumber},
         {"rejected", Kind::kNumber},
         {"refused", Kind::kNumber},
         {"unreconciled", Kind::kNumber},
         {"last published"},
         {"expected by"}},
        today.feeds.size(), [&](std::size_t i) {
          const FeedToday& feed = today.feeds[i];
          const ledger::FeedTotals& totals = feed.totals;
          html.open("th", {{"scope", "row"}}).link(address("/batches", {{"feed", totals.feed}}), totals.feed).close();
          html.open("td");
          badge(html, state_of(feed));
          html.close();
          for (const std::uint64_t number :
               {totals.arrived(), totals.records_in, totals.records_posted, totals.records_rejected,
                totals.records_refused, totals.records_unreconciled})
            number_cell(html, grouped(number));
          cell(html, totals.last_published_at ? time_text(*totals.last_published_at) : "–");
          cell(html, feed.expected ? fmt::format("{:02}:{:02}", feed.expected->minute_of_day / 60,
                                                 feed.expected->minute_of_day % 60)
                                   : "–");
        });
}

void write_money(Html& html, const Today& today) {
  struct Row {
    const std::string* feed;
    const ledger::MoneyFlow* flow;
  };
  std::vector<Row> rows;
  for (const FeedToday& feed : today.feeds) {
    for (const ledger::MoneyFlow& flow : feed.totals.money) rows.push_back({&feed.totals.feed, &flow});
  }
  table(html, "Amounts: in = posted + rejected + refused + unreconciled",
        {{"feed"},
         {"field"},
         {"in", Kind::kNumber},
         {"posted", Kind::kNumber},
         {"rejected", Kind::kNumber},
         {"refused", Kind::kNumber},
         {"unreconciled", Kind::kNumber},
         {"cells unreadable", Kind::kNumber}},
        rows.size(), [&](std::size_t i) {
          const ledger::MoneyFlow& flow = *rows[i].flow;
          html.element("th", *rows[i].feed, {{"scope", "row"}});
          cell(html, flow.field);
          for (const ExactSum& sum : {flow.in, flow.posted, flow.rejected, flow.refused, flow.unreconciled})
            number_cell(html, money(sum, flow.scale));
          number_cell(html, grouped(flow.unreadable));
        });
}

void write_reasons(Html& html, const Today& today) {
  ledger::FeedTotals all;
  std::uint64_t most = 1;
  for (const FeedToday& feed : today.feeds) {
    for (const auto& [code, count] : feed.totals.reasons) most = std::max(most, all.reasons[code] += count);
  }
  if (all.reasons.empty()) return;
  table(
      html, "Reasons of rejects", {{"code"}, {"reasons", Kind::kNumber}, {"share of the largest"}}, all.reasons.size(),
      [&](std::size_t i) {
        const auto& [code, count] = *std::next(all.reasons.begin(), static_cast<std::ptrdiff_t>(i));
        html.element("th", code, {{"scope", "row"}});
        number_cell(html, grouped(count));
        html.open("td").open("svg", {{"width", "220"}, {"height", "14"}, {"aria-hidden", "true"}});
        html.leaf("rect", {{"class", "rejected"}, {"width", std::to_string(1 + count * 219 / most)}, {"height", "14"}});
        html.close().close();
      });
}

}  // namespace

std::string today_page(const Call& call) {
  const Today today = today_of(call.reader, call.options.expectations, call.now, call.word("day"));
  const std::string day = today.day.text();
  return page(today.is_now ? "Today" : "Day " + day, "/", [&](Html& html) {
    const std::int32_t number = today.day.days_since_epoch();
    html.open("nav", {{"class", "pages"}, {"aria-label", "Days"}});
    html.link(address("/", {{"day", BusinessDate::from_days_since_epoch(number - 1).text()}}), "← the day before");
    if (!today.is_now) {
      html.link(address("/", {{"day", BusinessDate::from_days_since_epoch(number + 1).text()}}), "the day after →");
      html.link("/", "today");
    }
    html.close();
    html.open("div", {{"data-live", "today"}});
    html.element("p", fmt::format("Files that arrived on {} (UTC), in ledger {}.", day, call.reader.address()),
                 {{"class", "soft"}});
    if (today.feeds.empty()) {
      html.open("p", {{"class", "notice"}})
          .text("No file arrived on this day. ")
          .link("/batches", "All batches")
          .text(".");
      html.close();
    } else {
      write_tiles(html, today);
      write_feeds(html, today);
      write_money(html, today);
      write_reasons(html, today);
    }
    html.close();
  });
}

std::string status_text(ledger::Reader& reader, const std::vector<Expectation>& expectations, Timestamp now) {
  const Today today = today_of(reader, expectations, now, "");
  std::string text = fmt::format("{}  {}\n", today.day.text(), reader.address());
  if (today.feeds.empty()) return text + "no file arrived today\n";
  for (const FeedToday& feed : today.feeds) {
    const ledger::FeedTotals& totals = feed.totals;
    text += fmt::format("{}: {}; {} files arrived, {} published, {} refused, {} not ended\n", totals.feed,
                        state_of(feed), grouped(totals.arrived()), grouped(totals.published), grouped(totals.refused),
                        grouped(totals.open));
    text += fmt::format("  records       {:>20} in = {} posted + {} rejected + {} refused + {} unreconciled\n",
                        grouped(totals.records_in), grouped(totals.records_posted), grouped(totals.records_rejected),
                        grouped(totals.records_refused), grouped(totals.records_unreconciled));
    for (const ledger::MoneyFlow& flow : totals.money)
      text += fmt::format("  {:<13} {:>20} in = {} posted + {} rejected + {} refused + {} unreconciled\n", flow.field,
                          money(flow.in, flow.scale), money(flow.posted, flow.scale), money(flow.rejected, flow.scale),
                          money(flow.refused, flow.scale), money(flow.unreconciled, flow.scale));
  }
  return text;
}

}  // namespace ledgermill::dashboard
