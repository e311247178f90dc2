// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "feed/cell_decoder.h"
#include "feed/positional_layout.h"
#include "record/chunk_text.h"
#include "record/layout.h"
#include "record/reason.h"
#include "record/record_block.h"

namespace ledgermill::feed {

/// Decodes records whose fields stand at fixed places into a block.
class PositionalDecoder {
 public:
  /// All references must outlive the decoder. `missing_values` as for CellDecoder.
  PositionalDecoder(const PositionalLayout& positional, const Layout& layout,
                    const std::vector<std::string>& missing_values);

  /// Decodes record `i`, whose frame is set and whose bytes are UTF-8 without NUL, and appends all that is wrong with
  /// it: a length that is not the layout's, literals that do not stand at their places, fields that the record ends
  /// before or within, cells that are not of their type or cut a character in two. What can be read is read in spite of
  /// the rest.
  void decode(const ChunkText& text, RecordBlock& block, std::size_t i, Findings& findings) const;

 private:
  void check_literals(std::string_view record, std::uint32_t offset, std::uint32_t i, Findings& findings) const;
  void decode_field(std::size_t field, std::string_view record, RecordBlock& block, std::uint32_t i,
                    Findings& findings) const;

  const PositionalLayout& positional_;
  std::vector<CellDecoder> decoders_;          // by field
  std::vector<bool> is_number_;                // by field
  std::vector<std::uint16_t> literal_fields_;  // by literal: the field that a reason about it names
};

}  // namespace ledgermill::feed
