// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ledgermill::enrich {

/// The character (Unicode scalar value) at `at`, which is moved behind it; nothing at bytes that are no UTF-8 (RFC
/// 3629: overlong forms, surrogates and values above U+10FFFF are none), where `at` stays.
std::optional<char32_t> next_character(std::string_view text, std::size_t& at);

/// Characters that steer or hide: C0 and C1 controls, DEL, soft hyphen, zero-width and bidirectional marks, invisible
/// operators, line and paragraph separators, variation selectors, tags, interlinear marks, the byte-order mark,
/// private use and noncharacters.
bool is_hidden(char32_t character);

/// A decimal digit of some script that people read as a number: ASCII, full-width, Arabic, Indic, superscript and so
/// on.
bool is_digit(char32_t character);

}  // namespace ledgermill::enrich
