// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "triage/fixes.h"
#include "triage/reject_groups.h"

namespace ledgermill::triage {

/// A fix, tried on the samples of a group by the validator of the feed.
struct Tried {
  Fix fix;
  std::vector<std::string> outputs;  ///< by sample; "" where it does not apply
  std::uint64_t passed = 0;          ///< samples whose fixed record the validator accepts
};

/// How sure a cause is.
enum class Certainty : std::uint8_t {
  kProven,  ///< one fix passes on every sample and no other does: or the file itself says it (a header line, a count)
  kLikely,  ///< the best explanation, which some samples or the look of the file speak against, or that guesses
  kAmbiguous,  ///< several fixes pass and make different records of it
  kUnknown,    ///< no fix passes
};
const char* certainty_name(Certainty certainty);

/// An explanation with what was measured.
struct Explanation {
  std::string cause;
  std::string fix;            ///< "" where none is known
  std::uint64_t passed = 0;   ///< of `tried`
  std::uint64_t tried = 0;    ///< 0: not by the validator
  std::string before, after;  ///< one sample, where a fix was tried
};

struct Verdict {
  Certainty certainty = Certainty::kUnknown;
  Explanation best;
  /// The fix keeps every value, passes on all samples, and no other reading does. Nothing is ever applied.
  bool safe = false;
  std::vector<Explanation> others;  ///< that cannot be told from the best
  std::string note;                 ///< for people; "" for none
};

/// Judges what was tried. `tried` holds fixes that changed at least one sample.
Verdict verdict_of(const Group& group, const RecordForm& form, const std::vector<Tried>& tried);

}  // namespace ledgermill::triage
