// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

using Json = nlohmann::ordered_json;
using ledger::BatchSummary;
using ledger::ChunkStatus;
using Access = ledger::LedgerOptions::Access;

struct Words {
  std::string batch;
  std::string feed;
  std::uint32_t most = 20;
  std::int64_t before = 0;
};

const char* chunk_state_name(ChunkStatus::State state) {
  switch (state) {
    case ChunkStatus::State::kPlanned:
      return "planned";
    case ChunkStatus::State::kClaimed:
      return "claimed";
    case ChunkStatus::State::kDone:
      return "done";
  }
  return "?";
}

Json batch_json(const BatchSummary& batch) {
  Json json{{"number", to_int(batch.number)},
            {"batch", batch.id.text},
            {"feed", batch.feed},
            {"business_date", batch.business_date ? Json(batch.business_date->text()) : Json(nullptr)},
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
            {"ended_at", batch.ended_at ? Json(batch.ended_at->text()) : Json(nullptr)},
            {"corrects", batch.corrects ? Json(batch.corrects->text) : Json(nullptr)}};
  Json sums = Json::object();
  for (const FieldSum& sum : batch.totals.sums) {
    sums[sum.field] = {{"in", sum.in.text(sum.scale)},
                       {"posted", sum.posted.text(sum.scale)},
                       {"rejected", sum.rejected.text(sum.scale)},
                       {"unreadable", sum.unreadable}};
  }
  json["sums"] = sums;
  if (!batch.refusal.empty()) json["refusal"] = batch.refusal;
  return json;
}

Json chunk_json(const ChunkStatus& chunk) {
  Json json{{"chunk", to_int(chunk.number)},
            {"state", chunk_state_name(chunk.state)},
            {"epoch", chunk.epoch},
            {"worker", chunk.worker},
            {"accepted", chunk.accepted},
            {"rejected", chunk.rejected},
            {"lease_seconds_left", chunk.lease_seconds_left},
            {"age_seconds", chunk.age_seconds}};
  json["reject_part"] = chunk.part ? Json(chunk.part->name) : Json(nullptr);
  return json;
}

void list(const Words& words, Session& session) {
  ledger::Ledger::ListFilter filter;
  filter.feed = words.feed;
  filter.most = words.most;
  filter.before_number = words.before;
  const std::vector<BatchSummary> batches = session.open_ledger(Access::kReadOnly)->list_batches(filter);
  if (session.settings.json) {
    for (const BatchSummary& batch : batches) fmt::print("{}\n", batch_json(batch).dump());
    return;
  }
  std::vector<std::vector<std::string>> rows{{"batch", "state", "file", "records", "posted", "rejected"}};
  for (const BatchSummary& batch : batches) {
    rows.push_back({batch.id.text, batch_state_name(batch.state), shown(batch.file.name), grouped(batch.records),
                    grouped(batch.totals.accepted), grouped(batch.totals.rejected)});
  }
  fmt::print("{}", batches.empty() ? "no batches\n" : table(rows, 3));
  if (batches.size() == filter.most) fmt::print("older ones: --before {}\n", to_int(batches.back().number));
}

void print_chunks(const std::vector<ChunkStatus>& chunks) {
  std::vector<std::vector<std::string>> rows{
      {"chunk", "state", "worker", "lease", "age", "accepted", "rejected", "epoch"}};
  for (const ChunkStatus& chunk : chunks) {
    rows.push_back(
        {std::to_string(to_int(chunk.number)), chunk_state_name(chunk.state), shown(chunk.worker),
         chunk.state == ChunkStatus::State::kClaimed ? fmt::format("{:.0f} s", chunk.lease_seconds_left) : "",
         chunk.state == ChunkStatus::State::kPlanned ? "" : fmt::format("{:.0f} s", chunk.age_seconds),
         grouped(chunk.accepted), grouped(chunk.rejected), std::to_string(chunk.epoch)});
  }
  fmt::print("{}", table(rows, 3));
}

void show(const Words& words, Session& session) {
  const auto ledger = session.open_ledger(Access::kReadOnly);
  const BatchSummary batch = ledger->find_batch(words.batch);
  const std::vector<ChunkStatus> chunks = ledger->chunks(batch.number);
  if (session.settings.json) {
    Json json = batch_json(batch);
    json["chunk_states"] = Json::array();
    for (const ChunkStatus& chunk : chunks) json["chunk_states"].push_back(chunk_json(chunk));
    fmt::print("{}\n", json.dump());
    return;
  }
  batch::FileReport report = batch::report_of(batch, ledger->plan(batch.number));
  fmt::print("batch {}  {}  planned {}{}\n", batch.id.text, batch_state_name(batch.state), batch.planned_at.text(),
             batch.ended_at ? "  ended " + batch.ended_at->text() : "");
  if (batch.corrects) fmt::print("corrects {}\n", batch.corrects->text);
  if (!batch.refusal.empty()) fmt::print("refused: {}\n", batch.refusal);
  report.published = batch.state == ledger::BatchState::kPublished || batch.state == ledger::BatchState::kSuperseded;
  report.batch.clear();
  fmt::print("{}rejects under {}\n", report_text(report), shown(batch.rejects_root));
  print_chunks(chunks);
}

void discard(const Words& words, Session& session) {
  const auto ledger = session.open_ledger(Access::kReadWrite);
  const BatchSummary batch = ledger->find_batch(words.batch);
  ledger->discard(batch.number);
  if (session.settings.json) {
    fmt::print("{}\n", batch_json(ledger->summary(batch.number)).dump());
  } else {
    fmt::print("batch {} is discarded; the same file may be loaded again as the next attempt\n", batch.id.text);
  }
}

}  // namespace

void add_batches(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("batches", "What the ledger holds: list, show, discard");
  command->require_subcommand(1);
  auto words = std::make_shared<Words>();
  const auto add = [&](const char* name, const char* about, void (*action)(const Words&, Session&)) {
    auto* sub = command->add_subcommand(name, about);
    add_ledger_options(*sub, session);
    add_json_option(*sub, session);
    sub->callback([words, &session, action] { action(*words, session); });
    return sub;
  };
  auto* list_command = add("list", "Batches, newest first", list);
  list_command->add_option("--feed", words->feed, "Only this feed");
  list_command->add_option("--most", words->most, "How many")->capture_default_str();
  list_command->add_option("--before", words->before, "Only batches with a smaller number, for the next page");
  list_command->footer("Example:\n  ledgermill batches list --feed transactions --json\n");
  auto* show_command =
      add("show", "One batch: its balance and its chunks, with worker, lease and age while it runs", show);
  show_command->add_option("batch", words->batch, "Batch id, an unambiguous part of it, or its number")->required();
  show_command->footer("Example:\n  ledgermill batches show transactions/2025-03-30\n");
  auto* discard_command =
      add("discard", "Give up an unfinished or refused batch, so that its file may be tried anew", discard);
  discard_command->add_option("batch", words->batch, "Batch id, an unambiguous part of it, or its number")->required();
  discard_command->footer("A published batch cannot be discarded: load its correction with run --corrects.\n");
}

}  // namespace ledgermill::cli
