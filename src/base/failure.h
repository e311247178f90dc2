// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace ledgermill {

/// The exit status of the program, as a batch scheduler reads it (design, section 5).
enum class ReturnCode : int {
  kDone = 0,          ///< all records posted
  kRejects = 4,       ///< done, with rejects within the feed's limits
  kRefused = 8,       ///< the file, the definition or the usage needs a person; nothing new is visible
  kUnavailable = 12,  ///< could not run now; the same command may succeed later
  kDefect = 16,       ///< our defect
};

/// The worse of two return codes: the return code of several files is the worst of them.
constexpr ReturnCode worse(ReturnCode a, ReturnCode b) { return a < b ? b : a; }

/// This run cannot be kept. Says fact, place and next step; thrown by every room, spoken only by `cli`.
///
/// Never crosses a C or COBOL frame, a thread or a destructor.
class Failure : public std::runtime_error {
 public:
  /// `fact`: what happened and where, one line, no class names, no final full stop.
  /// `hint`: the next step for the reader; may be empty where none is known.
  Failure(ReturnCode code, const std::string& fact, std::string hint = {})
      : std::runtime_error(fact), code_(code), hint_(std::move(hint)) {}

  ReturnCode code() const { return code_; }
  std::string fact() const { return what(); }
  const std::string& hint() const { return hint_; }

 private:
  ReturnCode code_;
  std::string hint_;
};

/// "No such file or directory" for ENOENT; thread-safe. For the end of a Failure's fact.
std::string errno_text(int error_number);

}  // namespace ledgermill
