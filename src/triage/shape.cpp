// SPDX-License-Identifier: Apache-2.0
#include "triage/shape.h"

namespace ledgermill::triage {

namespace {

constexpr std::size_t kMostBytes = 80;

char class_of(char c) {
  if (c >= '0' && c <= '9') return '9';
  if (c >= 'A' && c <= 'Z') return 'A';
  if (c >= 'a' && c <= 'z') return 'a';
  if (static_cast<unsigned char>(c) >= 0x80) return 'u';
  if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return '?';
  return c;
}

bool is_letter(char c) { return c == 'A' || c == 'a'; }

}  // namespace

std::string shape_of(std::string_view value, ShapeDetail detail) {
  std::string shape;
  for (std::size_t i = 0; i < value.size() && shape.size() < kMostBytes; ++i) {
    const char c = class_of(value[i]);
    if (detail == ShapeDetail::kRuns && !shape.empty()) {
      const bool same_class = c == shape.back() && (c == '9' || is_letter(c) || c == 'u');
      const bool same_text = shape.back() == 'a' && is_letter(c);  // the next word of one text
      const bool between_words =
          c == ' ' && is_letter(shape.back()) && i + 1 < value.size() && is_letter(class_of(value[i + 1]));
      if (same_class || same_text || between_words) continue;
    }
    shape += c;
  }
  return shape;
}

}  // namespace ledgermill::triage
