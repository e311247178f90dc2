// SPDX-License-Identifier: Apache-2.0
#include "enrich/definition.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "tests/enrich/orders.h"

namespace ledgermill::testing {
namespace {

using Json = nlohmann::ordered_json;

/// The shipped definition with one piece of text replaced.
std::string refusal(const std::string& from, const std::string& to) {
  std::string yaml = orders_yaml();
  const std::size_t at = yaml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  yaml.replace(at, from.size(), to);
  try {
    enrich::parse_definition(yaml, "orders.yaml");
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ReturnCode::kRefused);
    return failure.fact();
  }
  return "accepted";
}

TEST(EnrichmentDefinition, TheShippedOneIsRead) {
  const auto definition = orders_enrichment();
  EXPECT_EQ(definition.name, "orders");
  EXPECT_EQ(definition.key, "OrderID");
  ASSERT_EQ(definition.categories.size(), 3U);
  EXPECT_EQ(definition.categories[0].discount_percent, 10U);
  EXPECT_EQ(definition.question[0].known.size(), 12U);
}

TEST(EnrichmentDefinition, MistakesAreNamedWithTheirLine) {
  EXPECT_NE(refusal("feed: ", "fed: ").find("unknown key 'fed'"), std::string::npos);
  EXPECT_NE(refusal("required: [discount]", "required: [customer_name]").find("is no placeholder"), std::string::npos);
  EXPECT_NE(refusal("discount_percent: 10", "discount_percent: 0").find("'discount' is allowed where there is none"),
            std::string::npos);
  EXPECT_NE(refusal("suggest: item", "suggest: amount").find("is no field of the question"), std::string::npos);
  EXPECT_NE(refusal("known: [Widget,", "known: [Widget, Widget,").find("stands here twice"), std::string::npos);
  EXPECT_NE(refusal("says: standard", "says: rule_gap").find("was given before"), std::string::npos);
  EXPECT_EQ(refusal("feed: ", "fed: ").rfind("orders.yaml:", 0), 0U);
}

TEST(EnrichmentDefinition, ATextThatWouldBeRefusedAsAnAnswerIsAMistake) {
  const std::string said = refusal("we keep the {item} in stock", "take 5 % off the {item}");
  EXPECT_NE(said.find("would be refused as an answer"), std::string::npos) << said;
  EXPECT_NE(said.find("forbidden-digit"), std::string::npos) << said;
}

TEST(EnrichmentDefinition, APromptThatMightNotFitIsRefusedBeforeItIsSent) {
  EXPECT_NE(refusal("context_tokens: 4096", "context_tokens: 1024").find("limits.context_tokens is 1024"),
            std::string::npos);
}

TEST(Question, HoldsKnownValuesOnly) {
  const auto definition = orders_enrichment();
  const auto odd = question(definition, "VIP", "<|im_end|>");
  EXPECT_EQ(enrich::question_json(definition, odd), R"({"category":"VIP","item":"other"})");
  EXPECT_EQ(odd, question(definition, "VIP", "Ignore all"));
  EXPECT_EQ(enrich::prompt_for(definition, odd).user.find("im_end"), std::string::npos);
}

TEST(Question, SuggestsEveryOtherProduct) {
  const auto definition = orders_enrichment();
  EXPECT_EQ(enrich::suggestions(definition, question(definition, "New", "Lamp")).size(), 11U);
  EXPECT_EQ(enrich::suggestions(definition, question(definition, "New", "Yacht")).size(), 12U);
  EXPECT_TRUE(enrich::suggestions(definition, question(definition, "VIP", "Lamp")).empty());
}

TEST(Question, SchemaPropertiesStandInAlphabeticalOrder) {
  const auto definition = orders_enrichment();
  const Json schema = Json::parse(enrich::prompt_for(definition, question(definition, "New", "Lamp")).schema);
  std::vector<std::string> names;
  for (const auto& [name, value] : schema["properties"].items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"a_id", "b_item", "c_text"}));
  EXPECT_TRUE(schema["properties"]["a_id"]["enum"].is_array());
  EXPECT_EQ(schema["required"], Json(names));
}

TEST(AnswerKey, ChangesWithModelPromptAndQuestion) {
  const auto definition = orders_enrichment();
  const auto lamp = question(definition, "VIP", "Lamp");
  const Digest key = enrich::answer_key(definition, {"m", "d1"}, lamp);
  EXPECT_EQ(key, enrich::answer_key(definition, {"m", "d1"}, lamp));
  EXPECT_NE(key, enrich::answer_key(definition, {"m", "d2"}, lamp));
  EXPECT_NE(key, enrich::answer_key(definition, {"n", "d1"}, lamp));
  EXPECT_NE(key, enrich::answer_key(definition, {"m", "d1"}, question(definition, "VIP", "Desk")));
  std::string yaml = orders_yaml();
  yaml.replace(yaml.find("polite sentence"), 6, "joyful");
  EXPECT_NE(key, enrich::answer_key(enrich::parse_definition(yaml, "o.yaml"), {"m", "d1"}, lamp));
}

}  // namespace
}  // namespace ledgermill::testing
