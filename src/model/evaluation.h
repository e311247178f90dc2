// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "model/definition.h"
#include "model/leak_gates.h"
#include "model/suspicion_model.h"

namespace ledgermill::model {

/// What an evaluation is about.
struct EvaluationInput {
  const SuspicionModel& challenger;
  const SuspicionModel* champion = nullptr;  ///< nothing before the first promotion, or when it is the challenger
  const SplitDataset& data;
  const DatasetManifest& manifest;
  const LearningDefinition& definition;
  std::vector<Gate> more_gates;  ///< found before, e.g. past_only
  std::string date;
};

enum class Verdict : std::uint8_t { kPromote, kKeep, kInsufficient, kFail };
const char* verdict_name(Verdict verdict);

struct Evaluation {
  Verdict verdict = Verdict::kKeep;
  std::string line;          ///< the verdict and its reason, one sentence
  std::string metrics_json;  ///< docs/formats/metrics.md
};

/// Compares the challenger, its baselines and the champion on the test part. Never changes a model or a threshold by
/// what it sees there. With no positive, one class or no rows the verdict is "insufficient evidence", not a failure.
Evaluation evaluate(const EvaluationInput& input);

}  // namespace ledgermill::model
