// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "record/chunk_text.h"
#include "record/layout.h"
#include "record/reason.h"
#include "record/record_block.h"

namespace ledgermill::rules {

/// Judges a block by the constraints of the feed definition: required, enum, bounds, lengths, pattern.
class ConstraintJudge {
 public:
  /// Failure (RC 8) that names field and definition line when a pattern is no RE2 expression.
  explicit ConstraintJudge(const Layout& layout);
  ~ConstraintJudge();

  /// For each valid cell that breaks a constraint: a finding, and its state becomes kInvalid. A missing cell of a
  /// required field likewise. Fills the code columns of fields with `enum`. Cells that are invalid already are silent.
  void judge(RecordBlock& block, const ChunkText& text, Findings& findings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill::rules
