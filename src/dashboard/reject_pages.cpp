// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/failure.h"
#include "dashboard/view.h"

namespace ledgermill::dashboard {

namespace {

using Kind = Column::Kind;
using ledger::BatchSummary;

void write_batches_with_rejects(Html& html, const Call& call, const std::vector<BatchSummary>& batches) {
  table(html, "Batches with rejects, newest first",
        {{"batch"}, {"file"}, {"rejected", Kind::kNumber}, {"of records", Kind::kNumber}, {"reasons"}}, batches.size(),
        [&](std::size_t i) {
          const BatchSummary& batch = batches[i];
          html.open("th", {{"scope", "row"}}).link(address("/rejects", {{"id", batch.id.text}}), batch.id.text).close();
          cell(html, batch.file.name);
          number_cell(html, grouped(batch.totals.rejected));
          number_cell(html, grouped(batch.records));
          html.open("td");
          bool first = true;
          for (const auto& [code, count] : batch.reasons) {
            html.text(first ? "" : ", ");
            first = false;
            html.link(address("/rejects", {{"id", batch.id.text}, {"code", code}}),
                      fmt::format("{} {}", code, grouped(count)));
          }
          html.close();
        });
  if (batches.size() == 50) {
    html.open("p").link(
        address("/rejects", {{"feed", call.word("feed")}, {"before", std::to_string(to_int(batches.back().number))}}),
        "older →");
    html.close();
  }
}

std::string all_batches(const Call& call) {
  auto filter = batch_filter_of(call);
  filter.having = ledger::Reader::BatchFilter::Having::kRejects;
  filter.most = 50;
  const std::vector<BatchSummary> batches = call.reader.batches(filter);
  return page("Rejects", "/rejects", [&](Html& html) {
    html.open("form", {{"class", "filter"}, {"method", "get"}, {"action", "/rejects"}});
    html.open("div").element("label", "Feed", {{"for", "feed"}});
    html.leaf("input", {{"id", "feed"}, {"name", "feed"}, {"value", filter.feed}}).close();
    html.element("button", "Show", {{"type", "submit"}}).close();
    if (batches.empty())
      html.element("p", "No batch has rejects.", {{"class", "notice"}});
    else
      write_batches_with_rejects(html, call, batches);
  });
}

void write_reasons(Html& html, const BatchSummary& batch) {
  table(html, "By reason, in the whole batch", {{"code"}, {"reasons", Kind::kNumber}}, batch.reasons.size(),
        [&](std::size_t i) {
          const auto& [code, count] = *std::next(batch.reasons.begin(), static_cast<std::ptrdiff_t>(i));
          html.open("th", {{"scope", "row"}})
              .link(address("/rejects", {{"id", batch.id.text}, {"code", code}}), code)
              .close();
          number_cell(html, grouped(count));
        });
}

void write_by_field(Html& html, const Call& call, const BatchSummary& batch, const RejectsPage& rejects) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;  // field, code
  for (const reject::LoggedReject& reject : rejects.rejects) {
    for (const reject::LoggedReason& reason : reject.reasons) ++counts[{reason.field, reason.code}];
  }
  table(html, fmt::format("By field, in the {} rejects of this page", rejects.rejects.size()),
        {{"field"}, {"code"}, {"reasons", Kind::kNumber}}, counts.size(), [&](std::size_t i) {
          const auto& [key, count] = *std::next(counts.begin(), static_cast<std::ptrdiff_t>(i));
          const std::string name = key.first.empty() ? "(whole record)" : key.first;
          html.open("th", {{"scope", "row"}});
          html.link(address("/rejects", {{"id", batch.id.text}, {"field", key.first}, {"code", call.word("code")}}),
                    name);
          html.close();
          cell(html, key.second);
          number_cell(html, grouped(count));
        });
}

void write_rejects(Html& html, const BatchSummary& batch, const RejectsPage& rejects) {
  table(html, "Rejects", {{"record", Kind::kNumber}, {"line", Kind::kNumber}, {"reasons"}, {"as it stood in the file"}},
        rejects.rejects.size(), [&](std::size_t i) {
          const reject::LoggedReject& reject = rejects.rejects[i];
          const std::string number = std::to_string(reject.record_number);
          html.open("td", {{"class", "number"}});
          html.link(address("/record", {{"id", batch.id.text}, {"record", number}}), grouped(reject.record_number))
              .close();
          number_cell(html, grouped(reject.line));
          html.open("td");
          for (std::size_t r = 0; r < reject.reasons.size(); ++r) {
            const reject::LoggedReason& reason = reject.reasons[r];
            html.open("div").element("code", reason.code);
            html.text(reason.field.empty() ? ": " : " " + reason.field + ": ")
                .text(reason.message.substr(0, 300))
                .close();
          }
          html.close()
              .open("td")
              .element("code", reject.complete || !reject.row.empty() ? reject.row.substr(0, 200) : "masked")
              .close();
        });
}

std::string one_batch(const Call& call) {
  constexpr std::uint32_t kMost = 50;
  const BatchSummary batch = batch_of(call);
  const RejectsPage rejects = rejects_of(call, batch, kMost);
  const std::string code = call.word("code"), field = call.word("field");
  return page("Rejects of " + batch.id.text, "/rejects", [&](Html& html) {
    html.open("p");
    batch_link(html, batch.id);
    html.text(fmt::format(": {} of {} records rejected. ", grouped(batch.totals.rejected), grouped(batch.records)));
    if (!code.empty() || !field.empty()) {
      html.text("Shown: ").text(code).text(field.empty() ? "" : " of field " + field).text(". ");
      html.link(address("/rejects", {{"id", batch.id.text}}), "All of them").text(".");
    }
    html.close();
    for (const std::string& words : rejects.damaged) html.element("p", words, {{"class", "notice wrong"}});
    write_reasons(html, batch);
    write_by_field(html, call, batch, rejects);
    write_rejects(html, batch, rejects);
    if (!rejects.next.empty()) {
      html.open("p").link(
          address("/rejects", {{"id", batch.id.text}, {"code", code}, {"field", field}, {"after", rejects.next}}),
          rejects.rejects.size() < kMost ? "look further →" : "next →");
      html.close();
    }
  });
}

// --- one record

struct Bytes {
  std::size_t begin = 0, size = 0;
};

bool is_boundary(std::string_view raw, std::size_t at) {
  return at >= raw.size() || std::string_view(",;|\t\"\r\n").find(raw[at]) != std::string_view::npos;
}

/// Where the value of a reason stands in the record: at a cell's borders, and of several equal cells the one that has
/// as many delimiters before it as the field has cells. Nothing where it cannot be told.
std::optional<Bytes> place_of(const Plan& plan, std::string_view raw, const reject::LoggedReason& reason) {
  if (reason.value.empty() || reason.value == "****") return std::nullopt;
  const auto field = plan.layout.find(reason.field);
  std::optional<Bytes> best;
  for (std::size_t at = raw.find(reason.value); at != std::string_view::npos; at = raw.find(reason.value, at + 1)) {
    const Bytes place{at, reason.value.size()};
    if (plan.record_bytes == 0 && (!(at == 0 || is_boundary(raw, at - 1)) || !is_boundary(raw, at + place.size)))
      continue;
    if (!best) best = place;
    if (!field || at == 0) continue;
    const char delimiter = raw[at - 1] == '"' && at > 1 ? raw[at - 2] : raw[at - 1];
    bool quoted = false;
    std::size_t cells = 0;
    for (const char c : raw.substr(0, at)) {
      if (c == '"') quoted = !quoted;
      if (c == delimiter && !quoted) ++cells;
    }
    if (cells < plan.cell_fields.size() && plan.cell_fields[cells] == *field) return place;
  }
  return best;
}

void write_raw(Html& html, std::string_view raw, std::vector<Bytes> places) {
  std::sort(places.begin(), places.end(), [](const Bytes& a, const Bytes& b) { return a.begin < b.begin; });
  html.open("pre", {{"tabindex", "0"}, {"aria-label", "the record as it stood in the file"}});
  std::size_t at = 0;
  for (const Bytes& place : places) {
    if (place.begin < at) continue;
    html.text(raw.substr(at, place.begin - at)).element("mark", raw.substr(place.begin, place.size));
    at = place.begin + place.size;
  }
  html.text(raw.substr(at)).close();
}

bool is_marked(std::size_t at, const std::vector<Bytes>& places) {
  return std::any_of(places.begin(), places.end(),
                     [at](const Bytes& place) { return at >= place.begin && at < place.begin + place.size; });
}

void write_hex(Html& html, std::string_view raw, std::uint64_t offset, const std::vector<Bytes>& places) {
  constexpr std::size_t kMost = 512;
  html.open("details").element("summary", raw.size() > kMost ? "The first 512 bytes" : "Its bytes");
  html.open("pre", {{"tabindex", "0"}, {"aria-label", "the record's bytes in hexadecimal"}});
  for (std::size_t line = 0; line < std::min(raw.size(), kMost); line += 16) {
    html.text(fmt::format("{:>12} ", grouped(offset + line)));
    for (std::size_t at = line; at < std::min({line + 16, raw.size(), kMost}); ++at) {
      const std::string hex = fmt::format("{:02x}", static_cast<unsigned char>(raw[at]));
      html.text(" ");
      if (is_marked(at, places))
        html.element("mark", hex);
      else
        html.text(hex);
    }
    html.text("\n");
  }
  html.close().close();
}

void write_reject(Html& html, const RecordFound& found) {
  const reject::LoggedReject& reject = *found.reject;
  std::vector<Bytes> places;
  for (const reject::LoggedReason& reason : reject.reasons) {
    if (const auto place = place_of(found.plan, reject.raw, reason)) places.push_back(*place);
  }
  html.open("p");
  badge(html, "rejected");
  html.text(fmt::format(" Line {}, byte {}, {} bytes. {}", grouped(reject.line), grouped(reject.byte_offset),
                        grouped(reject.length), reject.reason))
      .close();
  if (!reject.complete)
    html.element("p",
                 "The log holds this record masked or in part: the feed has a sensitive field, or the record is long.",
                 {{"class", "notice"}});
  html.element("h2", "As it stood in the file");
  write_raw(html, reject.raw, places);
  if (!reject.raw.empty()) write_hex(html, reject.raw, reject.byte_offset, places);
  html.element("h2", "Reasons, and what to do");
  table(html, "All reasons of this record", {{"code"}, {"field"}, {"value"}, {"what is wrong"}, {"what to do"}},
        reject.reasons.size(), [&](std::size_t i) {
          const reject::LoggedReason& reason = reject.reasons[i];
          html.element("th", reason.code, {{"scope", "row"}});
          cell(html, reason.field.empty() ? "(whole record)" : reason.field);
          html.open("td").element("code", reason.value.substr(0, 300)).close();
          cell(html, reason.message);
          cell(html, advice_for(reason.code));
        });
}

void write_posting(Html& html, const RecordFound& found) {
  html.open("p");
  badge(html, "posted");
  html.text(found.batch.state == ledger::BatchState::kPublished ? " Readers see it."
                                                                : " Readers do not see it: the batch is not published.")
      .close();
  table(html, "As it was posted", {{"field"}, {"column"}, {"value"}}, found.posting->size(), [&](std::size_t i) {
    const ledger::PostedField& posted = (*found.posting)[i];
    const Field& field = found.plan.layout.fields.at(posted.field);
    html.element("th", field.name, {{"scope", "row"}}).open("td").element("code", field.column).close();
    cell(html, posted.value ? *posted.value : "(no value)");
  });
}

}  // namespace

std::string rejects_page(const Call& call) { return call.word("id").empty() ? all_batches(call) : one_batch(call); }

std::string record_page(const Call& call) {
  const RecordFound found = record_of(call);
  return page(fmt::format("Record {} of {}", grouped(found.number), found.batch.id.text), "/rejects", [&](Html& html) {
    html.open("p").text("Of file ").text(found.batch.file.name).text(", batch ");
    batch_link(html, found.batch.id);
    if (found.chunk)
      html.text(fmt::format(", chunk {}, worker {}", to_int(found.chunk->status.number), found.chunk->status.worker));
    html.text(".").close();
    if (found.reject)
      write_reject(html, found);
    else if (found.posting)
      write_posting(html, found);
    else if (found.batch.state == ledger::BatchState::kRefused || found.batch.state == ledger::BatchState::kDiscarded)
      html.element("p", "The batch is not posted: " + found.batch.refusal, {{"class", "notice wrong"}});
    else
      html.element("p", "Its chunk is not posted yet.", {{"class", "notice"}});
    html.open("nav", {{"class", "pages"}, {"aria-label", "Records"}});
    if (found.number > 1)
      html.link(address("/record", {{"id", found.batch.id.text}, {"record", std::to_string(found.number - 1)}}),
                "← the record before");
    if (found.number < found.batch.records)
      html.link(address("/record", {{"id", found.batch.id.text}, {"record", std::to_string(found.number + 1)}}),
                "the next record →");
    html.close();
  });
}

}  // namespace ledgermill::dashboard
