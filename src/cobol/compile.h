// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "cobol/dialect.h"
#include "cobol/inspect.h"

namespace ledgermill::cobol {

/// A copybook that lies in no folder: its name as COPY gives it, and its text.
struct GeneratedCopybook {
  std::string name;
  std::string text;
};

/// One run of cobc.
struct Compilation {
  std::filesystem::path source;
  std::vector<std::string> words;                       ///< for cobc, without -o and -I
  std::vector<std::filesystem::path> copybook_folders;  ///< looked in after the source's own folder
  std::vector<GeneratedCopybook> generated;             ///< looked in first
};

/// Compiles into a private folder beside `library`, then renames: two processes may compile the same source at once.
/// Failure RC 8: the source does not compile (cobc's lines, each error with its source line), or there is no cobc;
/// RC 12: the library cannot be kept.
void compile(const Compilation& compilation, const std::filesystem::path& library);

/// Failure (RC 8) when everybody can write to `folder`: code is loaded only from folders where that is not so.
void refuse_world_writable(const std::filesystem::path& folder);

/// A whole program, compiled to be loaded.
struct CompiledProgram {
  std::filesystem::path library;
  Inspection inspection;           ///< its entry's name, the files it opens
  Digest source_digest;            ///< of the source's bytes
  Digest digest;                   ///< of source, copybooks found, words and compiler: names the library in the cache
  std::vector<std::string> words;  ///< what cobc was told
  std::string compiler;            ///< "cobc (GnuCOBOL) 3.1.2.0"
  std::vector<std::filesystem::path> copybooks;  ///< the files that COPY statements found
};

/// The program compiled with `dialect`, from `cache` where the same source, copybooks, words and compiler were compiled
/// before. Failure as `compile`; RC 8 when the source holds no program.
CompiledProgram compile_program(const std::filesystem::path& source, const Dialect& dialect,
                                const std::vector<std::filesystem::path>& copybook_folders,
                                const std::filesystem::path& cache);

}  // namespace ledgermill::cobol
