// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/session.h"

namespace ledgermill::cli {

namespace {

const RuleModule& module_of(const feed::FeedDefinition& definition) {
  if (!definition.module) {
    throw Failure(ReturnCode::kRefused, fmt::format("feed '{}' names no rule module", definition.name),
                  "add rules: {module: ..., reasons: [...]} to its definition");
  }
  return *definition.module;
}

void copybook(const std::string& name, Session& session) {
  const feed::FeedDefinition definition = session.definition(name);
  fmt::print("{}", rules::copybook(definition.name, definition.layout, module_of(definition)));
}

void compile(const std::string& name, Session& session) {
  const feed::FeedDefinition definition = session.definition(name);
  const rules::ModuleImage image =
      rules::resolve_module(definition.name, definition.layout, module_of(definition), session.module_places());
  fmt::print("{}\n", image.library.string());
}

}  // namespace

void add_rules(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("rules", "COBOL rule modules: copybook, compile");
  command->require_subcommand(1);
  auto feed = std::make_shared<std::string>();
  const auto add = [&](const char* name, const char* about, void (*action)(const std::string&, Session&)) {
    auto* sub = command->add_subcommand(name, about);
    sub->add_option("feed", *feed, "Name of the feed, or path of its definition (.yaml)")->required();
    add_feed_options(*sub, session);
    sub->callback([feed, &session, action] { action(*feed, session); });
    return sub;
  };
  add("copybook", "Print the linkage copybook that the feed's rule module is compiled with", copybook)
      ->footer("Example:\n  ledgermill rules copybook transactions > transactions.cpy\n");
  auto* compile_command = add("compile", "Compile the feed's rule module and print where it lies", compile);
  add_module_options(*compile_command, session);
  compile_command->footer("Example:\n  ledgermill rules compile transactions --cache build/cache\n");
}

}  // namespace ledgermill::cli
