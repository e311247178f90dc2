// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "job/definition.h"
#include "yaml/yaml_map.h"

namespace ledgermill::job {

/// What every part of a definition needs to be read. Mistakes are Failures (RC 8) with file and line.
struct Parts {
  std::filesystem::path folder;
  std::filesystem::path beside;  ///< the folder above the definition's: programs not found in `folder` lie there
  std::map<std::string, std::string> variables;

  /// The text at `key`, which is there, with its variables replaced.
  std::string text(const YamlMap& map, const char* key) const;
  std::string text(const YamlMap& map, const char* key, std::string_view raw) const;
  /// Absolute; of a program, or a folder of them.
  std::filesystem::path program_path(const YamlMap& map, const char* key, std::string_view raw) const;
  /// Absolute.
  std::filesystem::path path(const YamlMap& map, const char* key, std::string_view raw) const;
};

/// dialect, copybooks and libraries of `map`, the rest from `defaults`.
ProgramStep program_words_of(const YamlMap& map, const ProgramStep& defaults, const Parts& parts);
ProgramStep program_of(const YamlMap& step, const ProgramStep& defaults, const Parts& parts);
std::vector<Binding> bindings_of(const YamlMap& dd, const Parts& parts);
SortStep sort_of(const YamlMap& map, const Parts& parts);
CopyStep copy_of(const YamlMap& map, const Parts& parts);
/// sort and copy have IN, an input, and OUT, an output, and no other DD; and what copy can do with indexed files.
void refuse_wrong_utility_dds(const YamlMap& map, const Step& step);

}  // namespace ledgermill::job
