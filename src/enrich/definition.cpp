// SPDX-License-Identifier: Apache-2.0
#include "enrich/definition.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/failure.h"
#include "base/file.h"
#include "enrich/answer.h"
#include "yaml/yaml_map.h"

namespace ledgermill::enrich {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMostTokens = 131072;
constexpr const char* kDiscount = "discount";
constexpr const char* kSuggestedItem = "suggested_item";

bool is_lower_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

std::string lower_name(const YamlMap& map, const char* key) {
  std::string name = map.required_text(key);
  if (!is_lower_name(name))
    throw map.mistake_at(key, fmt::format("'{}' is no name", name), "a lower-case letter, then letters, digits and _");
  return name;
}

YamlMap required_map(const YamlMap& map, const char* key) {
  auto found = map.map(key);
  if (!found) throw map.mistake(map.line(), fmt::format("'{}' is missing", key));
  return *found;
}

Decision::Totals read_totals(const YamlMap& map, const Decision& decision) {
  map.only({"feed", "by", "instead"});
  Decision::Totals totals{map.required_text("feed"), map.texts("by"), {}};
  if (totals.by.empty()) throw map.mistake(map.line(), "'by' names no field that a record's totals are found by");
  for (const YamlMap& one : map.maps("instead")) {
    one.only({"field", "total"});
    totals.instead.push_back({one.required_text("field"), one.required_text("total")});
    const std::string& field = totals.instead.back().field;
    if (std::none_of(decision.reads.begin(), decision.reads.end(),
                     [&](const auto& read) { return read.field == field; }))
      throw one.mistake_at("field", fmt::format("'{}' is not shown to the module", field), "name it under 'reads'");
  }
  if (totals.instead.empty()) throw map.mistake(map.line(), "'instead' names no field");
  return totals;
}

Decision read_decision(const YamlMap& map) {
  map.only({"program", "reads", "flags", "totals"});
  Decision decision;
  decision.program = map.required_text("program");
  for (const YamlMap& read : map.maps("reads")) {
    read.only({"field", "scale"});
    decision.reads.push_back(
        {read.required_text("field"), static_cast<std::uint8_t>(read.number("scale", 0, 18).value_or(0))});
  }
  if (decision.reads.empty()) throw map.mistake(map.line(), "'reads' names no field that the module is shown");
  decision.flags = map.texts("flags");
  for (const std::string& flag : decision.flags) {
    if (!is_lower_name(flag)) throw map.mistake_at("flags", fmt::format("'{}' is no name of a flag", flag));
  }
  if (const auto totals = map.map("totals")) decision.totals = read_totals(*totals, decision);
  return decision;
}

QuestionField read_question_field(const YamlMap& map) {
  map.only({"name", "field", "known", "otherwise"});
  QuestionField field{lower_name(map, "name"), map.required_text("field"), map.texts("known"),
                      map.required_text("otherwise")};
  if (field.known.empty())
    throw map.mistake(map.line(), "'known' is empty", "list the values that a question may hold");
  std::set<std::string> seen{field.otherwise};
  for (const std::string& value : field.known) {
    if (value.empty() || value != without_hidden(value))
      throw map.mistake_at("known", fmt::format("'{}' is no plain text", value));
    if (!seen.insert(value).second) throw map.mistake_at("known", fmt::format("'{}' stands here twice", value));
  }
  return field;
}

std::vector<std::string> placeholders_of(const YamlMap& map, const char* key, const EnrichmentDefinition& definition) {
  std::vector<std::string> names = map.texts(key);
  for (const std::string& name : names) {
    const bool known = name == kDiscount || name == kSuggestedItem ||
                       std::any_of(definition.placeholders.begin(), definition.placeholders.end(),
                                   [&](const Placeholder& placeholder) { return placeholder.name == name; });
    if (!known) throw map.mistake_at(key, fmt::format("'{}' is no placeholder", name), "name it under 'placeholders'");
  }
  return names;
}

void lower(std::vector<std::string>& words) {
  for (std::string& word : words) {
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
}

Category read_category(const YamlMap& map, const EnrichmentDefinition& definition,
                       const std::vector<std::string>& forbidden_always) {
  map.only({"name", "says", "discount_percent", "task", "suggest", "labels", "allowed", "required", "forbidden_words",
            "texts"});
  Category category;
  category.name = map.required_text("name");
  category.says = lower_name(map, "says");
  category.discount_percent = static_cast<unsigned>(map.number("discount_percent", 0, 100).value_or(0));
  category.task = map.required_text("task");
  category.allowed = placeholders_of(map, "allowed", definition);
  category.required = placeholders_of(map, "required", definition);
  category.forbidden_words = map.texts("forbidden_words");
  category.forbidden_words.insert(category.forbidden_words.end(), forbidden_always.begin(), forbidden_always.end());
  lower(category.forbidden_words);
  category.texts = map.texts("texts");
  if (category.texts.empty()) throw map.mistake(map.line(), "'texts' is empty", "give at least one fallback text");
  if (const auto suggest = map.text("suggest")) {
    const auto field = std::find_if(definition.question.begin(), definition.question.end(),
                                    [&](const QuestionField& one) { return one.name == *suggest; });
    if (field == definition.question.end())
      throw map.mistake_at("suggest", fmt::format("'{}' is no field of the question", *suggest));
    if (field->known.size() < 2) throw map.mistake_at("suggest", "there is nothing else to suggest");
    category.suggest = static_cast<std::size_t>(field - definition.question.begin());
  }
  category.labels = map.texts("labels");
  if (!category.labels.empty() && category.suggest)
    throw map.mistake_at("labels", "a category suggests, or labels, not both");
  if (category.labels.size() == 1) throw map.mistake_at("labels", "one label is no choice");
  for (const std::string& label : category.labels) {
    if (!is_lower_name(label)) throw map.mistake_at("labels", fmt::format("'{}' is no name of a label", label));
  }
  const auto allows = [&](const char* name) {
    return std::find(category.allowed.begin(), category.allowed.end(), name) != category.allowed.end();
  };
  for (const std::string& name : category.required) {
    if (!allows(name.c_str())) throw map.mistake_at("required", fmt::format("'{}' is required but not allowed", name));
  }
  if (allows(kDiscount) && category.discount_percent == 0)
    throw map.mistake_at("allowed", "'discount' is allowed where there is none");
  if (allows(kSuggestedItem) && !category.suggest)
    throw map.mistake_at("allowed", "'suggested_item' is allowed where nothing is suggested", "add 'suggest: FIELD'");
  return category;
}

void read_limits(const YamlMap& map, EnrichmentDefinition& definition) {
  map.only({"context_tokens", "answer_tokens", "response_bytes", "timeout_ms", "attempts", "in_flight"});
  const auto number = [&](const char* key, std::uint64_t least, std::uint64_t most, std::uint32_t& value) {
    value = static_cast<std::uint32_t>(map.number(key, least, most).value_or(value));
  };
  number("context_tokens", 512, kMostTokens, definition.context_tokens);
  number("answer_tokens", 16, kMostTokens, definition.answer_tokens);
  number("response_bytes", 1024, 16U << 20, definition.response_bytes);
  number("timeout_ms", 10, 3'600'000, definition.timeout_ms);
  number("attempts", 1, 20, definition.attempts);
  number("in_flight", 1, 256, definition.in_flight);
}

/// "0.15": units of money for a million tokens, as millionths.
std::uint64_t price(const YamlMap& map, const char* key) {
  constexpr std::size_t kMostDigits = 12;
  constexpr std::size_t kDecimals = 6;
  const std::string text = map.required_text(key);
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string decimals = dot < text.size() ? text.substr(dot + 1) : "";
  std::string digits = text.substr(0, dot) + decimals;
  if (digits.empty() || digits.size() > kMostDigits || decimals.size() > kDecimals ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    throw map.mistake_at(key, fmt::format("'{}' is no price", text), "e.g. 0.15, at most 6 decimals");
  digits.append(kDecimals - decimals.size(), '0');
  return std::stoull(digits);
}

std::vector<TokenPrice> read_prices(const YamlMap& root) {
  std::vector<TokenPrice> prices;
  for (const YamlMap& map : root.maps("prices")) {
    map.only({"model", "currency", "input", "output"});
    prices.push_back(
        {map.required_text("model"), map.required_text("currency"), price(map, "input"), price(map, "output")});
  }
  return prices;
}

/// All that shapes a question or decides about its answer.
Digest digest_of_prompt(const EnrichmentDefinition& definition) {
  nlohmann::ordered_json json{{"version", definition.prompt_version},
                              {"system", definition.prompt_system},
                              {"user", definition.prompt_user},
                              {"length", {definition.min_length, definition.max_length}},
                              {"latin_only", definition.latin_only},
                              {"answer_tokens", definition.answer_tokens}};
  for (const Category& category : definition.categories) {
    json["categories"].push_back({category.name, category.task, category.suggest.has_value(), category.allowed,
                                  category.required, category.forbidden_words, category.discount_percent > 0});
    if (!category.labels.empty()) json["categories"].back().push_back(category.labels);
  }
  for (const QuestionField& field : definition.question)
    json["question"].push_back({field.name, field.known, field.otherwise});
  return Sha256::of(json.dump());
}

void check_texts(const YamlMap& root, const EnrichmentDefinition& definition) {
  const std::vector<YamlMap> maps = root.maps("categories");
  for (std::size_t i = 0; i < definition.categories.size(); ++i) {
    for (const std::string& text : definition.categories[i].texts) {
      const auto verified = verify_text(definition, definition.categories[i], text);
      if (!verified) {
        throw maps[i].mistake_at("texts", fmt::format("'{}' would be refused as an answer: {} ({})", text,
                                                      verified.error().detail, verified.error().code));
      }
    }
  }
}

void read_categories(const YamlMap& root, const std::vector<std::string>& forbidden, EnrichmentDefinition& definition) {
  std::set<std::string> names;
  std::set<std::string> said(definition.decision.flags.begin(), definition.decision.flags.end());
  for (const YamlMap& map : root.maps("categories")) {
    definition.categories.push_back(read_category(map, definition, forbidden));
    const Category& category = definition.categories.back();
    if (!names.insert(category.name).second || !said.insert(category.says).second)
      throw map.mistake(map.line(), fmt::format("category '{}' has a name that was given before", category.name));
  }
  if (definition.categories.empty()) throw root.mistake(root.line(), "'categories' is missing");
}

EnrichmentDefinition read(const YamlMap& root) {
  root.only({"enrichment", "title", "feed", "key", "line", "decision", "question", "placeholders", "categories",
             "prompt", "answer", "limits", "prices"});
  EnrichmentDefinition definition;
  definition.name = lower_name(root, "enrichment");
  definition.title = root.text("title").value_or("");
  definition.feed = root.required_text("feed");
  definition.key = root.text("key").value_or("");
  definition.line = root.text("line").value_or("{line} | Category: {category} | {recommendation}");
  definition.decision = read_decision(required_map(root, "decision"));
  const YamlMap question = required_map(root, "question");
  question.only({"fields"});
  for (const YamlMap& field : question.maps("fields")) definition.question.push_back(read_question_field(field));
  for (const YamlMap& map : root.maps("placeholders")) {
    map.only({"name", "field"});
    definition.placeholders.push_back({lower_name(map, "name"), map.required_text("field")});
  }
  const YamlMap answer = required_map(root, "answer");
  answer.only({"text", "forbidden_words"});
  if (const auto text = answer.map("text")) {
    text->only({"min_length", "max_length", "latin_only"});
    definition.latin_only = text->flag("latin_only", false);
    definition.min_length = static_cast<std::uint32_t>(text->number("min_length", 1, 4000).value_or(1));
    definition.max_length =
        static_cast<std::uint32_t>(text->number("max_length", definition.min_length, 4000).value_or(400));
  }
  read_categories(root, answer.texts("forbidden_words"), definition);
  const YamlMap prompt = required_map(root, "prompt");
  prompt.only({"version", "system", "user"});
  definition.prompt_version = prompt.number("version", 1, 1'000'000).value_or(1);
  definition.prompt_system = prompt.required_text("system");
  definition.prompt_user = prompt.required_text("user");
  if (const auto limits = root.map("limits")) read_limits(*limits, definition);
  definition.prices = read_prices(root);
  check_texts(root, definition);
  definition.prompt_digest = digest_of_prompt(definition);
  for (std::size_t i = 0; i < definition.categories.size(); ++i) {  // a prompt that cannot fit is said now
    Question longest{i, {}};
    for (const QuestionField& field : definition.question) longest.answers.push_back(field.known.size());
    prompt_for(definition, longest);
  }
  return definition;
}

}  // namespace

const TokenPrice* EnrichmentDefinition::price_of(const std::string& model) const {
  const auto found =
      std::find_if(prices.begin(), prices.end(), [&](const TokenPrice& one) { return one.model == model; });
  return found == prices.end() ? nullptr : &*found;
}

EnrichmentDefinition parse_definition(std::string_view yaml, const fs::path& path) {
  const YamlMap root = YamlMap::parse(yaml, path);
  try {
    EnrichmentDefinition definition = read(root);
    definition.digest = Sha256::of(yaml);
    definition.path = path;
    return definition;
  } catch (const YAML::Exception& mistake) {
    throw root.mistake(mistake.mark.line + 1, mistake.msg);
  }
}

EnrichmentDefinition find_definition(std::string_view name, const std::vector<fs::path>& folders) {
  if (name.ends_with(".yaml")) return parse_definition(read_small_file(fs::path(name)), fs::path(name));
  std::string looked_in;
  std::string known;
  for (const fs::path& folder : folders) {
    const fs::path path = folder / (std::string(name) + ".yaml");
    if (is_lower_name(name) && fs::exists(path)) return parse_definition(read_small_file(path), path);
    looked_in += (looked_in.empty() ? "" : ", ") + folder.string();
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".yaml") known += (known.empty() ? "" : ", ") + entry.path().stem().string();
    }
  }
  throw Failure(ReturnCode::kRefused,
                fmt::format("no enrichment '{}' in {}", name, looked_in.empty() ? "any folder" : looked_in),
                known.empty() ? "--enrichments names a folder with definitions" : "found there: " + known);
}

}  // namespace ledgermill::enrich
