// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "dashboard/view.h"

namespace ledgermill::dashboard {

namespace {

using Kind = Column::Kind;
using ledger::BatchSummary;
using ledger::ChunkRow;
using ledger::ChunkStatus;

void write_batches(Html& html, const std::string& caption, const std::vector<BatchSummary>& batches) {
  table(html, caption,
        {{"batch"},
         {"state"},
         {"file"},
         {"records", Kind::kNumber},
         {"posted", Kind::kNumber},
         {"rejected", Kind::kNumber},
         {"planned"}},
        batches.size(), [&](std::size_t i) {
          const BatchSummary& batch = batches[i];
          html.open("th", {{"scope", "row"}});
          batch_link(html, batch.id);
          html.close().open("td");
          badge(html, batch_state_name(batch.state));
          html.close();
          cell(html, batch.file.name);
          number_cell(html, grouped(batch.records));
          number_cell(html, grouped(batch.totals.accepted));
          number_cell(html, grouped(batch.totals.rejected));
          cell(html, time_text(batch.planned_at));
        });
}

std::string before_of(const std::vector<BatchSummary>& batches, std::size_t most) {
  return batches.size() < most ? "" : std::to_string(to_int(batches.back().number));
}

void write_filter(Html& html, const Call& call) {
  html.open("form", {{"class", "filter"}, {"method", "get"}, {"action", "/batches"}});
  html.open("div").element("label", "Feed", {{"for", "feed"}});
  html.leaf("input", {{"id", "feed"}, {"name", "feed"}, {"value", call.word("feed")}}).close();
  html.open("div").element("label", "State", {{"for", "state"}}).open("select", {{"id", "state"}, {"name", "state"}});
  for (const std::string_view state :
       {"", "planned", "loading", "loaded", "published", "refused", "discarded", "superseded"}) {
    Attributes attributes{{"value", std::string(state)}};
    if (call.word("state") == state) attributes.push_back({"selected", "selected"});
    html.element("option", state.empty() ? "any" : state, attributes);
  }
  html.close().close().element("button", "Show", {{"type", "submit"}}).close();
}

// --- one batch

/// Bytes and rejects of the parts of the chunks shown, as the folder has them.
struct PartsFound {
  std::uint64_t parts = 0, rejects = 0, missing = 0;
};
PartsFound look_for_parts(const std::filesystem::path& root, const std::vector<ChunkRow>& chunks) {
  PartsFound found;
  for (const ChunkRow& chunk : chunks) {
    if (!chunk.status.part) continue;
    std::error_code error;
    const auto bytes = std::filesystem::file_size(root / chunk.status.part->name, error);
    if (error || bytes != chunk.status.part->bytes) {
      ++found.missing;
      continue;
    }
    ++found.parts;
    found.rejects += chunk.status.part->rejects;
  }
  return found;
}

std::string signed_difference(std::uint64_t a, std::uint64_t b) {
  return a >= b ? grouped(a - b) : "-" + grouped(b - a);
}

void write_balance(Html& html, const BatchSummary& batch, const Plan& plan, const PartsFound& parts, bool all_chunks) {
  struct Row {
    std::string what, file, posted, rejected, difference;
  };
  std::vector<Row> rows;
  const ControlTotals& totals = batch.totals;
  rows.push_back({"records", grouped(batch.records), grouped(totals.accepted), grouped(totals.rejected),
                  signed_difference(batch.records, totals.accepted + totals.rejected)});
  if (all_chunks)
    rows.push_back({"rejects in the log's parts", "", "", grouped(parts.rejects),
                    signed_difference(totals.rejected, parts.rejects)});
  for (const FieldSum& sum : totals.sums) {
    ExactSum difference = sum.in;
    difference.minor_units -= sum.posted.minor_units + sum.rejected.minor_units;
    rows.push_back(
        {fmt::format("{}{}", sum.field,
                     sum.unreadable > 0 ? fmt::format(" ({} cells unreadable)", grouped(sum.unreadable)) : ""),
         money(sum.in, sum.scale), money(sum.posted, sum.scale), money(sum.rejected, sum.scale),
         money(difference, sum.scale)});
  }
  if (plan.declared.records)
    rows.push_back({"records that the sender declared", grouped(*plan.declared.records), "", "",
                    signed_difference(*plan.declared.records, batch.records)});
  if (plan.declared.sum) rows.push_back({"sum that the sender declared", grouped(*plan.declared.sum), "", "", ""});
  table(html, "Balance sheet: file = ledger + reject log",
        {{""},
         {"file", Kind::kNumber},
         {"ledger", Kind::kNumber},
         {"reject log", Kind::kNumber},
         {"difference", Kind::kNumber}},
        rows.size(), [&](std::size_t i) {
          html.element("th", rows[i].what, {{"scope", "row"}});
          for (const std::string* text : {&rows[i].file, &rows[i].posted, &rows[i].rejected, &rows[i].difference})
            number_cell(html, *text);
        });
}

void write_lineage(Html& html, const BatchSummary& batch, const Plan& plan,
                   const std::vector<ledger::Delivery>& deliveries) {
  html.element("h2", "Lineage").open("dl");
  const auto entry = [&html](Literal element, std::string_view name, const std::string& value) {
    html.element("dt", name).open("dd").element(element, value).close();
  };
  entry("span", "file", fmt::format("{}, {} bytes", batch.file.name, grouped(batch.file.bytes)));
  entry("code", "SHA-256 of the file", batch.file.sha256.hex());
  entry("code", "feed definition", plan.definition.hex());
  entry("code", "rule module", plan.module ? plan.module->hex() : "none");
  entry("span", "business date", batch.business_date ? batch.business_date->text() : "none");
  entry("span", "attempt", std::to_string(batch.attempt));
  entry("span", "planned", time_text(batch.planned_at));
  entry("span", "ended", batch.ended_at ? time_text(*batch.ended_at) : "not yet");
  if (batch.corrects) {
    html.element("dt", "corrects").open("dd");
    batch_link(html, *batch.corrects);
    html.close();
  }
  entry("span", "reject log", fmt::format("{} in {}", batch.rejects_folder, batch.rejects_root));
  html.close();
  table(html, "Times that the file was brought, newest first", {{"time"}, {"as"}, {"found to be"}}, deliveries.size(),
        [&](std::size_t i) {
          cell(html, time_text(deliveries[i].seen_at));
          cell(html, deliveries[i].file_name);
          cell(html, deliveries[i].disposition);
        });
}

/// One lane a worker, one bar a chunk from claimed to done.
void write_timeline(Html& html, const std::vector<ChunkRow>& chunks, Timestamp now) {
  std::map<std::string, std::vector<const ChunkRow*>> lanes;
  std::int64_t begin = INT64_MAX;
  std::int64_t end = 0;
  for (const ChunkRow& chunk : chunks) {
    if (!chunk.claimed_at || chunk.status.state == ChunkStatus::State::kPlanned) continue;
    lanes[chunk.status.worker].push_back(&chunk);
    begin = std::min(begin, chunk.claimed_at->nanoseconds);
    end = std::max(end, (chunk.done_at ? *chunk.done_at : now).nanoseconds);
  }
  if (lanes.empty() || lanes.size() > 64) return;
  const double span = static_cast<double>(std::max<std::int64_t>(end - begin, 1));
  constexpr int kWidth = 960, kLane = 26, kText = 190;
  const int height = static_cast<int>(lanes.size()) * kLane + 20;
  html.element("h2", "Workers and chunks");
  html.open("svg", {{"viewBox", fmt::format("0 0 {} {}", kWidth, height)},
                    {"role", "img"},
                    {"aria-label", fmt::format("{} workers over {}; the table below has the figures", lanes.size(),
                                               duration_text(span / 1e9))}});
  int y = 0;
  for (const auto& [worker, bars] : lanes) {
    html.element("text", worker.substr(0, 28), {{"x", "0"}, {"y", std::to_string(y + 17)}});
    for (const ChunkRow* chunk : bars) {
      const double from = static_cast<double>(chunk->claimed_at->nanoseconds - begin) / span;
      const double to = static_cast<double>((chunk->done_at ? *chunk->done_at : now).nanoseconds - begin) / span;
      const double width = std::max(2.0, (to - from) * (kWidth - kText) - 1);
      html.open("rect", {{"class", chunk->done_at ? "posted" : "unfinished"},
                         {"x", fmt::format("{:.1f}", kText + from * (kWidth - kText))},
                         {"y", std::to_string(y + 4)},
                         {"width", fmt::format("{:.1f}", width)},
                         {"height", std::to_string(kLane - 8)}});
      html.element("title",
                   fmt::format("chunk {}, {}", to_int(chunk->status.number), duration_text((to - from) * span / 1e9)));
      html.close();
    }
    y += kLane;
  }
  html.element("text", duration_text(span / 1e9),
               {{"x", std::to_string(kWidth)}, {"y", std::to_string(y + 14)}, {"text-anchor", "end"}});
  html.close();
}

void write_chunks(Html& html, const BatchSummary& batch, const std::vector<ChunkRow>& chunks, std::uint32_t most) {
  table(html, fmt::format("Chunks: {} of {} done", grouped(batch.chunks_done), grouped(batch.chunks)),
        {{"chunk", Kind::kNumber},
         {"state"},
         {"worker"},
         {"epoch", Kind::kNumber},
         {"first record", Kind::kNumber},
         {"records", Kind::kNumber},
         {"accepted", Kind::kNumber},
         {"rejected", Kind::kNumber},
         {"took", Kind::kNumber}},
        chunks.size(), [&](std::size_t i) {
          const ChunkRow& chunk = chunks[i];
          number_cell(html, std::to_string(to_int(chunk.status.number)));
          const auto state = chunk.status.state;
          html.open("td");
          badge(html, state == ChunkStatus::State::kDone      ? "posted"
                      : state == ChunkStatus::State::kClaimed ? "claimed"
                                                              : "planned");
          html.close();
          cell(html, chunk.status.worker);
          for (const std::uint64_t number :
               {chunk.status.epoch, chunk.first_record, chunk.records, chunk.status.accepted, chunk.status.rejected})
            number_cell(html, grouped(number));
          const bool timed = chunk.claimed_at && chunk.done_at;
          number_cell(html,
                      timed ? duration_text(
                                  static_cast<double>(chunk.done_at->nanoseconds - chunk.claimed_at->nanoseconds) / 1e9)
                            : "–");
        });
  if (chunks.size() == most) {
    html.open("p").link(
        address("/batch", {{"id", batch.id.text}, {"after", std::to_string(to_int(chunks.back().status.number))}}),
        "next chunks →");
    html.close();
  }
}

}  // namespace

std::string batches_page(const Call& call) {
  const auto filter = batch_filter_of(call);
  const std::vector<BatchSummary> batches = call.reader.batches(filter);
  return page("Batches", "/batches", [&](Html& html) {
    write_filter(html, call);
    html.open("div", {{"data-live", "batches"}});
    if (batches.empty())
      html.element("p", "No batch is like that.", {{"class", "notice"}});
    else
      write_batches(html, "Batches, newest first", batches);
    html.close();
    if (const std::string before = before_of(batches, filter.most); !before.empty()) {
      html.open("p").link(
          address("/batches", {{"feed", filter.feed}, {"state", call.word("state")}, {"before", before}}), "older →");
      html.close();
    }
  });
}

std::string batch_page(const Call& call) {
  constexpr std::uint32_t kChunks = 100;
  const BatchSummary batch = batch_of(call);
  const Plan plan = call.reader.plan(batch.number);
  const auto after = static_cast<std::uint32_t>(call.number("after", 0, UINT32_MAX));
  const std::vector<ChunkRow> chunks = call.reader.chunks(batch.number, after, kChunks);
  const PartsFound parts = look_for_parts(rejects_root_of(call.options, batch), chunks);
  const auto deliveries = call.reader.deliveries(batch.number, 20);
  return page("Batch " + batch.id.text, "/batches", [&](Html& html) {
    html.open("div", {{"data-live", "batch"}}).open("p");
    badge(html, batch_state_name(batch.state));
    html.text(fmt::format(" feed {}. ", batch.feed));
    if (batch.totals.rejected > 0)
      html.link(address("/rejects", {{"id", batch.id.text}}), fmt::format("{} rejects", grouped(batch.totals.rejected)))
          .text(".");
    html.close();
    if (!batch.refusal.empty()) html.element("p", "Refused: " + batch.refusal, {{"class", "notice wrong"}});
    if (parts.missing > 0)
      html.element("p",
                   fmt::format("{} parts of the reject log are missing or have another size: 'ledgermill verify {}'.",
                               parts.missing, batch.id.text),
                   {{"class", "notice wrong"}});
    write_balance(html, batch, plan, parts, after == 0 && chunks.size() < kChunks);
    html.open("p", {{"class", "soft"}})
        .text(
            "Ledger: what the chunks' transactions counted. An independent recount of the rows, and the parts' "
            "digests: ");
    html.element("code", "ledgermill verify " + batch.id.text).text(".").close();
    write_timeline(html, chunks, call.now);
    write_chunks(html, batch, chunks, kChunks);
    html.close();
    write_lineage(html, batch, plan, deliveries);
    html.element("h2", "One record").open("form", {{"class", "filter"}, {"method", "get"}, {"action", "/record"}});
    html.leaf("input", {{"type", "hidden"}, {"name", "id"}, {"value", batch.id.text}});
    html.open("div").element("label", "Record number", {{"for", "record"}});
    html.leaf("input", {{"id", "record"}, {"name", "record"}, {"inputmode", "numeric"}}).close();
    html.element("button", "Show", {{"type", "submit"}}).close();
  });
}

std::string search_page(const Call& call) {
  constexpr std::uint32_t kMost = 50;
  const std::string text = call.word("q");
  std::vector<BatchSummary> batches;
  const std::size_t hash = text.rfind('#');
  const std::string batch_text = text.substr(0, hash);
  if (!batch_text.empty())
    batches = call.reader.search(batch_text, static_cast<std::int64_t>(call.number("before", 0, INT64_MAX)), kMost);
  return page("Search", "/search", [&](Html& html) {
    html.open("p")
        .text("Batches whose id, file name or file digest begins with ")
        .element("code", batch_text)
        .text(".")
        .close();
    if (batches.empty())
      html.element("p", "None. The beginning of a name or digest is needed, with its case.", {{"class", "notice"}});
    else
      write_batches(html, "Found, newest first", batches);
    if (hash != std::string::npos && !batches.empty()) {
      html.open("p").link(address("/record", {{"id", batches[0].id.text}, {"record", text.substr(hash + 1)}}),
                          fmt::format("record {} of {}", text.substr(hash + 1), batches[0].id.text));
      html.close();
    }
    if (const std::string before = before_of(batches, kMost); !before.empty()) {
      html.open("p").link(address("/search", {{"q", text}, {"before", before}}), "older →");
      html.close();
    }
  });
}

}  // namespace ledgermill::dashboard
