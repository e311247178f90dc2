// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/session.h"
#include "cli/view.h"
#include "feed/draft.h"
#include "rules/constraint_judge.h"

namespace ledgermill::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Words {
  std::string feed;
  std::string sample;
  std::string name = "draft";
};

void list(const Words&, Session& session) {
  std::vector<std::vector<std::string>> rows{{"feed", "title", "definition"}};
  for (const std::filesystem::path& path : feed::list_definitions(session.feed_folders())) {
    const feed::FeedDefinition definition = feed::load_definition(path);
    if (session.settings.json) {
      fmt::print("{}\n",
                 Json{{"feed", definition.name}, {"title", definition.title}, {"definition", path.string()}}.dump());
    }
    rows.push_back({definition.name, shown(definition.title), path.string()});
  }
  if (session.settings.json) return;
  fmt::print("{}", rows.size() == 1 ? "no feed definitions; ledgermill feed draft SAMPLE.csv makes a first one\n"
                                    : table(rows, 9));
}

std::string constraints_text(const Field& field) {
  const FieldConstraints& c = field.constraints;
  std::string text = c.required ? "required" : "";
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (!c.enumeration.empty()) add(fmt::format("one of {} values", c.enumeration.size()));
  if (c.minimum) add("from " + c.minimum->text);
  if (c.maximum) add("to " + c.maximum->text);
  if (c.min_length) add(fmt::format("at least {} characters", *c.min_length));
  if (c.max_length) add(fmt::format("at most {} characters", *c.max_length));
  if (c.pattern) add("pattern " + *c.pattern);
  if (field.sensitive) add("sensitive");
  return text;
}

const char* framing_text(const feed::FeedDefinition& definition) {
  return definition.framing_kind == FramingKind::kLines ? "lines" : "fixed";
}

const char* decoding_text(const feed::FeedDefinition& definition) {
  return definition.decoding == feed::Decoding::kCsv ? "csv" : "positional";
}

/// Bytes that every record must have; 0 where lines are as long as they like.
std::uint32_t record_bytes(const feed::FeedDefinition& definition) {
  if (definition.decoding == feed::Decoding::kPositional) return definition.positional.record_bytes;
  return definition.framing_kind == FramingKind::kFixed ? definition.framing.max_record_bytes : 0;
}

std::string splitting_text(const feed::FeedDefinition& definition) {
  const std::uint32_t bytes = record_bytes(definition);
  return fmt::format("framing {}, decoding {}{}", framing_text(definition), decoding_text(definition),
                     bytes == 0 ? "" : fmt::format(", records of {} bytes", bytes));
}

void show(const Words& words, Session& session) {
  const feed::FeedDefinition definition = session.definition(words.feed);
  const bool positional = definition.decoding == feed::Decoding::kPositional;
  if (session.settings.json) {
    Json fields = Json::array();
    for (std::size_t f = 0; f < definition.layout.fields.size(); ++f) {
      const Field& field = definition.layout.fields[f];
      fields.push_back({{"name", field.name},
                        {"column", field.column},
                        {"type", field_type_name(field.type)},
                        {"constraints", constraints_text(field)}});
      if (!positional) continue;
      fields.back()["at"] = definition.positional.fields[f].offset + 1;
      fields.back()["length"] = definition.positional.fields[f].length;
    }
    fmt::print("{}\n", Json{{"feed", definition.name},
                            {"title", definition.title},
                            {"definition", definition.path.string()},
                            {"digest", definition.digest.hex()},
                            {"files", definition.files},
                            {"table", definition.table},
                            {"framing", framing_text(definition)},
                            {"decoding", decoding_text(definition)},
                            {"record_bytes", record_bytes(definition)},
                            {"module", definition.module ? Json(definition.module->program) : Json(nullptr)},
                            {"fields", fields}}
                           .dump());
    return;
  }
  fmt::print("feed {}: {}\n  definition {} (digest {})\n  files {}, posted to {}\n  {}\n", definition.name,
             shown(definition.title), definition.path.string(), definition.digest.hex12(),
             definition.files.empty() ? "any" : definition.files, definition.table, splitting_text(definition));
  std::vector<std::vector<std::string>> rows{{"field", "type", "column", "constraints"}};
  if (positional) rows[0].insert(rows[0].begin() + 1, "bytes");
  for (std::size_t f = 0; f < definition.layout.fields.size(); ++f) {
    const Field& field = definition.layout.fields[f];
    const std::string type = field.type == FieldType::kDecimal
                                 ? fmt::format("decimal({},{})", field.precision, field.scale)
                                 : field_type_name(field.type);
    rows.push_back({shown(field.name), type, field.column, shown(constraints_text(field))});
    if (!positional) continue;
    const feed::FieldPlace& place = definition.positional.fields[f];
    rows.back().insert(rows.back().begin() + 1, fmt::format("{}-{}", place.offset + 1, place.offset + place.length));
  }
  fmt::print("{}", table(rows, 9));
  if (!definition.module) return;
  fmt::print("  rule module {}:\n", definition.module->program);
  rows = {};
  for (const ModuleRule& rule : definition.module->rules)
    rows.push_back({"", rule.code, rule.field, shown(rule.message)});
  fmt::print("{}", table(rows, 9));
}

/// Reads the definition, compiles patterns and the rule module: all that a run would do before its first byte.
void check(const Words& words, Session& session) {
  const batch::Feed feed = batch::prepare_feed(session.definition(words.feed), session.module_places());
  const rules::ConstraintJudge patterns_compile(feed.definition.layout);
  if (session.settings.json) {
    fmt::print("{}\n", Json{{"feed", feed.definition.name},
                            {"digest", feed.definition.digest.hex()},
                            {"module", feed.module ? Json(feed.module->library.string()) : Json(nullptr)}}
                           .dump());
    return;
  }
  fmt::print("feed {} is in order: {}; {} fields, {}\n", feed.definition.name, splitting_text(feed.definition),
             feed.definition.layout.fields.size(),
             feed.module ? fmt::format("rule module {} (digest {})", feed.module->program, feed.module->digest.hex12())
                         : "no rule module");
}

void draft(const Words& words, Session&) { fmt::print("{}", feed::draft_definition(words.sample, words.name)); }

}  // namespace

void add_feed(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("feed", "Feed definitions: list, show, check, draft");
  command->require_subcommand(1);
  auto words = std::make_shared<Words>();
  const auto add = [&](const char* name, const char* about, void (*action)(const Words&, Session&)) {
    auto* sub = command->add_subcommand(name, about);
    if (action != draft) add_feed_options(*sub, session);
    if (action != draft) add_json_option(*sub, session);
    sub->callback([words, &session, action] { action(*words, session); });
    return sub;
  };
  const auto of_feed = [&](CLI::App* sub) {
    sub->add_option("feed", words->feed, "Name of the feed, or path of its definition (.yaml)")->required();
    return sub;
  };
  add("list", "Feed definitions that are found, and where", list)->footer("Example:\n  ledgermill feed list\n");
  of_feed(add("show", "One feed: fields, constraints, rules", show))
      ->footer("Example:\n  ledgermill feed show transactions\n");
  auto* check_command = of_feed(add("check", "Whether a definition and its rule module are in order", check));
  add_module_options(*check_command, session);
  check_command->footer("Example:\n  ledgermill feed check feeds/mine.yaml\n");
  auto* draft_command = add("draft", "A first definition for a sample file, its guesses marked as guesses", draft);
  draft_command->add_option("sample", words->sample, "A feed file")->required();
  draft_command->add_option("--name", words->name, "Name of the feed")->capture_default_str();
  draft_command->footer("Example:\n  ledgermill feed draft sample.csv --name payments > feeds/payments.yaml\n");
}

}  // namespace ledgermill::cli
