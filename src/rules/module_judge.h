// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "record/chunk_text.h"
#include "record/layout.h"
#include "record/reason.h"
#include "record/record_block.h"
#include "record/rule_module.h"

namespace ledgermill::rules {

/// Where rule modules and their sources are looked for, and where compiled ones are kept.
struct ModulePlaces {
  std::vector<std::filesystem::path> folders;  ///< the only folders a module is ever loaded from, besides `cache`
  std::filesystem::path cache;                 ///< for modules compiled here
};

/// A compiled module, ready to load.
struct ModuleImage {
  std::filesystem::path library;  ///< the .so
  std::string program;            ///< PROGRAM-ID
  std::string feed;               ///< whose copybook it was compiled with
  Digest digest;                  ///< of source, copybook and compiler flags; of the library's bytes where no source is
};

/// The linkage copybook of a feed, generated from its layout and rules (docs/formats/rule-module.md): the block's
/// columns, one flag column a rule, and the layout's number for the handshake.
/// Failure (RC 8) when a field cannot be shown to a module (a string without enum or maxLength, names that collide).
std::string copybook(std::string_view feed, const Layout& layout, const RuleModule& module);

/// Finds the module: `<program>.cbl` in `places.folders` compiled to the cache (reused while source, copybook and flags
/// are the same), else `<program>.so`. Failure (RC 8) lists where was looked; a compile error shows cobc's lines.
ModuleImage resolve_module(std::string_view feed, const Layout& layout, const RuleModule& module,
                           const ModulePlaces& places);

/// What became of the judge processes so far.
struct JudgeCounts {
  std::uint64_t blocks = 0;
  std::uint64_t nanoseconds = 0;  ///< of processor time that the judge took for calls that it ended
  std::uint32_t abends = 0;
  std::uint32_t timeouts = 0;
  std::uint32_t restarts = 0;
};

/// Judges blocks by a COBOL rule module, in a child process that holds libcob, the module, and nothing else: the
/// block's columns are mapped read-only there, the rules' flags writable, descriptors closed, no credentials.
///
/// A record on which the module abends, loops or ends the run unit is found by bisection of the block and gets the
/// finding cobol_abend or cobol_timeout; all other records keep the verdict they would have had alone.
class ModuleJudge {
 public:
  /// `block` must outlive the judge; the child sees its columns. The calling process must be single-threaded.
  /// Failure RC 8: libcob is not installed, the library cannot be loaded, or it was compiled for another layout
  /// (says how to compile it again).
  ModuleJudge(ModuleImage image, const RuleModule& module, RecordBlock& block);
  ModuleJudge(const ModuleJudge&) = delete;
  ModuleJudge& operator=(const ModuleJudge&) = delete;
  ~ModuleJudge();

  /// Judges the records now in the block and appends a finding for each rule broken whose fields are all valid.
  /// Failure (RC 8), naming the module, when there were more abends and time-outs than RuleModule::most_abends
  /// since `begin_chunk`.
  void judge(const ChunkText& text, Findings& findings);
  void begin_chunk();

  const JudgeCounts& counts() const;
  /// Process id of the child now alive, 0 for none: for tests that kill it.
  int child() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill::rules
