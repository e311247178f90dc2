// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ledgermill::job {

/// Turns the bytes of records from a code page of one byte a character (EBCDIC) into ISO 8859-1, or back; the byte
/// ranges in `keep` (binary and packed fields) stay as they are.
struct Translation {
  struct Range {
    std::size_t at = 1;  ///< from 1
    std::size_t length = 1;
  };
  enum class Direction { kFrom, kTo } direction = Direction::kFrom;
  std::string code_page;  ///< as iconv names it: IBM037, IBM1047, IBM273
  std::vector<Range> keep;
  std::array<char, 256> table{};

  std::string applied(std::string_view record) const;
};

/// Failure RC 8 when iconv does not know `code_page`, or one of its bytes is no single character of ISO 8859-1.
std::array<char, 256> translation_table(const std::string& code_page, Translation::Direction direction);

}  // namespace ledgermill::job
