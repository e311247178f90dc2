// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "batch/learning.h"
#include "cli/learning.h"
#include "cli/session.h"

namespace ledgermill::cli {

namespace {

struct Words : LearningWords {
  std::string out = "report";
  std::string date;
};

void report(const Words& words, Session& session) {
  auto texts = earlier_evaluations(words.models, "");
  while (!texts.empty() && !words.date.empty() &&
         nlohmann::json::parse(texts.back(), nullptr, false).value("date", "") > words.date)
    texts.pop_back();
  if (texts.empty())
    throw Failure(ReturnCode::kRefused, fmt::format("there is no evaluation in '{}'", words.models),
                  "make one: ledgermill evaluate");
  const std::string metrics = texts.back();
  texts.pop_back();
  const std::filesystem::path out = words.out;
  put_text(out / "report.html", batch::learning_report(metrics, texts));
  put_text(out / "metrics.json", metrics);
  for (const auto& [name, svg] : batch::learning_drawings(metrics, texts)) put_text(out / name, svg);
  const auto json = nlohmann::ordered_json::parse(metrics);
  if (session.settings.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"report", (out / "report.html").string()},
                                              {"date", json.at("date")},
                                              {"verdict", json.at("verdict")},
                                              {"line", json.at("line")}}
                           .dump());
  else
    fmt::print("{}: {}\n", (out / "report.html").string(), json.at("line").get<std::string>());
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("report", "The newest evaluation as one HTML page that needs no network and no script");
  auto words = std::make_shared<Words>();
  command->add_option("--out", words->out, "Folder to write to")->capture_default_str();
  command->add_option("--date", words->date, "YYYY-MM-DD: the newest evaluation up to this day");
  add_learning_options(*command, *words);
  add_json_option(*command, session);
  command->callback([words, &session] { report(*words, session); });
}

}  // namespace ledgermill::cli
