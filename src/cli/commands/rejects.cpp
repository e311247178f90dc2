// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/view.h"
#include "reject/reject_log.h"

namespace ledgermill::cli {

namespace {

using Json = nlohmann::ordered_json;
using ledger::BatchSummary;
using Access = ledger::LedgerOptions::Access;

struct Words {
  std::string batch;
  std::string rejects;  // instead of the folder that the ledger names
  std::string out;
  std::uint64_t most = 20;
  std::uint64_t record = 0;
};

/// Calls `take` with every reject of the batch, in record order, until it returns false.
void each_reject(ledger::Ledger& ledger, const BatchSummary& batch, const Words& words,
                 const std::function<bool(reject::LoggedReject&&)>& take) {
  const std::filesystem::path root = words.rejects.empty() ? batch.rejects_root : words.rejects;
  bool more = true;
  for (const ledger::ChunkStatus& chunk : ledger.chunks(batch.number)) {
    if (!more) return;
    if (!chunk.part) continue;
    reject::read_part(root, *chunk.part, [&](reject::LoggedReject&& reject) { return more = take(std::move(reject)); });
  }
}

void list(const Words& words, Session& session) {
  const auto ledger = session.open_ledger(Access::kReadOnly);
  ledger::Ledger::ListFilter filter;
  filter.most = static_cast<std::uint32_t>(words.most);
  std::vector<std::vector<std::string>> rows{{"batch", "state", "rejected", "of", "parts"}};
  for (const BatchSummary& batch : ledger->list_batches(filter)) {
    if (batch.totals.rejected == 0) continue;
    std::uint64_t parts = 0;
    for (const ledger::ChunkStatus& chunk : ledger->chunks(batch.number)) parts += chunk.part ? 1U : 0U;
    if (session.settings.json) {
      const Json json{{"batch", batch.id.text},
                      {"state", batch_state_name(batch.state)},
                      {"rejected", batch.totals.rejected},
                      {"records", batch.records},
                      {"parts", parts},
                      {"root", batch.rejects_root}};
      fmt::print("{}\n", json.dump());
    }
    rows.push_back({batch.id.text, batch_state_name(batch.state), grouped(batch.totals.rejected),
                    grouped(batch.records), grouped(parts)});
  }
  if (!session.settings.json) fmt::print("{}", rows.size() == 1 ? "no batch has rejects\n" : table(rows, 2));
}

void show(const Words& words, Session& session) {
  const auto ledger = session.open_ledger(Access::kReadOnly);
  const BatchSummary batch = ledger->find_batch(words.batch);
  std::uint64_t count = 0;
  each_reject(*ledger, batch, words, [&](reject::LoggedReject&& reject) {
    if (words.record != 0 && reject.record_number != words.record) return true;
    if (session.settings.json) {
      fmt::print("{}\n", reject.json);
    } else {
      fmt::print("record {}, line {}, byte {}: {}\n", grouped(reject.record_number), grouped(reject.line),
                 grouped(reject.byte_offset), shown(reject.row.substr(0, 200)));
      for (const reject::LoggedReason& reason : reject.reasons) {
        fmt::print("    {:<18} {}\n", reason.code, shown(reason.message));
      }
    }
    return ++count < words.most;
  });
  if (count == words.most && !session.settings.json && words.record == 0 && count < batch.totals.rejected) {
    fmt::print("{} of {} rejects; more: --most N\n", grouped(count), grouped(batch.totals.rejected));
  }
}

void summary(const Words& words, Session& session) {
  const auto ledger = session.open_ledger(Access::kReadOnly);
  const BatchSummary batch = ledger->find_batch(words.batch);
  struct Row {
    std::uint64_t rejects = 0;
    std::string example;
  };
  std::map<std::pair<std::string, std::string>, Row> by_reason;  // code, field
  each_reject(*ledger, batch, words, [&](reject::LoggedReject&& reject) {
    for (const reject::LoggedReason& reason : reject.reasons) {
      Row& row = by_reason[{reason.code, reason.field}];
      if (++row.rejects == 1)
        row.example = fmt::format("record {}: {}", reject.record_number, reason.value.substr(0, 60));
    }
    return true;
  });
  if (session.settings.json) {
    for (const auto& [key, row] : by_reason) {
      const Json json{{"batch", batch.id.text},
                      {"code", key.first},
                      {"field", key.second},
                      {"reasons", row.rejects},
                      {"example", row.example}};
      fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return;
  }
  fmt::print("batch {}: {} of {} records rejected\n", batch.id.text, grouped(batch.totals.rejected),
             grouped(batch.records));
  std::vector<std::vector<std::string>> rows{{"code", "field", "first example", "reasons"}};
  for (const auto& [key, row] : by_reason)
    rows.push_back({key.first, key.second, shown(row.example), grouped(row.rejects)});
  fmt::print("{}", table(rows, 3));
}

/// Writes the rejected records as they stood in the file, under its header, to send back to who made it.
void export_rejects(const Words& words, Session& session) {
  const auto ledger = session.open_ledger(Access::kReadOnly);
  const BatchSummary batch = ledger->find_batch(words.batch);
  std::ofstream file;
  if (!words.out.empty()) {
    file.open(words.out, std::ios::binary | std::ios::out);
    if (!file) throw Failure(ReturnCode::kUnavailable, fmt::format("cannot write '{}'", words.out));
  }
  std::ostream& out = words.out.empty() ? std::cout : file;
  const Plan plan = ledger->plan(batch.number);
  const std::string_view line_end = plan.framing == FramingKind::kLines ? "\n" : "";
  out << plan.header;
  std::uint64_t written = 0;
  std::uint64_t incomplete = 0;
  each_reject(*ledger, batch, words, [&](reject::LoggedReject&& reject) {
    if (!reject.complete) {
      ++incomplete;
      return true;
    }
    out << reject.raw << line_end;
    ++written;
    return true;
  });
  out.flush();
  if (!out)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot write '{}'", words.out.empty() ? "standard output" : words.out));
  fmt::print(stderr, "{} records exported\n", grouped(written));
  if (incomplete > 0) {
    session.ended_with(ReturnCode::kRejects);
    fmt::print(stderr, "{} left out: masked, or longer than the reject log keeps; their place is in 'rejects show'\n",
               grouped(incomplete));
  }
}

}  // namespace

void add_rejects(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("rejects", "The reject log: list, show, summary, export");
  command->require_subcommand(1);
  auto words = std::make_shared<Words>();
  const auto add = [&](const char* name, const char* about, void (*action)(const Words&, Session&)) {
    auto* sub = command->add_subcommand(name, about);
    add_ledger_options(*sub, session);
    if (action != export_rejects) add_json_option(*sub, session);
    sub->callback([words, &session, action] { action(*words, session); });
    return sub;
  };
  const auto of_batch = [&](CLI::App* sub) {
    sub->add_option("batch", words->batch, "Batch id, an unambiguous part of it, or its number")->required();
    sub->add_option("--rejects", words->rejects,
                    "Folder of the reject log, where it is not the one that the ledger names");
  };
  auto* list_command = add("list", "Batches that have rejects, newest first", list);
  list_command->add_option("--most", words->most, "How many batches to look at")->capture_default_str();
  list_command->footer("Example:\n  ledgermill rejects list\n");
  auto* show_command = add("show", "Rejects with all their reasons", show);
  of_batch(show_command);
  show_command->add_option("--most", words->most, "How many")->capture_default_str();
  show_command->add_option("--record", words->record, "Only the record with this number");
  show_command->footer("Example:\n  ledgermill rejects show transactions/2025-03-30 --most 5\n");
  auto* summary_command = add("summary", "Rejects by code and field, with an example of each", summary);
  of_batch(summary_command);
  summary_command->footer("Example:\n  ledgermill rejects summary transactions/2025-03-30\n");
  auto* export_command =
      add("export", "The rejected records' original bytes under the file's header, to send back", export_rejects);
  of_batch(export_command);
  export_command->add_option("--out", words->out, "File to write (default: standard output)");
  export_command->footer("Example:\n  ledgermill rejects export transactions/2025-03-30 --out to-mend.csv\n");
}

}  // namespace ledgermill::cli
