// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "base/failure.h"
#include "base/file.h"
#include "cobol/compile.h"
#include "rules/module_judge.h"

namespace ledgermill::rules {

namespace fs = std::filesystem;

namespace {

// -O2 and no binary truncation make the difference between 250 and 4 nanoseconds a record; -free since GnuCOBOL 3.1
// and 3.2 guess differently.
constexpr const char* kCompilerFlags = "-m -free -O2 -fno-binary-truncate";

void check_program_name(const std::string& program) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  bool all = !program.empty() && program.size() <= 31 && program.front() != '-';
  for (const char c : program) all = all && good(c);
  if (!all)
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no name of a rule module", program),
                  "letters, digits, - and _, at most 31");
}

std::string searched(const std::vector<fs::path>& folders) {
  std::string text;
  for (const fs::path& folder : folders) text += (text.empty() ? "" : ", ") + folder.string();
  return text.empty() ? "no folder" : text;
}

/// `kCompilerFlags` word by word.
std::vector<std::string> compiler_words() {
  std::vector<std::string> words;
  const std::string_view flags = kCompilerFlags;
  for (std::size_t at = 0, end = 0; end != std::string_view::npos; at = end + 1) {
    end = flags.find(' ', at);
    words.emplace_back(flags.substr(at, end - at));
  }
  return words;
}

void compile(const fs::path& source, std::string_view feed, const std::string& linkage, const fs::path& library) {
  try {
    cobol::compile({source, compiler_words(), {}, {{fmt::format("{}.cpy", feed), linkage}}}, library);
  } catch (const Failure& failure) {
    if (failure.code() != ReturnCode::kRefused || !failure.hint().empty()) throw;
    throw Failure(failure.code(), "rule module " + failure.fact(),
                  fmt::format("ledgermill rules copybook {} prints the copybook it is compiled with", feed));
  }
}

ModuleImage from_source(const fs::path& source, std::string_view feed, const std::string& linkage,
                        const RuleModule& module, const ModulePlaces& places) {
  Sha256 sha;
  sha.update(read_small_file(source));
  sha.update(linkage);
  sha.update(kCompilerFlags);
  ModuleImage image{{}, module.program, std::string(feed), sha.finish()};
  const std::string name = fmt::format("{}-{}.so", module.program, image.digest.hex12());
  for (const fs::path& folder : {source.parent_path(), places.cache}) {
    image.library = folder / name;
    if (fs::exists(image.library)) {
      cobol::refuse_world_writable(folder);
      return image;
    }
  }
  compile(source, feed, linkage, image.library);
  return image;
}

}  // namespace

ModuleImage resolve_module(std::string_view feed, const Layout& layout, const RuleModule& module,
                           const ModulePlaces& places) {
  check_program_name(module.program);
  const std::string linkage = copybook(feed, layout, module);
  for (const fs::path& folder : places.folders) {
    const fs::path source = fs::absolute(folder) / (module.program + ".cbl");
    const fs::path library = fs::absolute(folder) / (module.program + ".so");
    if (!fs::exists(source) && !fs::exists(library)) continue;
    cobol::refuse_world_writable(folder);
    if (fs::exists(source)) return from_source(source, feed, linkage, module, places);
    return {library, module.program, std::string(feed), Sha256::of(read_small_file(library, 64U << 20))};
  }
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("rule module '{}' of feed '{}' is not found in {}", module.program, feed, searched(places.folders)),
      fmt::format("put {0}.cbl (or a compiled {0}.so) in one of them, or name its folder by --modules",
                  module.program));
}

}  // namespace ledgermill::rules
