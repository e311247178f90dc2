// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "dashboard/enrichment_page.h"
#include "dashboard/job_pages.h"
#include "dashboard/view.h"

namespace ledgermill::dashboard {

namespace {

using Json = nlohmann::ordered_json;
using ledger::BatchSummary;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(value->text()) : Json(nullptr);
}

Json flow_json(const ledger::MoneyFlow& flow) {
  return {{"field", flow.field},
          {"in", flow.in.text(flow.scale)},
          {"posted", flow.posted.text(flow.scale)},
          {"rejected", flow.rejected.text(flow.scale)},
          {"refused", flow.refused.text(flow.scale)},
          {"unreconciled", flow.unreconciled.text(flow.scale)},
          {"unreadable", flow.unreadable}};
}

Json feed_json(const FeedToday& feed) {
  const ledger::FeedTotals& totals = feed.totals;
  Json json{{"feed", totals.feed},
            {"late", feed.late},
            {"batches",
             {{"published", totals.published},
              {"refused", totals.refused},
              {"open", totals.open},
              {"superseded", totals.superseded},
              {"discarded", totals.discarded},
              {"out_of_balance", totals.out_of_balance}}},
            {"records",
             {{"in", totals.records_in},
              {"posted", totals.records_posted},
              {"rejected", totals.records_rejected},
              {"refused", totals.records_refused},
              {"unreconciled", totals.records_unreconciled}}},
            {"amounts", Json::array()},
            {"reasons", totals.reasons},
            {"last_published_at", or_null(totals.last_published_at)},
            {"oldest_open_at", or_null(totals.oldest_open_at)}};
  for (const ledger::MoneyFlow& flow : totals.money) json["amounts"].push_back(flow_json(flow));
  return json;
}

Json batch_json(const BatchSummary& batch) {
  Json json{{"number", to_int(batch.number)},
            {"batch", batch.id.text},
            {"feed", batch.feed},
            {"business_date", or_null(batch.business_date)},
            {"attempt", batch.attempt},
            {"state", batch_state_name(batch.state)},
            {"file", batch.file.name},
            {"file_sha256", batch.file.sha256.hex()},
            {"bytes", batch.file.bytes},
            {"records", batch.records},
            {"accepted", batch.totals.accepted},
            {"rejected", batch.totals.rejected},
            {"reasons", batch.reasons},
            {"chunks", batch.chunks},
            {"chunks_done", batch.chunks_done},
            {"planned_at", batch.planned_at.text()},
            {"ended_at", or_null(batch.ended_at)},
            {"corrects", batch.corrects ? Json(batch.corrects->text) : Json(nullptr)},
            {"refusal", batch.refusal},
            {"sums", Json::array()}};
  for (const FieldSum& sum : batch.totals.sums)
    json["sums"].push_back({{"field", sum.field},
                            {"in", sum.in.text(sum.scale)},
                            {"posted", sum.posted.text(sum.scale)},
                            {"rejected", sum.rejected.text(sum.scale)},
                            {"unreadable", sum.unreadable}});
  return json;
}

Json batches_json(const std::vector<BatchSummary>& batches, std::size_t most) {
  Json json{{"batches", Json::array()}, {"before", nullptr}};
  for (const BatchSummary& batch : batches) json["batches"].push_back(batch_json(batch));
  if (batches.size() == most && most > 0) json["before"] = to_int(batches.back().number);
  return json;
}

Json chunk_json(const ledger::ChunkRow& chunk) {
  using State = ledger::ChunkStatus::State;
  const State state = chunk.status.state;
  return {{"chunk", to_int(chunk.status.number)},
          {"state", state == State::kDone      ? "done"
                    : state == State::kClaimed ? "claimed"
                                               : "planned"},
          {"worker", chunk.status.worker},
          {"epoch", chunk.status.epoch},
          {"first_record", chunk.first_record},
          {"records", chunk.records},
          {"first_byte", chunk.first_byte},
          {"bytes", chunk.bytes},
          {"accepted", chunk.status.accepted},
          {"rejected", chunk.status.rejected},
          {"claimed_at", or_null(chunk.claimed_at)},
          {"done_at", or_null(chunk.done_at)},
          {"reject_part", chunk.status.part ? Json(chunk.status.part->name) : Json(nullptr)}};
}

Json chunks_json(const Call& call) {
  const BatchSummary batch = batch_of(call);
  const auto most = static_cast<std::uint32_t>(call.number("most", 100, 500));
  const auto after = static_cast<std::uint32_t>(call.number("after", 0, UINT32_MAX));
  Json json{{"batch", batch.id.text}, {"chunks", Json::array()}, {"after", nullptr}};
  for (const ledger::ChunkRow& chunk : call.reader.chunks(batch.number, after, most)) {
    json["chunks"].push_back(chunk_json(chunk));
    if (json["chunks"].size() == most) json["after"] = to_int(chunk.status.number);
  }
  return json;
}

Json rejects_json(const Call& call) {
  const BatchSummary batch = batch_of(call);
  const RejectsPage page = rejects_of(call, batch, static_cast<std::uint32_t>(call.number("most", 50, 500)));
  Json json{{"batch", batch.id.text}, {"rejects", Json::array()}, {"after", nullptr}, {"damaged", page.damaged}};
  for (const reject::LoggedReject& reject : page.rejects) json["rejects"].push_back(Json::parse(reject.json));
  if (!page.next.empty()) json["after"] = page.next;
  return json;
}

Json record_json(const Call& call) {
  const RecordFound found = record_of(call);
  Json json{{"batch", found.batch.id.text},
            {"record", found.number},
            {"end", found.posting  ? "posted"
                    : found.reject ? "rejected"
                                   : "none"},
            {"chunk", found.chunk ? chunk_json(*found.chunk) : Json(nullptr)},
            {"posting", nullptr},
            {"reject", found.reject ? Json::parse(found.reject->json) : Json(nullptr)}};
  if (found.posting) {
    json["posting"] = Json::object();
    for (const ledger::PostedField& field : *found.posting)
      json["posting"][found.plan.layout.fields.at(field.field).name] = field.value ? Json(*field.value) : Json(nullptr);
  }
  return json;
}

Json jobs_json(const Call& call) {
  const RunsPage page = runs_of(call);
  Json json{{"runs", Json::array()}, {"before", nullptr}, {"damaged", page.damaged}};
  for (const job::Manifest& manifest : page.runs)
    json["runs"].push_back({{"run", manifest.run},
                            {"job", manifest.job},
                            {"state", job::state_name(manifest.state)},
                            {"rc", manifest.rc},
                            {"began", manifest.began},
                            {"ended", manifest.ended}});
  if (!page.next.empty()) json["before"] = page.next;
  return json;
}

Json enrichment_json(const Call& call) {
  const EnrichmentFound found = enrichment_of(call);
  Json json{
      {"models", Json::array()}, {"files", Json::array()}, {"damaged_answers", found.damaged}, {"after", nullptr}};
  for (const auto& [name, use] : found.models)
    json["models"].push_back({{"model", name},
                              {"answers", use.answers},
                              {"repaired", use.repaired},
                              {"input_tokens", use.input_tokens},
                              {"output_tokens", use.output_tokens},
                              {"milliseconds", use.milliseconds}});
  for (const AnnotatedFile& file : found.files)
    json["files"].push_back({{"enrichment", file.enrichment},
                             {"file", file.digest},
                             {"records", file.records},
                             {"whole", file.whole},
                             {"by_source", file.by_source},
                             {"by_category", file.by_category},
                             {"records_kept_back", file.records_kept_back},
                             {"questions_kept_back", file.questions_kept_back}});
  if (!found.next.empty()) json["after"] = found.next;
  return json;
}

Json root_json(const Call& call) {
  return {
      {"program", "ledgermill"},
      {"version", call.options.version},
      {"ledger", call.reader.address()},
      {"answers", {"today", "batches", "batch", "chunks", "rejects", "record", "search", "jobs", "job", "enrichment"}}};
}

Json today_object(const Today& today) {
  Json json{{"day", today.day.text()}, {"feeds", Json::array()}};
  for (const FeedToday& feed : today.feeds) json["feeds"].push_back(feed_json(feed));
  return json;
}

std::string written(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string today_json(const Today& today) { return written(today_object(today)); }

std::string status_json(ledger::Reader& reader, const std::vector<Expectation>& expectations, Timestamp now) {
  return today_json(today_of(reader, expectations, now, ""));
}

std::optional<std::string> api_answer(const std::string& name, const Call& call) {
  if (name.empty()) return written(root_json(call));
  if (name == "today") return today_json(today_of(call.reader, call.options.expectations, call.now, call.word("day")));
  if (name == "batches") {
    const auto filter = batch_filter_of(call);
    return written(batches_json(call.reader.batches(filter), filter.most));
  }
  if (name == "batch") return written(batch_json(batch_of(call)));
  if (name == "chunks") return written(chunks_json(call));
  if (name == "rejects") return written(rejects_json(call));
  if (name == "record") return written(record_json(call));
  if (name == "search") {
    const auto most = static_cast<std::uint32_t>(call.number("most", 50, 200));
    const auto before = static_cast<std::int64_t>(call.number("before", 0, INT64_MAX));
    if (call.word("q").empty()) throw BadRequest{400, "'q' is the beginning of a batch's id, file name or file digest"};
    return written(batches_json(call.reader.search(call.word("q"), before, most), most));
  }
  if (name == "jobs") return written(jobs_json(call));
  if (name == "job") return job::manifest_json(manifest_of(call)) + "\n";
  if (name == "enrichment") return written(enrichment_json(call));
  return std::nullopt;
}

}  // namespace ledgermill::dashboard
