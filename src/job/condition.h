// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ledgermill::job {

/// What conditions look at: how the steps so far ended.
struct StepOutcome {
  std::int32_t return_code = 0;
  bool abend = false;
};

class Outcomes {
 public:
  void add(const std::string& step, StepOutcome outcome) { by_step_[step] = outcome; }
  const StepOutcome* of(const std::string& step) const;
  /// The highest return code; 0 when no step has run.
  std::int32_t highest() const;
  bool any_abend() const;

 private:
  std::map<std::string, StepOutcome> by_step_;  ///< of the steps that ran
};

/// Whether a step runs: `rc <= 4 and not abend(SORT)`. The grammar stands in docs/formats/job.md.
class Condition {
 public:
  struct Node;

  /// `rc <= 4`
  Condition();
  /// Failure (RC 8) saying what was expected at which column, or that `earlier` has no step of a name used.
  Condition(std::string_view text, const std::vector<std::string>& earlier);

  /// Of a step that did not run, `rc(STEP)` compares as false with everything, and `abend(STEP)` is false. After an
  /// abend the condition holds only if it speaks of abends itself.
  bool holds(const Outcomes& outcomes) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool speaks_of_abend_ = false;
  std::shared_ptr<const Node> root_;
};

}  // namespace ledgermill::job
