// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "feed/definition.h"
#include "record/reason.h"
#include "record/record_block.h"

namespace ledgermill::feed {

/// Decodes the cells of one field into its column. Cells are given as plain text: unquoted, trimmed where the field
/// says so.
class CellDecoder {
 public:
  /// Both references must outlive the decoder.
  CellDecoder(const Field& field, std::size_t index, const std::vector<std::string>& missing_values);

  /// Writes value and state of record `i`. False when the cell does not have the field's type: the state is then
  /// kInvalid and the value 0.
  [[nodiscard]] bool decode(std::string_view cell, RecordBlock& block, std::size_t i) const;

  /// The same for the cells of `records` (of the block, ascending), which stand where `block.texts` of the field says;
  /// all of them in `text.source`. Those that are trimmed are written back. A finding is appended for every cell that
  /// is not of the type. One field after the other for many records costs a third of one record after the other: the
  /// type is asked once.
  void decode_column(const ChunkText& text, std::span<const std::uint32_t> records, RecordBlock& block,
                     Findings& findings) const;

  /// The same as a refused cell: kInvalid and 0, without looking at any text.
  void invalidate(RecordBlock& block, std::size_t i) const;

  /// The cell without the spaces and tabs around it, where the field says that they do not count.
  TextRef trimmed(const ChunkText& text, TextRef cell) const;

 private:
  bool is_missing(std::string_view cell) const {
    return only_empty_is_missing_ ? cell.empty() : is_among_missing_values(cell);
  }
  bool is_among_missing_values(std::string_view cell) const;
  template <class Decode>
  void decode_each(const ChunkText& text, std::span<const std::uint32_t> records, RecordBlock& block,
                   Findings& findings, Decode decode) const;
  bool decode_value(std::string_view cell, RecordBlock& block, std::size_t i) const;

  const Field& field_;
  std::size_t index_;
  const std::vector<std::string>& missing_values_;
  bool only_empty_is_missing_;
  bool is_iso_date_;
};

}  // namespace ledgermill::feed
