// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cobol/compile.h"
#include "job/definition.h"

namespace ledgermill::job {

/// A file that is taken for a COBOL source: .cbl, .cob, .cobol, in either case.
bool is_source(const std::filesystem::path& path);

/// A called program: a source that was compiled, or a module that lay there.
struct Library {
  std::string name;  ///< by which it is called
  std::filesystem::path library;
  std::string digest;
  std::optional<cobol::Inspection> inspection;  ///< of a source
};

/// Finds the programs that a step's program may call: by literal, those in turn called by them, and all of the
/// `libraries` folders where a name is in a data item. Sources are compiled with the step's dialect. CEE3ABD and
/// ILBOABN0, which a program calls to abend, are there without a library that has them.
class Libraries {
 public:
  Libraries(const ProgramStep& program, std::filesystem::path cache);

  /// `from`: nothing for a module, which is not looked into: then all of the folders. Failure as compile_program.
  std::vector<Library> reached_from(const cobol::Inspection* from);
  /// Names called by literal that no folder has, without those of the run time itself (CBL_..., C$..., SYSTEM).
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  void add_called(const cobol::Inspection& by);
  void add_all();
  void add(const std::string& name, const std::filesystem::path& file);
  void add_own(const std::string& name, std::string_view source);
  std::filesystem::path find(const std::string& name) const;

  const ProgramStep& program_;
  std::filesystem::path cache_;
  std::vector<Library> found_;
  std::set<std::string> seen_;
  std::vector<std::string> missing_;
};

}  // namespace ledgermill::job
