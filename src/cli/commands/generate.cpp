// SPDX-License-Identifier: Apache-2.0
#include "feed/generate.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/view.h"
#include "feed/history.h"

namespace ledgermill::cli {

namespace {

struct Words {
  std::string feed;
  std::uint64_t records = 0;
  std::uint32_t days = 0;
  std::string size;
  double faults = 0;
  std::uint64_t seed = 1;
  std::string out;
  std::string business_date;
};

/// "500M" is 500,000,000 bytes; K, M and G are powers of 1000.
std::uint64_t bytes_of(const std::string& text) {
  std::size_t digits = 0;
  std::uint64_t number = 0;
  try {
    number = std::stoull(text, &digits);
  } catch (const std::exception&) {
    digits = std::string::npos;
  }
  const std::string unit = digits == std::string::npos ? "?" : text.substr(digits);
  const std::uint64_t factor = unit.empty()  ? 1
                               : unit == "K" ? 1'000
                               : unit == "M" ? 1'000'000
                               : unit == "G" ? 1'000'000'000
                                             : 0;
  constexpr std::uint64_t kMost = 1'000'000'000'000;
  if (factor == 0 || text.front() == '-' || number > kMost / factor) {
    throw Failure(ReturnCode::kRefused, fmt::format("--size '{}' is no size", text),
                  "write it as 500M, 2G or 1000000, at most 1000G");
  }
  return number * factor;
}

std::optional<BusinessDate> business_date_in(const Words& words) {
  if (words.business_date.empty()) return std::nullopt;
  const auto date = BusinessDate::from_text(words.business_date);
  if (!date) throw Failure(ReturnCode::kRefused, fmt::format("--business-date '{}' is no day", words.business_date));
  return date;
}

void generate_history(const Words& words, const feed::FeedDefinition& definition, const Session& session) {
  if (words.records > 0 || !words.size.empty())
    throw Failure(ReturnCode::kRefused, "--days makes a file a day, and the catalogue says how large",
                  "leave --records and --size out");
  feed::HistoryOptions options;
  options.days = words.days;
  options.first_day = business_date_in(words).value_or(BusinessDate{2024, 1, 1});
  options.faults = words.faults;
  options.seed = words.seed;
  options.out = words.out;
  const feed::GeneratedHistory made = feed::generate_history(definition, options);
  if (session.settings.json) {
    const nlohmann::ordered_json json{{"feed", definition.name}, {"folder", words.out}, {"files", made.files},
                                      {"records", made.records}, {"bytes", made.bytes}, {"faulty", made.faulty}};
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{}  {} files, {} records, {} with a fault that passes every rule, {} bytes\n", words.out,
             grouped(made.files), grouped(made.records), grouped(made.faulty), grouped(made.bytes));
}

void generate(const Words& words, Session& session) {
  const feed::FeedDefinition definition = session.definition(words.feed);
  if (words.days > 0) return generate_history(words, definition, session);
  feed::GenerateOptions options;
  if (words.records > 0) options.records = words.records;
  if (!words.size.empty()) options.bytes = bytes_of(words.size);
  if (options.records.has_value() == options.bytes.has_value()) {
    throw Failure(ReturnCode::kRefused, "say how much: --records N, --size 500M or --days N");
  }
  options.faults = words.faults;
  options.seed = words.seed;
  options.out = words.out;
  options.business_date = business_date_in(words);
  const feed::GeneratedFile made = feed::generate(definition, options);
  if (session.settings.json) {
    const nlohmann::ordered_json json{{"feed", definition.name},      {"file", made.file.string()},
                                      {"truth", made.truth.string()}, {"records", made.records},
                                      {"bytes", made.bytes},          {"faulty", made.faulty}};
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{}  {} records, {} with a fault, {} bytes\n{}  which record got which fault\n", made.file.string(),
             grouped(made.records), grouped(made.faulty), grouped(made.bytes), made.truth.string());
}

}  // namespace

void add_generate(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("generate", "Write a synthetic feed file, with faults, and a truth file that names them");
  auto words = std::make_shared<Words>();
  command->add_option("feed", words->feed, "Name of the feed, or path of its definition (.yaml)")->required();
  command->add_option("--records", words->records, "How many records")->check(CLI::PositiveNumber);
  command->add_option("--size", words->size, "Or how many bytes: 500M, 2G");
  command->add_option("--days", words->days, "Or a file a day, by account, with faults that pass every rule")
      ->check(CLI::Range(1U, 3660U));
  command->add_option("--faults", words->faults, "Share of records with a fault, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--seed", words->seed, "Same seed, same file")->capture_default_str();
  command->add_option("--out", words->out, "Folder (the file's name follows the feed's pattern) or file to write")
      ->required();
  command->add_option("--business-date", words->business_date,
                      "YYYY-MM-DD, for the file's name (default 2025-03-30); with --days the first (2024-01-01)");
  add_feed_options(*command, session);
  add_json_option(*command, session);
  command->footer(
      "Examples:\n  ledgermill generate transactions --records 1000000 --faults 0.01 --seed 7 --out inbox/\n"
      "  ledgermill generate transactions --size 500M --out big.csv\n"
      "  ledgermill generate orders --records 10000 --seed 7 --out orders.csv\n"
      "  ledgermill generate journal --days 365 --faults 0.0045 --out inbox/\n");
  command->callback([words, &session] { generate(*words, session); });
}

}  // namespace ledgermill::cli
