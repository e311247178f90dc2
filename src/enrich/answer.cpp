// SPDX-License-Identifier: Apache-2.0
#include "enrich/answer.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "enrich/text_scan.h"

namespace ledgermill::enrich {

namespace {

using Json = nlohmann::ordered_json;
using Refused = Unexpected<Refusal>;

constexpr std::size_t kMostAnswerBytes = 64U << 10;

Refused refused(std::string code, std::string detail) { return Refused(Refusal{std::move(code), std::move(detail)}); }

/// For details that go into a prompt again: nothing but printable ASCII without braces and markup, and little of it.
std::string harmless(std::string_view text) {
  std::string safe;
  for (const char c : text.substr(0, 40)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' || c == '_' || c == '-';
    safe += plain ? c : '?';
  }
  return safe;
}

/// Takes off what a reasoning model wrote before its answer. With the template of DeepSeek-R1 the opening tag stands in
/// the prompt, so an answer may have the closing one alone. A thought that does not end is a cut answer.
Expected<std::string_view, Refusal> without_thought(std::string_view written) {
  constexpr std::string_view kOpen = "<think>";
  constexpr std::string_view kClose = "</think>";
  const std::size_t begin = written.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return refused("empty", "the answer is empty");
  written.remove_prefix(begin);
  const std::size_t close = written.find(kClose);
  if (written.starts_with(kOpen) && close == std::string_view::npos)
    return refused("cut", "the thought before the answer does not end");
  const std::size_t object = written.find('{');
  if (close != std::string_view::npos && (written.starts_with(kOpen) || close < object))
    written.remove_prefix(close + kClose.size());
  return written;
}

/// One JSON object of strings, no key twice, nothing behind it.
Expected<Json, Refusal> one_object(std::string_view written) {
  std::set<std::string> keys;
  std::string problem;
  const auto look = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > 1) problem = "a value is no text";
    if (event == Json::parse_event_t::key && depth == 1 && !keys.insert(value.get<std::string>()).second)
      problem = "a key stands there twice";
    return true;
  };
  Json json = Json::parse(written, look, false);
  if (json.is_discarded()) return refused("not-json", "the answer is not one JSON object");
  if (!json.is_object()) return refused("schema", "the answer is JSON, but no object");
  if (!problem.empty()) return refused("schema", problem);
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return refused("schema", "a value is no text");
  }
  return json;
}

bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0xc0; }

Expected<std::size_t, Refusal> scan_characters(std::string_view text) {
  std::size_t characters = 0;
  std::size_t letters = 0;
  for (std::size_t at = 0; at < text.size(); ++characters) {
    const auto character = next_character(text, at);
    if (!character) return refused("encoding", "the text is not UTF-8");
    if (is_hidden(*character)) return refused("hidden-character", "the text has a control or invisible character");
    if (is_digit(*character)) return refused("forbidden-digit", "the text has a digit");
    constexpr std::u32string_view kForbidden = U"%\u066a\u2030\uff05\ufe6a<>\uff1c\uff1e`[]|\\@\uff20#*=~^$";
    const bool currency = (*character >= 0xa2 && *character <= 0xa5) || (*character >= 0x20a0 && *character <= 0x20cf);
    if (kForbidden.find(*character) != std::u32string_view::npos || currency)
      return refused("forbidden-character", "the text has a percent, currency, markup or address sign");
    if (is_letter(*character)) ++letters;
  }
  if (letters * 2 < characters) return refused("degenerate", "less than half of the text is letters");
  return characters;
}

/// Letters of scripts other than the Latin one: all above it but the general punctuation.
bool has_foreign_letter(std::string_view text) {
  constexpr char32_t kLatinEnd = 0x250;
  for (std::size_t at = 0; at < text.size();) {
    const auto character = next_character(text, at);
    if (!character) return true;
    const bool punctuation = *character >= 0x2000 && *character <= 0x206f;
    if (*character >= kLatinEnd && !punctuation) return true;
  }
  return false;
}

/// The words of the text in lower case, ASCII letters only: "don't" is two.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (small >= 'a' && small <= 'z')
      words.back() += small;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// Takes the placeholders out of the text; refuses braces that are none of the allowed.
Expected<std::string, Refusal> without_placeholders(const Category& category, std::string_view text,
                                                    std::set<std::string>& used) {
  std::string rest;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '}') return refused("placeholder", "a closing brace has no opening one");
    if (c != '{') {
      rest += c;
      ++at;
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) return refused("placeholder", "an opening brace has no closing one");
    const std::string name(text.substr(at + 1, end - at - 1));
    if (std::find(category.allowed.begin(), category.allowed.end(), name) == category.allowed.end())
      return refused("placeholder", fmt::format("the placeholder '{}' is not one of those allowed", harmless(name)));
    if (!used.insert(name).second)
      return refused("placeholder", fmt::format("the placeholder '{}' stands there twice", name));
    rest += ' ';
    at = end + 1;
  }
  return rest;
}

Expected<std::string, Refusal> verify_words(const Category& category, std::string_view rest) {
  const std::vector<std::string> words = words_of(rest);
  for (const std::string& word : words) {
    if (std::find(category.forbidden_words.begin(), category.forbidden_words.end(), word) !=
        category.forbidden_words.end())
      return refused("forbidden-word", fmt::format("the text has the word '{}'", harmless(word)));
    if (word == "http" || word == "https" || word == "www")
      return refused("forbidden-address", "the text has a web address");
  }
  // "shop.example": a dot between two letters is an address, or a sentence that lost its space.
  for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.', dot + 1)) {
    if (dot > 0 && dot + 1 < rest.size() && rest[dot - 1] != ' ' && rest[dot - 1] != '.' && rest[dot + 1] != ' ' &&
        rest[dot + 1] != '.' && rest[dot + 1] != '"')
      return refused("forbidden-address", "the text has a dot inside a word");
  }
  const std::set<std::string> different(words.begin(), words.end());
  if (words.size() < 3 || different.size() * 2 < words.size())
    return refused("degenerate", "the text has fewer than three words, or repeats itself");
  return std::string(rest);
}

}  // namespace

Expected<std::string, Refusal> verify_text(const EnrichmentDefinition& definition, const Category& category,
                                           std::string_view text) {
  std::set<std::string> used;
  const auto rest = without_placeholders(category, text, used);
  if (!rest) return Refused(rest.error());
  const auto scanned = scan_characters(*rest);
  if (!scanned) return Refused(scanned.error());
  if (definition.latin_only && has_foreign_letter(*rest))
    return refused("foreign-script", "the text has a character that is not of the Latin script");
  std::size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xc0U) != 0x80 ? 1 : 0;
  if (characters < definition.min_length || characters > definition.max_length)
    return refused("length", fmt::format("the text has {} characters; {} to {} are asked for", characters,
                                         definition.min_length, definition.max_length));
  for (const std::string& name : category.required) {
    if (!used.contains(name)) return refused("placeholder", fmt::format("the placeholder '{}' is missing", name));
  }
  if (const auto words = verify_words(category, *rest); !words) return Refused(words.error());
  return std::string(text);
}

Expected<Answer, Refusal> verify_answer(const EnrichmentDefinition& definition, const Question& question,
                                        std::string_view written) {
  if (written.size() > kMostAnswerBytes) return refused("too-long", "the answer has more than 64 KiB");
  const auto bare = without_thought(written);
  if (!bare) return Refused(bare.error());
  const auto json = one_object(*bare);
  if (!json) return Refused(json.error());
  const std::vector<std::string> choices = suggestions(definition, question);
  const std::size_t fields = choices.empty() ? 2 : 3;
  if (json->size() != fields || !json->contains("a_id") || !json->contains("c_text") ||
      (!choices.empty() && !json->contains("b_item")))
    return refused("schema", "the fields are not exactly those asked for");
  if ((*json)["a_id"].get<std::string>() != question_id(definition, question))
    return refused("wrong-id", "a_id is not the id that was given");
  Answer answer;
  if (!choices.empty()) {
    answer.suggested_item = (*json)["b_item"].get<std::string>();
    if (std::find(choices.begin(), choices.end(), answer.suggested_item) == choices.end())
      return refused("suggestion", "b_item is not one of those that may be chosen");
  }
  const auto text =
      verify_text(definition, definition.categories[question.category], (*json)["c_text"].get<std::string>());
  if (!text) return Refused(text.error());
  answer.text = *text;
  return answer;
}

std::string embedded_answer(const EnrichmentDefinition& definition, const Question& question) {
  const Category& category = definition.categories[question.category];
  const Digest digest = Sha256::of(question_json(definition, question));
  const auto pick = [&](std::size_t byte, std::size_t choices) {
    return std::to_integer<std::size_t>(digest.bytes[byte]) % choices;
  };
  Json json{{"a_id", question_id(definition, question)}};
  if (const auto choices = suggestions(definition, question); !choices.empty())
    json["b_item"] = category.labels.empty() ? choices[pick(30, choices.size())] : choices.front();
  json["c_text"] = category.texts[pick(31, category.texts.size())];
  return json.dump();
}

std::string render(const Category& category, const Answer& answer, const PlaceholderValues& values) {
  const auto value_of_placeholder = [&](std::string_view name) -> std::string {
    if (name == "discount") return fmt::format("{} %", category.discount_percent);
    if (name == "suggested_item") return answer.suggested_item;
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& one) { return one.first == name; });
    LM_CHECK(value != values.end(), "a verified text has only placeholders of the definition");
    return without_hidden(value->second);
  };
  std::string text;
  for (std::size_t at = 0; at < answer.text.size();) {
    if (answer.text[at] != '{') {
      text += answer.text[at++];
      continue;
    }
    const std::size_t end = answer.text.find('}', at);
    LM_CHECK(end != std::string::npos, "a verified text closes its braces");
    text += value_of_placeholder(std::string_view(answer.text).substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return text;
}

std::string without_hidden(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const auto character = next_character(text, at);
    if (!character) {
      plain += "\xef\xbf\xbd";
      ++at;
    } else if (!is_hidden(*character)) {
      plain += text.substr(begin, at - begin);
    }
  }
  return plain;
}

std::string csv_cell(std::string_view text) {
  constexpr std::string_view kRun = "=+-@\t\r";
  std::string cell;
  if (!text.empty() && kRun.find(text.front()) != std::string_view::npos) cell += '\'';
  cell += text;
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted_cell = "\"";
  for (const char c : cell) {
    if (c == '"') quoted_cell += '"';
    quoted_cell += c;
  }
  return quoted_cell + "\"";
}

}  // namespace ledgermill::enrich
