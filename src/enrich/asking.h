// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "enrich/answer_store.h"
#include "enrich/definition.h"
#include "enrich/model_server.h"
#include "enrich/question.h"

namespace ledgermill::enrich {

/// A question that got no answer that is believed. Its records get the category's own text, source "fallback".
struct Unanswered {
  Question question;
  std::string code;  ///< Refusal's, or "unavailable", "will-not"
  std::string detail;
  std::uint32_t attempts = 0;
};

struct AskProgress {
  std::uint64_t to_ask = 0;
  std::uint64_t ended = 0;
  std::uint64_t unanswered = 0;
};

struct AskResult {
  std::vector<Unanswered> unanswered;
  std::uint64_t answered = 0;
  std::uint64_t repaired = 0;  ///< answered at the second try, after being told what was wrong
  CallCounts calls;
};

/// Asks `questions` of the server, verifies every answer and stores those that are believed as they come. An answer
/// that is refused is asked for once more, with the reason. Failures as ModelServer::call; what was stored stays.
AskResult ask_server(const EnrichmentDefinition& definition, const std::vector<Question>& questions,
                     ModelServer& server, const ServerDescription& description, const ModelServerOptions& options,
                     CallLimits limits, AnswerStore& store, const std::string& asked_at,
                     const std::function<void(const AskProgress&)>& progress);

/// The same of the embedded enricher: no server, always answered.
AskResult ask_embedded(const EnrichmentDefinition& definition, const std::vector<Question>& questions,
                       AnswerStore& store, const std::function<void(const AskProgress&)>& progress);

}  // namespace ledgermill::enrich
