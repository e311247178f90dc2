// SPDX-License-Identifier: Apache-2.0
#include "dashboard/view.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/failure.h"

namespace ledgermill::dashboard {

std::uint64_t Call::number(const std::string& name, std::uint64_t otherwise, std::uint64_t most) const {
  const std::string text = word(name);
  if (text.empty()) return otherwise;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most)
    throw BadRequest{400, fmt::format("'{}' must be a whole number of at most {}", name, most)};
  return value;
}

Expectation expectation_from_text(const std::string& text) {
  const std::size_t equals = text.find('=');
  const auto digit = [&text](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (equals != std::string::npos && equals > 0 && text.size() == equals + 6 && text[equals + 3] == ':' &&
      digit(equals + 1) && digit(equals + 2) && digit(equals + 4) && digit(equals + 5)) {
    const int hour = std::stoi(text.substr(equals + 1, 2));
    const int minute = std::stoi(text.substr(equals + 4, 2));
    if (hour < 24 && minute < 60) return {text.substr(0, equals), hour * 60 + minute};
  }
  throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no expected arrival", text),
                "FEED=HH:MM, in UTC: --expect transactions=06:30");
}

// --- data

namespace {

constexpr std::int64_t kDayNanoseconds = 86'400'000'000'000;

bool is_late(const FeedToday& feed, bool is_now, Timestamp now) {
  if (!is_now || !feed.expected || feed.totals.arrived() > 0) return false;
  const std::int64_t minute = now.nanoseconds % kDayNanoseconds / 60'000'000'000;
  return minute >= feed.expected->minute_of_day;
}

RejectCursor cursor_of(const Call& call) {
  const std::string text = call.word("after");
  if (text.empty()) return {};
  RejectCursor cursor;
  const char* const end = text.data() + text.size();
  const auto chunk = std::from_chars(text.data(), end, cursor.chunk);
  if (chunk.ec == std::errc() && chunk.ptr != end && *chunk.ptr == '.') {
    const auto byte = std::from_chars(chunk.ptr + 1, end, cursor.byte);
    if (byte.ec == std::errc() && byte.ptr == end && cursor.chunk > 0) return cursor;
  }
  throw BadRequest{400, "'after' is where an earlier page ended: CHUNK.BYTE"};
}

}  // namespace

Today today_of(ledger::Reader& reader, const std::vector<Expectation>& expectations, Timestamp now,
               const std::string& day) {
  Today today;
  const auto this_day =
      BusinessDate::from_days_since_epoch(static_cast<std::int32_t>(now.nanoseconds / kDayNanoseconds));
  today.day = this_day;
  if (!day.empty()) {
    const auto asked = BusinessDate::from_text(day);
    if (!asked || asked->year < 1970 || asked->year > 2200) throw BadRequest{400, "'day' is a day: 2025-03-30"};
    today.day = *asked;
  }
  today.is_now = today.day == this_day;
  const std::int64_t from = std::int64_t{today.day.days_since_epoch()} * kDayNanoseconds;
  for (ledger::FeedTotals& totals : reader.feed_totals({Timestamp{from}, Timestamp{from + kDayNanoseconds}}))
    today.feeds.push_back({std::move(totals), std::nullopt, false});
  for (const Expectation& expectation : expectations) {
    const auto of_it = [&expectation](const FeedToday& feed) { return feed.totals.feed == expectation.feed; };
    auto found = std::find_if(today.feeds.begin(), today.feeds.end(), of_it);
    if (found == today.feeds.end()) {
      ledger::FeedTotals none;
      none.feed = expectation.feed;
      found = today.feeds.insert(today.feeds.end(), {none, std::nullopt, false});
    }
    found->expected = expectation;
    found->late = is_late(*found, today.is_now, now);
  }
  return today;
}

ledger::BatchSummary batch_of(const Call& call) {
  const std::string id = call.word("id");
  if (id.empty()) throw BadRequest{400, "'id' names a batch"};
  auto batch = call.reader.batch(BatchId{id});
  if (!batch) throw BadRequest{404, fmt::format("the ledger has no batch '{}'", id)};
  return std::move(*batch);
}

ledger::Reader::BatchFilter batch_filter_of(const Call& call) {
  using ledger::BatchState;
  ledger::Reader::BatchFilter filter;
  filter.feed = call.word("feed");
  filter.before_number = static_cast<std::int64_t>(call.number("before", 0, INT64_MAX));
  filter.most = static_cast<std::uint32_t>(call.number("most", 50, 200));
  const std::string state = call.word("state");
  for (const BatchState each : {BatchState::kPlanned, BatchState::kLoading, BatchState::kLoaded, BatchState::kPublished,
                                BatchState::kRefused, BatchState::kDiscarded, BatchState::kSuperseded}) {
    if (state == batch_state_name(each)) filter.state = each;
  }
  if (!state.empty() && !filter.state) throw BadRequest{400, "'state' is no state of a batch"};
  return filter;
}

std::filesystem::path rejects_root_of(const SiteOptions& options, const ledger::BatchSummary& batch) {
  return options.rejects ? *options.rejects : std::filesystem::path(batch.rejects_root);
}

RejectsPage rejects_of(const Call& call, const ledger::BatchSummary& batch, std::uint32_t most) {
  constexpr std::uint64_t kMostBytes = 2U << 20;  // looked at for one page
  RejectCursor cursor = cursor_of(call);
  const reject::RejectFilter filter{call.word("code"), call.word("field")};
  const auto root = rejects_root_of(call.options, batch);
  RejectsPage page;
  std::uint64_t looked_at = 0;
  std::uint32_t after = cursor.chunk == 0 ? 0 : cursor.chunk - 1;
  while (true) {
    constexpr std::uint32_t kChunks = 200;
    const std::vector<ledger::ChunkRow> chunks = call.reader.chunks(batch.number, after, kChunks);
    for (const ledger::ChunkRow& chunk : chunks) {
      after = to_int(chunk.status.number);
      if (!chunk.status.part) continue;
      std::uint64_t from = after == cursor.chunk ? cursor.byte : 0;
      try {
        while (from < chunk.status.part->bytes) {
          if (page.rejects.size() >= most || looked_at >= kMostBytes) {
            page.next = fmt::format("{}.{}", after, from);
            return page;
          }
          auto read = reject::read_page(root, *chunk.status.part, from, most - page.rejects.size(), filter,
                                        kMostBytes - looked_at);
          looked_at += read.next_byte - from;
          from = read.next_byte;
          std::move(read.rejects.begin(), read.rejects.end(), std::back_inserter(page.rejects));
        }
      } catch (const Failure& failure) {
        page.damaged.push_back(failure.fact());
        if (page.damaged.size() >= 20) return page;
      }
    }
    if (chunks.size() < kChunks) return page;
  }
}

RecordFound record_of(const Call& call) {
  RecordFound found;
  found.batch = batch_of(call);
  found.plan = call.reader.plan(found.batch.number);
  found.number = call.number("record", 0);
  if (found.number == 0 || found.number > found.batch.records)
    throw BadRequest{404, fmt::format("the file of batch '{}' has records 1 to {}", found.batch.id.text,
                                      grouped(found.batch.records))};
  const RecordNumber record{found.number};
  found.chunk = call.reader.chunk_of_record(found.batch.number, record);
  found.posting = call.reader.posting(found.batch.number, found.plan, record);
  if (found.posting) {
    for (ledger::PostedField& field : *found.posting) {
      if (found.plan.layout.fields.at(field.field).sensitive && field.value) field.value = "****";
    }
  } else if (found.chunk && found.chunk->status.part) {
    found.reject = reject::find_reject(rejects_root_of(call.options, found.batch), *found.chunk->status.part, record);
  }
  return found;
}

// --- words

std::string grouped(const std::string& decimal) {
  const std::size_t first = decimal.empty() || decimal[0] != '-' ? 0 : 1;
  const std::size_t point = std::min(decimal.find('.'), decimal.size());
  std::string text;
  for (std::size_t i = 0; i < decimal.size(); ++i) {
    if (i > first && i < point && (point - i) % 3 == 0) text += ',';
    text += decimal[i];
  }
  return text;
}
std::string grouped(std::uint64_t number) { return grouped(std::to_string(number)); }
std::string money(const ExactSum& sum, std::uint8_t scale) { return grouped(sum.text(scale)); }

std::string time_text(const Timestamp& time) {
  std::string text = time.text().substr(0, 19);
  text[10] = ' ';
  return text;
}

std::string duration_text(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86'400);
}

std::string advice_for(std::string_view code) {
  constexpr std::string_view kSender =
      "The sender mends the record and sends it in a later file, or as a correction of this one: "
      "'ledgermill rejects export BATCH' writes the records to send back.";
  constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
      {"encoding-error", "The file is not in the encoding that the feed definition names. Ask the sender which it is."},
      {"nul-byte", "A NUL byte in a text file is damage: ask for the file again."},
      {"quote-error", "A quote is not closed. The sender doubles quotes inside a quoted cell."},
      {"record-too-long", "Either a quote or a line end is missing, or max_record_bytes of the feed is too small."},
      {"repeated-header", "Two files were joined. The sender writes the header once."},
      {"record-length", "The record does not have the layout's length: compare the sender's layout with the feed's."},
      {"cobol_abend", "The rule module ended on this record: mend the module, discard the batch, and load it again."},
      {"cobol_timeout", "The rule module did not end on this record: mend it, or give it more time."},
      {"database-refused",
       "Ours to look at: a constraint of the ledger's table refused a record that the rules accept."},
  };
  for (const auto& [name, advice] : kAdvice) {
    if (name == code) return std::string(advice);
  }
  return std::string(kSender);
}

// --- pages

namespace {

struct Place {
  Literal path;
  std::string_view name;
};
constexpr Place kNavigation[] = {{"/", "Today"},    {"/batches", "Batches"},       {"/rejects", "Rejects"},
                                 {"/jobs", "Jobs"}, {"/enrichment", "Enrichment"}, {"/model", "Model"}};

void write_header(Html& html, std::string_view route) {
  html.element("a", "Skip to the content", {{"class", "skip"}, {"href", "#content"}});
  html.open("header").open("a", {{"class", "brand"}, {"href", "/"}}).text("LedgerMill").close();
  html.open("nav", {{"aria-label", "Pages"}}).open("ul");
  for (const auto& [path, name] : kNavigation) {
    Attributes attributes{{"href", std::string(path.text())}};
    if (path.text() == route) attributes.push_back({"aria-current", "page"});
    html.open("li").element("a", name, attributes).close();
  }
  html.close().close();
  html.open("form", {{"class", "search"}, {"role", "search"}, {"action", "/search"}, {"method", "get"}});
  html.element("label", "Search", {{"for", "q"}, {"class", "hidden"}});
  html.leaf("input", {{"id", "q"},
                      {"name", "q"},
                      {"type", "search"},
                      {"maxlength", "200"},
                      {"placeholder", "File name, digest, batch, batch#record"}});
  html.element("button", "Search", {{"type", "submit"}});
  html.close().close();
}

}  // namespace

std::string page(std::string_view title, std::string_view route, const std::function<void(Html&)>& body) {
  Html html;
  html.open("html", {{"lang", "en"}}).open("head");
  html.leaf("meta", {{"charset", "utf-8"}});
  html.leaf("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.element("title", std::string(title) + " · LedgerMill");
  html.leaf("link", {{"rel", "stylesheet"}, {"href", "/static/style.css"}});
  html.leaf("link", {{"rel", "icon"}, {"href", "/static/icon.svg"}, {"type", "image/svg+xml"}});
  html.open("script", {{"src", "/static/live.js"}, {"defer", "defer"}}).close();
  html.close().open("body");
  write_header(html, route);
  html.open("main", {{"id", "content"}, {"tabindex", "-1"}}).element("h1", title);
  body(html);
  html.close();
  html.open("footer")
      .text("Read-only. Times are UTC. The same as JSON: ")
      .link("/api/v1", "/api/v1")
      .text("; for Prometheus: ")
      .link("/metrics", "/metrics")
      .text(".");
  html.close().close().close();
  return std::move(html).document();
}

void table(Html& html, const std::string& caption, const std::vector<Column>& columns, std::size_t rows,
           const std::function<void(std::size_t)>& row) {
  html.open("div", {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", caption}});
  html.open("table").element("caption", caption).open("thead").open("tr");
  for (const Column& column : columns) {
    Attributes attributes{{"scope", "col"}};
    if (column.kind == Column::Kind::kNumber) attributes.push_back({"class", "number"});
    html.element("th", column.title, attributes);
  }
  html.close().close().open("tbody");
  for (std::size_t i = 0; i < rows; ++i) {
    html.open("tr");
    row(i);
    html.close();
  }
  html.close().close().close();
}

void cell(Html& html, std::string_view text) { html.element("td", text); }
void number_cell(Html& html, std::string_view text) { html.element("td", text, {{"class", "number"}}); }

void badge(Html& html, std::string_view state) {
  const bool good = state == "published" || state == "ended" || state == "in balance" || state == "posted";
  const bool bad = state == "refused" || state == "failed" || state == "out of balance" || state == "late" ||
                   state == "rejected" || state == "interrupted" || state == "missing";
  const bool open = state == "planned" || state == "loading" || state == "loaded" || state == "running" ||
                    state == "claimed" || state == "publishing" || state == "expected";
  html.open("span", {{"class", good ? "badge good" : bad ? "badge bad" : open ? "badge open" : "badge"}});
  html.element("span", good ? "✓" : bad ? "✕" : open ? "…" : "–", {{"aria-hidden", "true"}});
  html.text(" ").text(state).close();
}

void batch_link(Html& html, const BatchId& id) { html.link(address("/batch", {{"id", id.text}}), id.text); }

}  // namespace ledgermill::dashboard
