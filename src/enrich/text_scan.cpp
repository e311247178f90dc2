// SPDX-License-Identifier: Apache-2.0
#include "enrich/text_scan.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace ledgermill::enrich {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15: general categories Cc, Cf, Zl, Zp, Co, Cn (noncharacters) and the variation selectors.
constexpr std::array kHidden{
    Range{0x0000, 0x001f},   Range{0x007f, 0x009f},   Range{0x00ad, 0x00ad},   Range{0x034f, 0x034f},
    Range{0x0600, 0x0605},   Range{0x061c, 0x061c},   Range{0x06dd, 0x06dd},   Range{0x070f, 0x070f},
    Range{0x115f, 0x1160},   Range{0x17b4, 0x17b5},   Range{0x180b, 0x180f},   Range{0x200b, 0x200f},
    Range{0x2028, 0x202e},   Range{0x2060, 0x206f},   Range{0x3164, 0x3164},   Range{0xe000, 0xf8ff},
    Range{0xfdd0, 0xfdef},   Range{0xfe00, 0xfe0f},   Range{0xfeff, 0xfeff},   Range{0xffa0, 0xffa0},
    Range{0xfff0, 0xfffb},   Range{0xfffe, 0xffff},   Range{0x1bca0, 0x1bca3}, Range{0x1d173, 0x1d17a},
    Range{0xe0000, 0xe0fff}, Range{0xf0000, 0x10ffff}};

// Unicode 15: general categories Nd and No, blocks of the scripts in use.
constexpr std::array kDigits{
    Range{0x0030, 0x0039},  Range{0x00b2, 0x00b3}, Range{0x00b9, 0x00b9},   Range{0x00bc, 0x00be},
    Range{0x0660, 0x0669},  Range{0x06f0, 0x06f9}, Range{0x07c0, 0x07c9},   Range{0x0966, 0x096f},
    Range{0x09e6, 0x09ef},  Range{0x0a66, 0x0a6f}, Range{0x0ae6, 0x0aef},   Range{0x0b66, 0x0b6f},
    Range{0x0be6, 0x0bf2},  Range{0x0c66, 0x0c6f}, Range{0x0ce6, 0x0cef},   Range{0x0d66, 0x0d6f},
    Range{0x0e50, 0x0e59},  Range{0x0ed0, 0x0ed9}, Range{0x0f20, 0x0f33},   Range{0x1040, 0x1049},
    Range{0x1369, 0x137c},  Range{0x17e0, 0x17e9}, Range{0x1810, 0x1819},   Range{0x2070, 0x2079},
    Range{0x2080, 0x2089},  Range{0x2150, 0x218b}, Range{0x2460, 0x249b},   Range{0x24ea, 0x24ff},
    Range{0x2776, 0x2793},  Range{0x3007, 0x3007}, Range{0x3021, 0x3029},   Range{0x3220, 0x3229},
    Range{0x3280, 0x3289},  Range{0xff10, 0xff19}, Range{0x1d7ce, 0x1d7ff}, Range{0x1f100, 0x1f10c},
    Range{0x1fbf0, 0x1fbf9}};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, char32_t character) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), character,
                                      [](char32_t value, const Range& range) { return value < range.first; });
  return after != ranges.begin() && character <= std::prev(after)->last;
}

}  // namespace

std::optional<char32_t> next_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > text.size()) return std::nullopt;
  auto value = static_cast<char32_t>(lead & (0xffU >> (length + 1)));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0U) != 0x80) return std::nullopt;
    value = value << 6 | (byte(at + i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) return std::nullopt;
  at += length;
  return value;
}

bool is_hidden(char32_t character) { return in(kHidden, character); }
bool is_digit(char32_t character) { return in(kDigits, character); }

}  // namespace ledgermill::enrich
