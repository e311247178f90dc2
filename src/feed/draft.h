// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace ledgermill::feed {

/// A first feed definition for a sample file, as YAML text: delimiter, header, names, types, formats and enums, each
/// guess marked by a comment `# guess: <evidence>`. The text parses. Reads at most the first 1 MiB.
/// Failure (RC 8) when the sample cannot be read as lines of cells.
std::string draft_definition(const std::filesystem::path& sample, std::string_view feed_name);

}  // namespace ledgermill::feed
