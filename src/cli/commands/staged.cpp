// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "batch/staging.h"
#include "cli/session.h"
#include "cli/view.h"
#include "reject/reject_log.h"

namespace ledgermill::cli {

namespace {

std::string cell_text(const Plan& plan, const StagedChunk& chunk, std::size_t field, std::size_t i) {
  const Field& described = plan.layout.fields[field];
  const StagedColumn& column = chunk.columns[field];
  if (column.states[i] == FieldState::kMissing) return "";
  if (described.sensitive) return "***";
  switch (described.type) {
    case FieldType::kString:
      return shown(chunk.text.at(column.texts[i]));
    case FieldType::kInteger:
      return std::to_string(column.integers[i]);
    case FieldType::kDecimal:
      return Amount{column.integers[i], described.scale}.text();
    case FieldType::kDate:
      return column.dates[i].text();
    case FieldType::kDatetime:
      return Timestamp{column.integers[i] * 1000}.text();
    case FieldType::kBoolean:
      return column.booleans[i] != 0 ? "true" : "false";
  }
  return "";
}

/// The chunk's records in their order, accepted and rejected ones as they come.
void show(const std::string& path) {
  const batch::StagedView view = batch::view_staged(path);
  const Plan& plan = view.plan;
  const StagedChunk& chunk = view.chunk;
  const std::uint64_t first_record = plan.chunk(chunk.number).first_record;
  const BatchId batch = BatchId::of(plan.feed, plan.business_date, plan.file.sha256, 1);
  std::string out = "record_number\tverdict";
  for (const Field& field : plan.layout.fields) out += "\t" + shown(field.name);
  out += "\treject\n";
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  while (accepted < chunk.accepted.size() || rejected < chunk.rejects.size()) {
    const bool reject =
        accepted == chunk.accepted.size() ||
        (rejected < chunk.rejects.size() && chunk.rejects[rejected].record < chunk.accepted[accepted].record);
    const std::uint32_t record = reject ? chunk.rejects[rejected].record : chunk.accepted[accepted].record;
    out += fmt::format("{}\t{}", first_record + record, reject ? "reject" : "accept");
    for (std::size_t f = 0; f < plan.layout.fields.size(); ++f)
      out += "\t" + (reject ? "" : cell_text(plan, chunk, f, accepted));
    out += reject ? "\t" + reject::render(plan, batch, chunk, chunk.rejects[rejected]) + "\n" : "\t\n";
    reject ? ++rejected : ++accepted;
    if (out.size() > 65'536) {
      fmt::print("{}", out);
      out.clear();
    }
  }
  fmt::print("{}", out);
}

}  // namespace

void add_staged(CLI::App& app, Session&) {
  auto* command = app.add_subcommand("staged", "Staged files: show");
  command->require_subcommand(1);
  auto path = std::make_shared<std::string>();
  auto* sub = command->add_subcommand("show", "A staged chunk as tab-separated text, its rejects as JSON");
  sub->add_option("file", *path, "A .staged file; its plan must lie beside it")->required();
  sub->footer(
      "Example:\n  ledgermill staged show staged/ingested-2025-03-30-22-25-02-9f86d081884c-000001.staged | head\n");
  sub->callback([path] { show(*path); });
}

}  // namespace ledgermill::cli
