// SPDX-License-Identifier: Apache-2.0
#include "dashboard/html.h"

#include "base/check.h"

namespace ledgermill::dashboard {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 sequence at the beginning of `text` (Unicode 15, table 3-7), or 0.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto trails = [&byte](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return trails(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = byte(1) >= (first == 0xE0 ? 0xA0U : 0x80U) && byte(1) <= (first == 0xED ? 0x9FU : 0xBFU);
    return second && trails(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = byte(1) >= (first == 0xF0 ? 0x90U : 0x80U) && byte(1) <= (first == 0xF4 ? 0x8FU : 0xBFU);
    return second && trails(2) && trails(3) ? 4 : 0;
  }
  return 0;
}

/// Characters that turn the direction of text or hide (Unicode TR 36): a name must look like what it is.
bool misleads(std::string_view character) {
  if (character.size() != 3 || character[0] != '\xE2') return false;
  const auto second = static_cast<unsigned char>(character[1]);
  const auto third = static_cast<unsigned char>(character[2]);
  return (second == 0x80 && (third >= 0xAA && third <= 0xAE)) || (second == 0x80 && third >= 0x8B && third <= 0x8F) ||
         (second == 0x81 && third >= 0xA0 && third <= 0xAF);
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    const char c = character[0];
    const bool control = length == 1 && ((c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7F);
    if (length == 0 || control || misleads(character))
      out += kReplacement;
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += character;
  }
}

void Html::begin(Literal element, const Attributes& attributes) {
  out_ += '<';
  out_ += element.text();
  for (const auto& [name, value] : attributes) {
    out_ += ' ';
    out_ += name.text();
    out_ += "=\"";
    append_escaped(out_, value);
    out_ += '"';
  }
}

Html& Html::open(Literal element, const Attributes& attributes) {
  begin(element, attributes);
  out_ += '>';
  open_.push_back(element);
  return *this;
}

Html& Html::close() {
  LM_CHECK(!open_.empty(), "an element is closed once");
  out_ += "</";
  out_ += open_.back().text();
  out_ += '>';
  open_.pop_back();
  return *this;
}

Html& Html::leaf(Literal element, const Attributes& attributes) {
  begin(element, attributes);
  out_ += "/>";
  return *this;
}

Html& Html::text(std::string_view text) {
  append_escaped(out_, text);
  return *this;
}

Html& Html::element(Literal element, std::string_view text, const Attributes& attributes) {
  return open(element, attributes).text(text).close();
}

std::string Html::fragment() && {
  LM_CHECK(open_.empty(), "every element is closed");
  return std::move(out_);
}

std::string Html::document() && { return "<!doctype html>\n" + std::move(*this).fragment(); }

std::string address(Literal path, const Attributes& parameters) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out(path.text());
  char before = '?';
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    out += before;
    before = '&';
    out += name.text();
    out += '=';
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
          c == '_' || c == '~') {
        out += c;
      } else {
        out += '%';
        out += kHex[byte >> 4];
        out += kHex[byte & 15U];
      }
    }
  }
  return out;
}

}  // namespace ledgermill::dashboard
