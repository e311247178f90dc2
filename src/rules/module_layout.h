// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace ledgermill::rules {

/// LM-BLOCK of the copybook: what a call is about, and the module's half of the handshake.
struct BlockControl {
  std::uint32_t first_record = 0;  ///< from 1
  std::uint32_t last_record = 0;
  std::uint32_t layout_seen = 0;  ///< LM-LAYOUT of the copybook that the module was compiled with
  std::uint32_t filler = 0;
};
static_assert(sizeof(BlockControl) == 16);

/// The number of a linkage, made of its text: two linkages that differ have different numbers (but for 1 in 5 * 10^8).
std::uint32_t layout_number(std::string_view linkage);
/// The number that stands in a generated copybook.
std::uint32_t layout_number_of(std::string_view copybook);

}  // namespace ledgermill::rules
