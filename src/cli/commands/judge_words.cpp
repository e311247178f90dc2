// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/judge_words.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace ledgermill::cli {

void JudgeWords::add_to(CLI::App& command, Session& session) {
  command.add_option("feed", feed, "Name of the feed, or path of its definition (.yaml)")->required();
  command.add_option("files", files, "Feed files");
  command.add_option("--business-date", business_date,
                     "YYYY-MM-DD (default: from the file's name, by the feed's pattern)");
  command
      .add_option("--expect-records", expect_records,
                  "Records the sender declares; another count refuses the file (RC 8)")
      ->each([this](const std::string&) { records_expected = true; });
  command.add_option("--expect-sum", expect_sum,
                     "Sum the sender declares, as a decimal; another sum refuses the file (RC 8)");
  command.add_option("--workers", session.settings.workers,
                     "Worker processes (default: one for each processor) [LEDGERMILL_WORKERS]");
  command.add_option("--chunk-bytes", chunk_bytes, "Unit of work and of commit (a stored plan keeps its own)")
      ->check(CLI::Range(1024U, 512U << 20))
      ->capture_default_str();
  add_feed_options(command, session);
  add_module_options(command, session);
  add_json_option(command, session);
}

batch::JudgeOptions JudgeWords::options(const Session& session) const {
  batch::JudgeOptions options;
  options.workers = session.settings.workers;
  options.chunk_bytes = chunk_bytes;
  options.now = now();
  if (!business_date.empty()) {
    options.business_date = BusinessDate::from_text(business_date);
    if (!options.business_date) {
      throw Failure(ReturnCode::kRefused, fmt::format("--business-date '{}' is no day", business_date),
                    "write it as 2025-03-30");
    }
  }
  if (records_expected) options.declared.records = expect_records;
  if (!expect_sum.empty()) {
    constexpr std::uint8_t kMostDecimals = 18;
    if (!ExactSum::from_text(expect_sum, kMostDecimals)) {
      throw Failure(ReturnCode::kRefused, fmt::format("--expect-sum '{}' is no decimal number", expect_sum),
                    "write it as -1234.50");
    }
    options.declared.sum = expect_sum;
  }
  return options;
}

}  // namespace ledgermill::cli
