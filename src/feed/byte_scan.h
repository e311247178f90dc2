// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ledgermill::feed {

/// What a stretch of bytes holds, found in one pass.
struct ByteCensus {
  bool has_nul = false;
  bool has_high = false;    ///< a byte of 0x80 or more
  bool has_wanted = false;  ///< the byte asked for
};

/// Searches bytes for separators, 64 at a time where the processor can. The kinds of processor differ in speed only:
/// a test holds them against each other.
class ByteScan {
 public:
  enum class Kind : std::uint8_t { kPortable, kSse2, kAvx2 };

  /// The fastest kind that this processor has.
  static const ByteScan& fastest();
  /// Nothing when this processor (or this build) does not have the kind.
  static const ByteScan* of(Kind kind);

  /// Offset of the first byte at or after `from` that is LF or CR; `bytes.size()` when there is none.
  std::size_t line_end(std::string_view bytes, std::size_t from) const { return find3_(bytes, from, '\n', '\r', '\r'); }
  /// The same for any of three bytes (repeat one to ask for two).
  std::size_t any_of(std::string_view bytes, std::size_t from, char a, char b, char c) const {
    return find3_(bytes, from, a, b, c);
  }
  /// Bit i is set where byte i of the 64 bytes at `at` (all readable) equals `wanted`.
  std::uint64_t equal_mask64(const char* at, char wanted) const { return mask64_(at, wanted, wanted); }
  /// The same for LF and CR.
  std::uint64_t line_end_mask64(const char* at) const { return mask64_(at, '\n', '\r'); }
  ByteCensus census(std::string_view bytes, char wanted) const { return census_(bytes, wanted); }

 private:
  using Find3 = std::size_t (*)(std::string_view, std::size_t, char, char, char);
  using Mask64 = std::uint64_t (*)(const char*, char, char);
  using Census = ByteCensus (*)(std::string_view, char);
  ByteScan(Find3 find3, Mask64 mask64, Census count) : find3_(find3), mask64_(mask64), census_(count) {}

  Find3 find3_;
  Mask64 mask64_;
  Census census_;
};

}  // namespace ledgermill::feed
