// SPDX-License-Identifier: Apache-2.0
#include "job/code_page.h"

#include <fmt/core.h>
#include <iconv.h>

#include <algorithm>

#include "base/failure.h"

namespace ledgermill::job {

std::string Translation::applied(std::string_view record) const {
  std::string made(record);
  for (char& c : made) c = table[static_cast<unsigned char>(c)];
  for (const Range& range : keep) {
    const std::size_t begin = std::min(range.at - 1, record.size());
    const std::string_view kept = record.substr(begin, range.length);
    std::copy(kept.begin(), kept.end(), made.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  return made;
}

std::array<char, 256> translation_table(const std::string& code_page, Translation::Direction direction) {
  constexpr const char* kHere = "ISO-8859-1";
  const bool from = direction == Translation::Direction::kFrom;
  const iconv_t way = from ? ::iconv_open(kHere, code_page.c_str()) : ::iconv_open(code_page.c_str(), kHere);
  // The descriptor of an unknown name is -1.
  if (reinterpret_cast<std::intptr_t>(way) == -1)
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no code page known here", code_page),
                  "'iconv --list' shows them: IBM037, IBM1047, IBM273 and others");
  std::array<char, 256> table{};
  bool whole = true;
  for (std::size_t byte = 0; byte < table.size(); ++byte) {
    char in = static_cast<char>(byte);
    char* in_at = &in;
    char* out_at = &table[byte];
    std::size_t in_left = 1;
    std::size_t out_left = 1;
    whole = whole && ::iconv(way, &in_at, &in_left, &out_at, &out_left) == 0 && out_left == 0;
  }
  ::iconv_close(way);
  if (!whole)
    throw Failure(ReturnCode::kRefused, fmt::format("not every byte of '{}' is one character of {}", code_page, kHere),
                  "a code page of one byte a character is wanted, without the euro sign: IBM037, IBM1047, IBM273");
  return table;
}

}  // namespace ledgermill::job
