// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "enrich/definition.h"

namespace ledgermill::enrich {

/// What a recommendation depends on. Records with one question share its answer.
struct Question {
  std::size_t category = 0;  ///< index in the definition
  std::vector<std::size_t>
      answers;  ///< for each question field: index of the known value, `known.size()` for otherwise

  auto operator<=>(const Question&) const = default;
};

/// The index in `field.known` of a record's cell; `known.size()` when it is none of them.
std::size_t known_value(const QuestionField& field, std::string_view cell);
/// The value that a question holds: one of `known`, or `otherwise`.
const std::string& value_of(const EnrichmentDefinition& definition, const Question& question, std::size_t field);

/// {"category":"VIP","item":"Widget"}: the same text for the same question.
std::string question_json(const EnrichmentDefinition& definition, const Question& question);
/// 8 hex digits that the answer must repeat in a_id.
std::string question_id(const EnrichmentDefinition& definition, const Question& question);
/// What b_item may be: the category's labels; or, where it suggests, the known values but the question's own. Empty
/// where it does neither.
std::vector<std::string> suggestions(const EnrichmentDefinition& definition, const Question& question);

/// Identifies an answer: who was asked, with what prompt, and what. Any change of these is another key.
struct Asked {
  std::string model;         ///< as the server names it; "embedded"
  std::string model_digest;  ///< "" where the server tells none
};
Digest answer_key(const EnrichmentDefinition& definition, const Asked& asked, const Question& question);

/// What a server is sent for a question.
struct Prompt {
  std::string system;
  std::string user;
  std::string schema;  ///< JSON Schema of the answer: a_id, b_item where something is suggested, c_text. In
                       ///< alphabetical order, since Ollama sorts the properties of a schema
};
/// Failure (RC 8) when it could be longer than the context that the definition asks for. A token is at least one byte,
/// so a prompt that fits by bytes is never cut silently.
Prompt prompt_for(const EnrichmentDefinition& definition, const Question& question);

}  // namespace ledgermill::enrich
