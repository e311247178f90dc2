// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/expected.h"
#include "enrich/definition.h"
#include "enrich/question.h"

namespace ledgermill::enrich {

/// A verified answer: text with placeholders, none of which is filled in yet.
struct Answer {
  std::string text;
  std::string suggested_item;  ///< or the label; "" where the category has neither

  bool operator==(const Answer&) const = default;
};

/// Why an answer is not believed.
struct Refusal {
  std::string code;    ///< "not-json", "wrong-id", "forbidden-digit", ...: docs/formats/enrichment-definition.md
  std::string detail;  ///< for people and for the repair prompt; holds no byte of the answer but printable ASCII
};

/// Decides what to believe of what a model wrote. One leading <think>...</think> is taken off; what is left must be one
/// JSON object with exactly the fields asked for, the id of this question, a suggestion that may be made, and a text
/// within all limits of its category. Nothing is mended: what is not as asked is refused.
[[nodiscard]] Expected<Answer, Refusal> verify_answer(const EnrichmentDefinition& definition, const Question& question,
                                                      std::string_view written);

/// The checks of the text alone.
[[nodiscard]] Expected<std::string, Refusal> verify_text(const EnrichmentDefinition& definition,
                                                         const Category& category, std::string_view text);

/// The answer of the embedded enricher: one of the category's texts, chosen by the question's digest, and its first
/// label. As JSON, in the form in which a model would have given it.
std::string embedded_answer(const EnrichmentDefinition& definition, const Question& question);

/// Values for placeholders: name and text.
using PlaceholderValues = std::vector<std::pair<std::string_view, std::string_view>>;

/// Fills in the placeholders; the answer was verified, so each is known. Values are taken as text: whatever braces they
/// hold stay, and characters that steer a terminal or hide are left out.
std::string render(const Category& category, const Answer& answer, const PlaceholderValues& values);

/// Text without control characters, bidirectional and zero-width marks, tags and variation selectors; bytes that are no
/// UTF-8 become U+FFFD.
std::string without_hidden(std::string_view text);

/// A CSV cell (RFC 4180) that a spreadsheet does not run: one that begins with = + - @ or a tab gets a ' in front.
std::string csv_cell(std::string_view text);

}  // namespace ledgermill::enrich
