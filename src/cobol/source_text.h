// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ledgermill::cobol {

/// A word, a literal or a full stop of a preprocessed source.
struct Token {
  std::string text;      ///< a word in capitals, a literal without its quotes, or "."
  bool literal = false;  ///< stood in quotes
};

/// The tokens of what `cobc -E` made of a source: free text, comments gone, copybooks in place.
std::vector<Token> tokens_of(std::string_view preprocessed);

/// The files that the COPY statements of `source` reach, copybooks of copybooks included, each once, in the order met.
/// Looks for the name as written and with the extensions that cobc tries. A name too many does no harm (a comment may
/// say "copy"): what is not found is left out, and the compiler has the last word.
std::vector<std::filesystem::path> copybooks_of(const std::filesystem::path& source,
                                                const std::vector<std::filesystem::path>& folders);

}  // namespace ledgermill::cobol
