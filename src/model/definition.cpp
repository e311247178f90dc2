// SPDX-License-Identifier: Apache-2.0
#include "model/definition.h"

#include <fmt/core.h>

#include <cstdlib>

#include "base/failure.h"
#include "base/file.h"
#include "yaml/yaml_map.h"

namespace ledgermill::model {

namespace {

double share(const YamlMap& map, const char* key, double otherwise, double least, double most) {
  const auto text = map.text(key);
  if (!text) return otherwise;
  char* end = nullptr;
  const double number = std::strtod(text->c_str(), &end);
  if (text->empty() || *end != 0 || !(number >= least && number <= most))
    throw map.mistake_at(key, fmt::format("'{}' is no number from {} to {}", *text, least, most));
  return number;
}

std::int32_t days(const YamlMap& map, const char* key, std::int32_t otherwise, std::uint64_t least) {
  constexpr std::uint64_t kMost = 3660;
  const auto number = map.number(key, least, kMost);
  return number ? static_cast<std::int32_t>(*number) : otherwise;
}

SplitRule read_split(const YamlMap& map) {
  map.only({"warmup_days", "validation_days", "test_days", "embargo_days", "maturity_days"});
  SplitRule split;
  split.warmup_days = days(map, "warmup_days", split.warmup_days, 0);
  split.validation_days = days(map, "validation_days", split.validation_days, 1);
  split.test_days = days(map, "test_days", split.test_days, 1);
  // Below a week, an event that spreads over some days can be on both sides.
  split.embargo_days = days(map, "embargo_days", split.embargo_days, 7);
  split.maturity_days = days(map, "maturity_days", split.maturity_days, 0);
  return split;
}

PromotionRule read_promotion(const YamlMap& map) {
  map.only({"least_ap_gain", "most_recall_loss", "most_cause_loss", "least_of_cause", "most_ece", "most_brier_ratio",
            "least_positives", "automatic"});
  PromotionRule rule;
  rule.least_ap_gain = share(map, "least_ap_gain", rule.least_ap_gain, -1, 1);
  rule.most_recall_loss = share(map, "most_recall_loss", rule.most_recall_loss, 0, 1);
  rule.most_cause_loss = share(map, "most_cause_loss", rule.most_cause_loss, 0, 1);
  rule.least_of_cause = map.number("least_of_cause", 1, 1'000'000).value_or(rule.least_of_cause);
  rule.most_ece = share(map, "most_ece", rule.most_ece, 0, 1);
  rule.most_brier_ratio = share(map, "most_brier_ratio", rule.most_brier_ratio, 0, 100);
  rule.least_positives = map.number("least_positives", 1, 1'000'000'000).value_or(rule.least_positives);
  rule.automatic = map.flag("automatic", rule.automatic);
  return rule;
}

}  // namespace

const LearningFeed* LearningDefinition::find(std::string_view feed) const {
  for (const LearningFeed& each : feeds)
    if (each.feed == feed) return &each;
  return nullptr;
}

LearningDefinition load_learning(const std::filesystem::path& path) {
  const std::string text = read_small_file(path);
  const YamlMap map = YamlMap::parse(text, path);
  map.only({"learning", "feeds", "split", "alert_budget", "promotion"});
  LearningDefinition definition;
  definition.name = map.required_text("learning");
  definition.digest = Sha256::of(std::string_view(text));
  for (const YamlMap& feed : map.maps("feeds")) {
    feed.only({"feed", "date", "amount", "description", "type", "entity"});
    definition.feeds.push_back({feed.required_text("feed"), feed.required_text("date"), feed.required_text("amount"),
                                feed.required_text("description"), feed.text("type").value_or(""),
                                feed.text("entity").value_or("")});
  }
  if (definition.feeds.empty()) throw map.mistake(map.line(), "'feeds' is missing: there is nothing to learn from");
  if (const auto split = map.map("split")) definition.split = read_split(*split);
  definition.alert_budget = share(map, "alert_budget", definition.alert_budget, 0.000001, 1);
  if (const auto promotion = map.map("promotion")) definition.promotion = read_promotion(*promotion);
  return definition;
}

}  // namespace ledgermill::model
