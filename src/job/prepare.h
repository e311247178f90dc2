// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "cobol/compile.h"
#include "job/definition.h"
#include "job/record_count.h"

namespace ledgermill::job {

/// What a step does to the files of a DD.
enum class Role : std::uint8_t {
  kInput,   ///< reads them where they lie
  kOutput,  ///< writes a private file that is then given their name
  kUpdate,  ///< reads and writes a private copy that then takes their place
};
std::string_view role_name(Role role);

/// One DD of a step, with what the program says of it.
struct PreparedDd {
  const Binding* binding = nullptr;
  Role role = Role::kInput;
  RecordShape shape;
  TextRules rules;       ///< for inputs
  bool indexed = false;  ///< each further key is a file of its own beside it: NAME.1, NAME.2
  bool extends = false;  ///< the program only adds to it (OPEN EXTEND): the file must be there when it is opened
};

/// A program that may be called, by the name it is called by.
struct CalledProgram {
  std::string name;
  std::filesystem::path library;
  std::string digest;
};

struct PreparedStep {
  const Step* step = nullptr;
  enum class Kind : std::uint8_t { kSource, kModule, kExecutable, kUtility };
  Kind kind = Kind::kUtility;
  std::optional<cobol::CompiledProgram> compiled;  ///< of kSource
  std::string program;                             ///< PROGRAM-ID; of kModule the file's name
  std::filesystem::path library;                   ///< what is loaded or executed
  bool has_parameters = false;
  bool reads_sysin = false;  ///< the DD SYSIN, which no file of the program has, is its standard input
  std::string sha256;        ///< of source, module or executable
  std::vector<CalledProgram> called;
  std::vector<PreparedDd> dds;

  /// Of everything the step's result depends on besides its files.
  std::string digest() const;
};

/// A job that could be looked through before anything runs.
struct PreparedJob {
  const JobDefinition* job = nullptr;  ///< outlives this
  std::vector<PreparedStep> steps;
  std::vector<Failure> problems;     ///< each refuses the job
  std::vector<std::string> remarks;  ///< worth a look
};

/// Compiles every program, through `cache`, and compares its files with the DDs.
PreparedJob prepare(const JobDefinition& job, const std::filesystem::path& cache);

}  // namespace ledgermill::job
