// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"

namespace ledgermill {

/// A piece of text of a chunk, by place and not by pointer, so that it survives staging and moving.
/// `offset` below kRewrittenBit counts from the chunk's first byte; with the bit set, from the first rewritten byte.
struct TextRef {
  static constexpr std::uint32_t kRewrittenBit = 0x8000'0000U;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  bool operator==(const TextRef&) const = default;
};

/// The text of one chunk: its own bytes as they stand in the file, and the few cells that had to be rewritten
/// (doubled quotes, escapes, other code pages). A chunk is smaller than 2 GiB.
struct ChunkText {
  std::string_view source;  ///< the chunk's bytes; owned by whoever made the chunk
  std::string rewritten;

  std::string_view at(TextRef ref) const {
    if ((ref.offset & TextRef::kRewrittenBit) != 0) {
      return std::string_view(rewritten).substr(ref.offset & ~TextRef::kRewrittenBit, ref.length);
    }
    return {source.data() + ref.offset, ref.length};
  }
  /// Where the next rewritten cell will begin; append its bytes to `rewritten`, then set the length.
  TextRef begin_rewritten() const {
    LM_CHECK(rewritten.size() < TextRef::kRewrittenBit, "a chunk's rewritten text fits 2 GiB");
    return {static_cast<std::uint32_t>(rewritten.size()) | TextRef::kRewrittenBit, 0};
  }
};

}  // namespace ledgermill
