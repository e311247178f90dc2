// SPDX-License-Identifier: Apache-2.0
// What a model server sends: any bytes are read as a reply and as an answer without harm, and what is believed is within
// all limits. The first byte chooses protocol, category and item.
#include <cstddef>
#include <string>

#include "base/check.h"
#include "enrich/answer.h"
#include "enrich/dialect.h"
#include "enrich/text_scan.h"

namespace {

using namespace ledgermill;

const enrich::EnrichmentDefinition& definition() {
  static const enrich::EnrichmentDefinition kDefinition = enrich::parse_definition(
      "enrichment: f\nfeed: f\n"
      "decision: {program: P, reads: [{field: A, scale: 0}]}\n"
      "question: {fields: [{name: item, field: I, known: [Lamp, Pen], otherwise: other}]}\n"
      "placeholders: [{name: customer, field: C}]\n"
      "categories:\n"
      "  - {name: V, says: v, discount_percent: 10, task: t, allowed: [customer, discount], required: [discount],\n"
      "     texts: ['A {discount} discount is yours.']}\n"
      "  - {name: N, says: n, task: t, suggest: item, allowed: [suggested_item], required: [suggested_item],\n"
      "     forbidden_words: [discount], texts: ['Have a look at the {suggested_item}.']}\n"
      "prompt: {system: s, user: 'id: {id}'}\n"
      "answer: {text: {min_length: 10, max_length: 80, latin_only: true}}\n",
      "f.yaml");
  return kDefinition;
}

void check_believed(const enrich::Question& question, const enrich::Answer& answer) {
  const enrich::Category& category = definition().categories[question.category];
  LM_CHECK(enrich::verify_text(definition(), category, answer.text).has_value(), "a believed text is believed again");
  LM_CHECK(answer.text.find(category.required.front()) != std::string::npos, "what must stand in it does");
  for (std::size_t at = 0; at < answer.text.size();) {
    const auto character = enrich::next_character(answer.text, at);
    LM_CHECK(character && !enrich::is_hidden(*character) && !enrich::is_digit(*character) && *character != '%' &&
                 *character != '<',
             "a believed text is UTF-8 without hidden characters, digits and markup");
  }
  const std::string rendered = enrich::render(category, answer, {{"customer", "A"}});
  LM_CHECK(rendered.find('{') == std::string::npos, "every placeholder is filled in");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const enrich::Question question{data[0] & 1U, {(data[0] >> 1U) % 3U}};
  const auto dialect = (data[0] & 8U) != 0 ? enrich::Dialect::kOllama : enrich::Dialect::kOpenAi;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  // The id is a digest that a fuzzer would never find: where the input writes ID it stands.
  for (std::size_t at = text.find("ID"); at != std::string::npos; at = text.find("ID", at + 1))
    text.replace(at, 2, enrich::question_id(definition(), question));
  for (const std::string& written : {text, enrich::read_reply(dialect, 200, text).text}) {
    if (const auto answer = enrich::verify_answer(definition(), question, written)) check_believed(question, *answer);
  }
  return 0;
}
