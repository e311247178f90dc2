// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/session.h"

namespace ledgermill::cli {

namespace {

std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::App* sub : command.get_subcommands({})) words += sub->get_name() + " ";
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  return words;
}

/// "run) words=..." for every command and "batches show) ..." for every command of a command.
std::string cases_of(const CLI::App& command, const std::string& path) {
  std::string cases;
  for (const CLI::App* sub : command.get_subcommands({})) {
    const std::string name = path.empty() ? sub->get_name() : path + " " + sub->get_name();
    cases += fmt::format("    '{}') words='{}' ;;\n", name, words_of(*sub)) + cases_of(*sub, name);
  }
  return cases;
}

std::string bash_script(const CLI::App& app) {
  return fmt::format(R"(# ledgermill completion for bash: source <(ledgermill completion bash)
_ledgermill() {{
  local words='{}' path='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case $word in -*) continue ;; esac
    case "${{path:+$path }}$word" in
{}    *) continue ;;
    esac
    path="${{path:+$path }}$word"
  done
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _ledgermill ledgermill
)",
                     words_of(app), cases_of(app, ""));
}

std::string fish_script(const CLI::App& app) {
  std::string script = "# ledgermill completion for fish: ledgermill completion fish | source\n";
  for (const CLI::App* sub : app.get_subcommands({})) {
    script += fmt::format("complete -c ledgermill -n __fish_use_subcommand -a {} -d '{}'\n", sub->get_name(),
                          CLI::detail::find_and_replace(sub->get_description(), "'", "\\'"));
    for (const CLI::App* second : sub->get_subcommands({})) {
      script += fmt::format("complete -c ledgermill -n '__fish_seen_subcommand_from {}' -a {}\n", sub->get_name(),
                            second->get_name());
    }
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        script +=
            fmt::format("complete -c ledgermill -n '__fish_seen_subcommand_from {}' -l {}\n", sub->get_name(), name);
      }
    }
  }
  return script;
}

}  // namespace

void add_completion(CLI::App& app, Session&) {
  auto* command = app.add_subcommand("completion", "Print a completion script for bash, zsh or fish");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("Example, in ~/.bashrc:\n  source <(ledgermill completion bash)\n");
  command->callback([shell, &app] {
    if (*shell == "zsh") fmt::print("autoload -U +X bashcompinit && bashcompinit\n");
    fmt::print("{}", *shell == "fish" ? fish_script(app) : bash_script(app));
  });
}

}  // namespace ledgermill::cli
