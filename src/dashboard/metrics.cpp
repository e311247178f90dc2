// SPDX-License-Identifier: Apache-2.0
#include "dashboard/metrics.h"

#include <fmt/core.h>

namespace ledgermill::dashboard {

namespace {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// A label's value as the text format wants it: backslash, quote and line end escaped.
std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"')
      out += "\\\"";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  void sample(const Labels& labels, const std::string& value) {
    out_ += name_;
    char before = '{';
    for (const auto& [name, text] : labels) {
      out_ += before;
      before = ',';
      out_ += fmt::format("{}=\"{}\"", name, label_value(text));
    }
    out_ += labels.empty() ? " " : "} ";
    out_ += value + "\n";
  }
  void sample(const Labels& labels, std::uint64_t value) { sample(labels, std::to_string(value)); }
  std::string take() && { return std::move(out_); }

 private:
  std::string name_, out_;
};

std::string seconds_of(Timestamp time) { return fmt::format("{:.3f}", static_cast<double>(time.nanoseconds) / 1e9); }

void write_money(Text& text, const std::vector<ledger::FeedTotals>& feeds) {
  text.family("ledgermill_amount", "gauge",
              "Sum of a money field by what became of it, in the field's unit: in = posted + rejected + refused + "
              "unreconciled.");
  for (const ledger::FeedTotals& feed : feeds) {
    for (const ledger::MoneyFlow& flow : feed.money) {
      const std::pair<std::string_view, const ExactSum*> ends[] = {{"in", &flow.in},
                                                                   {"posted", &flow.posted},
                                                                   {"rejected", &flow.rejected},
                                                                   {"refused", &flow.refused},
                                                                   {"unreconciled", &flow.unreconciled}};
      for (const auto& [end, sum] : ends)
        text.sample({{"feed", feed.feed}, {"field", flow.field}, {"end", end}}, sum->text(flow.scale));
    }
  }
  text.family("ledgermill_amount_unreadable_cells", "gauge", "Cells of a money field that could not be read.");
  for (const ledger::FeedTotals& feed : feeds) {
    for (const ledger::MoneyFlow& flow : feed.money)
      text.sample({{"feed", feed.feed}, {"field", flow.field}}, flow.unreadable);
  }
}

void write_feeds(Text& text, const std::vector<ledger::FeedTotals>& feeds, Timestamp now) {
  using Member = std::uint64_t ledger::FeedTotals::*;
  text.family("ledgermill_records", "gauge",
              "Records by what became of them: in = posted + rejected + refused + unreconciled.");
  constexpr std::pair<std::string_view, Member> kRecords[] = {
      {"in", &ledger::FeedTotals::records_in},
      {"posted", &ledger::FeedTotals::records_posted},
      {"rejected", &ledger::FeedTotals::records_rejected},
      {"refused", &ledger::FeedTotals::records_refused},
      {"unreconciled", &ledger::FeedTotals::records_unreconciled}};
  for (const ledger::FeedTotals& feed : feeds) {
    for (const auto& [end, member] : kRecords) text.sample({{"feed", feed.feed}, {"end", end}}, feed.*member);
  }
  text.family("ledgermill_batches", "gauge", "Batches by state; open are those planned, loading or loaded.");
  constexpr std::pair<std::string_view, Member> kBatches[] = {{"published", &ledger::FeedTotals::published},
                                                              {"refused", &ledger::FeedTotals::refused},
                                                              {"open", &ledger::FeedTotals::open},
                                                              {"superseded", &ledger::FeedTotals::superseded},
                                                              {"discarded", &ledger::FeedTotals::discarded}};
  for (const ledger::FeedTotals& feed : feeds) {
    for (const auto& [state, member] : kBatches) text.sample({{"feed", feed.feed}, {"state", state}}, feed.*member);
  }
  text.family("ledgermill_batches_out_of_balance", "gauge", "Published batches whose totals do not add up: must be 0.");
  for (const ledger::FeedTotals& feed : feeds) text.sample({{"feed", feed.feed}}, feed.out_of_balance);
  text.family("ledgermill_oldest_unpublished_batch_age_seconds", "gauge",
              "Age of the oldest batch that has not ended; 0 when there is none.");
  for (const ledger::FeedTotals& feed : feeds)
    text.sample({{"feed", feed.feed}},
                feed.oldest_open_at ? seconds_of({now.nanoseconds - feed.oldest_open_at->nanoseconds}) : "0");
  text.family("ledgermill_last_published_timestamp_seconds", "gauge",
              "When the feed's last batch was published, Unix time.");
  for (const ledger::FeedTotals& feed : feeds) {
    if (feed.last_published_at) text.sample({{"feed", feed.feed}}, seconds_of(*feed.last_published_at));
  }
  text.family("ledgermill_reject_reasons", "gauge", "Reasons of rejected records, by code; a record may have several.");
  for (const ledger::FeedTotals& feed : feeds) {
    for (const auto& [code, count] : feed.reasons) text.sample({{"feed", feed.feed}, {"code", code}}, count);
  }
}

void write_today(Text& text, const Today& today) {
  text.family("ledgermill_feed_late", "gauge",
              "1 when a feed that is expected by a time of day (serve --expect) has not come.");
  for (const FeedToday& feed : today.feeds) {
    if (feed.expected) text.sample({{"feed", feed.totals.feed}}, std::uint64_t{feed.late ? 1U : 0U});
  }
}

void write_enrichment(Text& text, const EnrichmentFound& found) {
  text.family("ledgermill_enrichment_answers", "gauge", "Answers of a model that are kept.");
  for (const auto& [model, use] : found.models) text.sample({{"model", model}}, use.answers);
  text.family("ledgermill_enrichment_tokens", "gauge", "Tokens that the kept answers took.");
  for (const auto& [model, use] : found.models) {
    text.sample({{"model", model}, {"direction", "in"}}, use.input_tokens);
    text.sample({{"model", model}, {"direction", "out"}}, use.output_tokens);
  }
}

void write_server(Text& text, const ServerCounts& server, const std::string& version) {
  text.family("ledgermill_http_requests_total", "counter", "Requests answered, by route and status.");
  for (const auto& [key, count] : server.requests)
    text.sample({{"route", key.first}, {"status", std::to_string(key.second)}}, count);
  text.family("ledgermill_http_request_seconds_total", "counter", "Time that answers took, by route.");
  for (const auto& [route, seconds] : server.seconds) text.sample({{"route", route}}, fmt::format("{:.6f}", seconds));
  text.family("ledgermill_build_info", "gauge", "1; the version is the label.");
  text.sample({{"version", version}}, std::uint64_t{1});
}

}  // namespace

std::string metrics_text(const std::vector<ledger::FeedTotals>& feeds, const Today& today,
                         const EnrichmentFound& enrichment, const ServerCounts& server, const std::string& version,
                         Timestamp now) {
  Text text;
  write_money(text, feeds);
  write_feeds(text, feeds, now);
  write_today(text, today);
  write_enrichment(text, enrichment);
  write_server(text, server, version);
  return std::move(text).take();
}

}  // namespace ledgermill::dashboard
