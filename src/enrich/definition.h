// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"

namespace ledgermill::enrich {

/// The COBOL module that decides the category, and what of a record it is shown.
struct Decision {
  struct Read {
    std::string field;       ///< label in the feed's layout
    std::uint8_t scale = 0;  ///< decimals that the module's bounds are written for
  };
  std::string program;             ///< PROGRAM-ID
  std::vector<Read> reads;         ///< at least one
  std::vector<std::string> flags;  ///< said beside the category, e.g. "rule_conflict"

  /// Totals that may be shown instead of the record's own values, when a run is given a file of them.
  struct Totals {
    struct Instead {
      std::string field;  ///< one of `reads`
      std::string total;  ///< label in the totals' feed, of the same scale
    };
    std::string feed;             ///< the feed whose file holds them, one record a group
    std::vector<std::string> by;  ///< labels that both feeds have: records that agree in them share totals
    std::vector<Instead> instead;
  };
  std::optional<Totals> totals;
};

/// What a model's tokens cost. Both prices are for a million tokens, in millionths of the currency's unit, so that
/// tokens times price is 10^-12 units.
struct TokenPrice {
  std::string model;
  std::string currency;
  std::uint64_t input = 0;
  std::uint64_t output = 0;
};

/// What is known of one category. Everything in it is the trade's; nothing of it is asked of a model.
struct Category {
  std::string name;                    ///< as shown, e.g. "VIP"
  std::string says;                    ///< the module's word for it: SAYS-VIP is "vip"
  unsigned discount_percent = 0;       ///< what {discount} becomes
  std::string task;                    ///< for the prompt
  std::optional<std::size_t> suggest;  ///< index of the question field whose known values a suggestion is chosen from
  std::vector<std::string> labels;     ///< one of them is asked for; the first is said where no model answers. Or empty
  std::vector<std::string> allowed;    ///< placeholders that may stand in the text
  std::vector<std::string> required;   ///< placeholders that must
  std::vector<std::string> forbidden_words;  ///< lower case, the answer's own included
  std::vector<std::string> texts;            ///< of the embedded enricher, and the fallback; each is a valid answer
};

/// One thing that a question depends on. Whatever a record holds, a question holds one of `known` or `otherwise`, so
/// no text of a record reaches a model.
struct QuestionField {
  std::string name;
  std::string field;  ///< label in the feed's layout
  std::vector<std::string> known;
  std::string otherwise;
};

/// A placeholder that is filled in from the record.
struct Placeholder {
  std::string name;
  std::string field;  ///< label in the feed's layout
};

/// An enrichment definition (docs/formats/enrichment-definition.md). Valid by construction.
struct EnrichmentDefinition {
  std::string name;  ///< [a-z][a-z0-9_]*
  std::string title;
  std::string feed;
  std::string key;   ///< label of the field that names a record to people; "" where none does
  std::string line;  ///< template of the text output: {line}, {category}, {recommendation}
  Decision decision;
  std::vector<QuestionField> question;
  std::vector<Placeholder> placeholders;  ///< besides the built-in {discount} and {suggested_item}
  std::vector<Category> categories;
  std::uint64_t prompt_version = 1;
  std::string prompt_system;
  std::string prompt_user;
  std::uint32_t min_length = 1;  ///< of the text with its placeholders, in characters
  std::uint32_t max_length = 400;
  bool latin_only = false;  ///< letters of another script refuse an answer, since no word list would know their words
  std::uint32_t context_tokens = 4096;
  std::uint32_t answer_tokens = 200;
  std::uint32_t response_bytes = 262144;
  std::uint32_t timeout_ms = 120000;
  std::uint32_t attempts = 4;
  std::uint32_t in_flight = 4;
  std::vector<TokenPrice> prices;

  /// Nothing where the model has no price here.
  const TokenPrice* price_of(const std::string& model) const;

  Digest prompt_digest;  ///< of all that shapes a question or decides about its answer: prompt, categories, limits
  Digest digest;         ///< of the definition's bytes
  std::filesystem::path path;
};

/// Reads a definition; every mistake is a Failure (RC 8) whose fact begins "<path>:<line>: ". That a text of a category
/// would itself be refused as an answer is a mistake too. `path` is for messages only.
EnrichmentDefinition parse_definition(std::string_view yaml, const std::filesystem::path& path);

/// Finds `<name>.yaml` in `folders`, first match wins; a name that ends in .yaml is a path. Failure (RC 8).
EnrichmentDefinition find_definition(std::string_view name, const std::vector<std::filesystem::path>& folders);

}  // namespace ledgermill::enrich
