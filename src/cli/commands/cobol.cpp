// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "cli/session.h"
#include "cli/view.h"
#include "cobol/compile.h"

namespace ledgermill::cli {

namespace fs = std::filesystem;

namespace {

/// The words of both commands: which source, and how it is to be understood.
struct SourceWords {
  std::string source;
  std::string format = "fixed";
  std::string sign = "ascii";
  std::string binary_truncate;
  std::string output;
  bool no_checks = false;
  std::vector<std::string> copybook_folders;
  cobol::Dialect dialect;

  void add_to(CLI::App& command, Session& session);
  cobol::CompiledProgram compiled(const Session& session);
};

void SourceWords::add_to(CLI::App& command, Session& session) {
  command.add_option("source", source, "The program's source")->required();
  command.add_option("--std", dialect.standard, "Dialect: default, ibm, mvs, mf, cobol2014, ...")
      ->capture_default_str();
  command.add_option("--format", format, "Source format: fixed (columns 8 to 72) or free")
      ->check(CLI::IsMember({"fixed", "free"}))
      ->capture_default_str();
  command.add_option("--sign", sign, "Sign of zoned numbers: ascii (p to y), or ebcdic (overpunch, } and J to R)")
      ->check(CLI::IsMember({"ascii", "ebcdic"}))
      ->capture_default_str();
  command
      .add_option("--binary-truncate", binary_truncate,
                  "yes or no: COMP fields keep to their PICTURE (default: as --std)")
      ->check(CLI::IsMember({"yes", "no"}));
  command.add_flag("--no-checks", no_checks, "Leave out the checks of subscripts, lengths and numeric data");
  command.add_option("--flag", dialect.flags, "A further flag of the language for cobc, e.g. --flag=-fnotrunc")
      ->allow_extra_args(false);
  command.add_option("--copybooks", copybook_folders, "Folder with copybooks, looked in after the source's own")
      ->allow_extra_args(false);
  command.add_option("--cache", session.settings.cache, "Folder for compiled modules [LEDGERMILL_CACHE]");
}

cobol::CompiledProgram SourceWords::compiled(const Session& session) {
  dialect.format = format == "free" ? cobol::SourceFormat::kFree : cobol::SourceFormat::kFixed;
  dialect.sign = sign == "ebcdic" ? cobol::SignConvention::kEbcdic : cobol::SignConvention::kAscii;
  if (!binary_truncate.empty()) dialect.binary_truncate = binary_truncate == "yes";
  if (no_checks) dialect.checks = cobol::RuntimeChecks::kOff;
  const std::vector<fs::path> folders(copybook_folders.begin(), copybook_folders.end());
  return cobol::compile_program(source, dialect, folders, session.module_places().cache);
}

void compile(SourceWords& words, const Session& session) {
  const cobol::CompiledProgram compiled = words.compiled(session);
  fs::path library = compiled.library;
  if (!words.output.empty()) {
    std::error_code error;
    library = words.output;
    fs::copy_file(compiled.library, library, fs::copy_options::overwrite_existing, error);
    if (error)
      throw Failure(ReturnCode::kUnavailable, fmt::format("cannot write '{}': {}", words.output, error.message()));
  }
  fmt::print("{}\n", library.string());
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + shown(word);
  return text.empty() ? "-" : text;
}

std::string bound_by(const cobol::ProgramFile& file) {
  const auto dd = file.dd_name();
  if (!file.item.empty())
    return fmt::format("(value of {}{})", shown(file.item), dd ? ", at first " + shown(*dd) : std::string());
  return dd ? shown(*dd) : fmt::format("(never bound: {})", shown(file.assign));
}

std::string length_text(const cobol::ProgramFile& file) {
  if (file.organization == cobol::Organization::kLineSequential || file.record_min == file.record_max)
    return std::to_string(file.record_max);
  return fmt::format("{}-{}", file.record_min, file.record_max);
}

void inspect(SourceWords& words, const Session& session) {
  const cobol::CompiledProgram compiled = words.compiled(session);
  const cobol::Inspection& found = compiled.inspection;
  if (session.settings.json) {
    fmt::print("{}\n", cobol::inspection_json(found));
    return;
  }
  fmt::print("program     {}\nparameters  {}\ncalls       {}{}\n", shown(found.program), joined(found.parameters),
             joined(found.calls), found.calls_by_value ? " (and names in data items)" : "");
  if (found.files.empty()) return;
  std::vector<std::vector<std::string>> rows{{"file", "DD name", "organization", "opened", "record bytes"}};
  for (const cobol::ProgramFile& file : found.files) {
    rows.push_back({shown(file.select), bound_by(file),
                    std::string(cobol::organization_name(file.organization)) + (file.optional ? ", optional" : ""),
                    joined(file.opened), length_text(file)});
  }
  fmt::print("\n{}", table(rows, 4));
}

}  // namespace

void add_cobol(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("cobol", "COBOL programs: compile, inspect");
  command->require_subcommand(1);
  command->footer("Example:\n  ledgermill cobol inspect payroll.cbl --std ibm\n");
  auto* compile_command =
      command->add_subcommand("compile", "Compile a program, once per content and flags, and print where it lies");
  auto compile_words = std::make_shared<SourceWords>();
  compile_words->add_to(*compile_command, session);
  compile_command->add_option("-o,--output", compile_words->output, "Also copy the compiled module to this path");
  compile_command->footer(
      "Example:\n  ledgermill cobol compile payroll.cbl --std ibm --sign ebcdic --format fixed -o payroll.so\n");
  compile_command->callback([compile_words, &session] { compile(*compile_words, session); });

  auto* inspect_command = command->add_subcommand(
      "inspect",
      "What a program opens: DD names, organization, record lengths; its parameters and the programs it calls");
  auto inspect_words = std::make_shared<SourceWords>();
  inspect_words->add_to(*inspect_command, session);
  add_json_option(*inspect_command, session);
  inspect_command->footer("Example:\n  ledgermill cobol inspect payroll.cbl --std ibm --json\n");
  inspect_command->callback([inspect_words, &session] { inspect(*inspect_words, session); });
}

}  // namespace ledgermill::cli
