// SPDX-License-Identifier: Apache-2.0
#include "job/libraries.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/file.h"
#include "job/indexed_copy.h"
#include "job/record_count.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

std::string lowered(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool of_the_run_time(const std::string& name) {
  return name.starts_with("CBL_") || name.starts_with("C$") || name.starts_with("X\"") || name == "SYSTEM" ||
         name.starts_with("cob_") || (!name.empty() && static_cast<unsigned char>(name[0]) > 0x7f) || name.size() == 1;
}

}  // namespace

bool is_source(const fs::path& path) {
  static constexpr std::array kExtensions{".cbl", ".cob", ".cobol"};
  const std::string extension = lowered(path.extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

Libraries::Libraries(const ProgramStep& program, fs::path cache) : program_(program), cache_(std::move(cache)) {}

std::vector<Library> Libraries::reached_from(const cobol::Inspection* from) {
  if (from == nullptr) {
    add_all();
    // A module's calls are strings in it; where it has none of these, no compiler need be there.
    const std::string module = read_small_file(program_.program);
    for (const char* name : {"CEE3ABD", "ILBOABN0"}) {
      if (!seen_.contains(name) && module.find(name) != std::string::npos) add_own(name, abend_service_source(name));
    }
  } else {
    seen_.insert(from->program);
    add_called(*from);
  }
  return found_;
}

void Libraries::add_called(const cobol::Inspection& by) {
  for (const std::string& name : by.calls) {
    if (seen_.contains(name)) continue;
    if (const fs::path file = find(name); !file.empty())
      add(name, file);
    else if (const std::string_view own = abend_service_source(name); !own.empty())
      add_own(name, own);
    else if (!of_the_run_time(name) && std::find(missing_.begin(), missing_.end(), name) == missing_.end())
      missing_.push_back(name);
  }
  if (by.calls_by_value) add_all();
}

void Libraries::add_all() {
  for (const fs::path& folder : program_.libraries) {
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.is_regular_file(error) && (is_source(entry.path()) || entry.path().extension() == ".so"))
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      if (file != program_.program && !seen_.contains(file.stem().string())) add(file.stem().string(), file);
    }
  }
}

void Libraries::add(const std::string& name, const fs::path& file) {
  seen_.insert(name);
  if (!is_source(file)) {
    cobol::refuse_world_writable(file.parent_path());
    found_.push_back({name, file, examine_file(file, {}, {}).digest.hex(), std::nullopt});
    return;
  }
  const cobol::CompiledProgram compiled = cobol::compile_program(file, program_.dialect, program_.copybooks, cache_);
  found_.push_back({name, compiled.library, compiled.digest.hex(), compiled.inspection});
  if (compiled.inspection.program != name && seen_.insert(compiled.inspection.program).second)
    found_.push_back({compiled.inspection.program, compiled.library, compiled.digest.hex(), std::nullopt});
  add_called(compiled.inspection);
}

void Libraries::add_own(const std::string& name, std::string_view source) {
  seen_.insert(name);
  cobol::Dialect dialect;
  dialect.format = cobol::SourceFormat::kFree;
  const cobol::CompiledProgram compiled =
      cobol::compile_program(keep_own_source(source, name, cache_), dialect, {}, cache_);
  found_.push_back({name, compiled.library, compiled.digest.hex(), compiled.inspection});
}

/// The name as it is called, and in small letters, with each extension.
fs::path Libraries::find(const std::string& name) const {
  if (name.empty() || name.find('/') != std::string::npos) return {};
  std::vector<fs::path> folders{program_.program.parent_path()};
  folders.insert(folders.end(), program_.libraries.begin(), program_.libraries.end());
  for (const fs::path& folder : folders) {
    for (const std::string& stem : {name, lowered(name)}) {
      for (const char* extension : {".so", ".cbl", ".cob", ".CBL", ".COB", ".cobol"}) {
        const fs::path candidate = folder / (stem + extension);
        std::error_code error;
        if (fs::is_regular_file(candidate, error) && candidate != program_.program) return candidate;
      }
    }
  }
  return {};
}

}  // namespace ledgermill::job
