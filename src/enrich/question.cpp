// SPDX-License-Identifier: Apache-2.0
#include "enrich/question.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/failure.h"

namespace ledgermill::enrich {

using Json = nlohmann::ordered_json;

namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "{" : ", {") + name + "}";
  return text.empty() ? "none" : text;
}

/// Replaces {name}s of a template of ours; what is put in is not looked at again.
std::string filled(std::string_view pattern, const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size();) {
    const auto fits = [&](const auto& value) { return pattern.substr(at).starts_with("{" + value.first + "}"); };
    const auto value = std::find_if(values.begin(), values.end(), fits);
    if (value == values.end()) {
      text += pattern[at++];
    } else {
      text += value->second;
      at += value->first.size() + 2;
    }
  }
  return text;
}

std::string schema_for(const EnrichmentDefinition& definition, const Question& question) {
  Json properties{{"a_id", {{"type", "string"}, {"enum", Json::array({question_id(definition, question)})}}}};
  Json required = Json::array({"a_id"});
  if (const auto choices = suggestions(definition, question); !choices.empty()) {
    properties["b_item"] = {{"type", "string"}, {"enum", choices}};
    required.push_back("b_item");
  }
  properties["c_text"] = {
      {"type", "string"}, {"minLength", definition.min_length}, {"maxLength", definition.max_length}};
  required.push_back("c_text");
  return Json{{"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}}
      .dump();
}

}  // namespace

std::size_t known_value(const QuestionField& field, std::string_view cell) {
  return static_cast<std::size_t>(std::find(field.known.begin(), field.known.end(), cell) - field.known.begin());
}

const std::string& value_of(const EnrichmentDefinition& definition, const Question& question, std::size_t field) {
  const QuestionField& asked = definition.question[field];
  const std::size_t value = question.answers[field];
  return value < asked.known.size() ? asked.known[value] : asked.otherwise;
}

std::string question_json(const EnrichmentDefinition& definition, const Question& question) {
  LM_CHECK(question.answers.size() == definition.question.size(), "a question has a value for each field");
  Json json{{"category", definition.categories[question.category].name}};
  for (std::size_t i = 0; i < definition.question.size(); ++i)
    json[definition.question[i].name] = value_of(definition, question, i);
  return json.dump();
}

std::string question_id(const EnrichmentDefinition& definition, const Question& question) {
  return Sha256::of(question_json(definition, question)).hex().substr(0, 8);
}

std::vector<std::string> suggestions(const EnrichmentDefinition& definition, const Question& question) {
  const Category& category = definition.categories[question.category];
  if (!category.labels.empty()) return category.labels;
  const auto& field = category.suggest;
  if (!field) return {};
  std::vector<std::string> values = definition.question[*field].known;
  if (question.answers[*field] < values.size())
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(question.answers[*field]));
  return values;
}

Digest answer_key(const EnrichmentDefinition& definition, const Asked& asked, const Question& question) {
  return Sha256::of(Json::array({definition.name, definition.prompt_digest.hex(), asked.model, asked.model_digest,
                                 question_json(definition, question)})
                        .dump());
}

Prompt prompt_for(const EnrichmentDefinition& definition, const Question& question) {
  const Category& category = definition.categories[question.category];
  const std::vector<std::string> choices = suggestions(definition, question);
  std::string suggestion;
  for (const std::string& choice : choices)
    suggestion += (!suggestion.empty()       ? ", "
                   : category.labels.empty() ? "b_item is the product to suggest, one of: "
                                             : "b_item is the label, one of: ") +
                  choice;
  std::vector<std::pair<std::string, std::string>> values{{"id", question_id(definition, question)},
                                                          {"category", category.name},
                                                          {"task", category.task},
                                                          {"allowed", listed(category.allowed)},
                                                          {"required", listed(category.required)},
                                                          {"suggestion", suggestion}};
  for (std::size_t i = 0; i < definition.question.size(); ++i)
    values.emplace_back(definition.question[i].name, value_of(definition, question, i));
  Prompt prompt{definition.prompt_system, filled(definition.prompt_user, values), schema_for(definition, question)};
  constexpr std::size_t kRoomForTemplateAndRepair = 512;
  const std::size_t most =
      prompt.system.size() + prompt.user.size() + definition.answer_tokens + kRoomForTemplateAndRepair;
  if (most > definition.context_tokens) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("the prompt for {} may need {} tokens, limits.context_tokens is {}",
                              question_json(definition, question), most, definition.context_tokens),
                  "raise limits.context_tokens, or shorten the prompt");
  }
  return prompt;
}

}  // namespace ledgermill::enrich
