// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "feed/definition.h"
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

  /// The same as a refused cell: kInvalid and 0, without looking at any text.
  void invalidate(RecordBlock& block, std::size_t i) const;

  bool trims() const { return field_.trim; }

 private:
  bool is_missing(std::string_view cell) const;
  bool decode_value(std::string_view cell, RecordBlock& block, std::size_t i) const;

  const Field& field_;
  std::size_t index_;
  const std::vector<std::string>& missing_values_;
  bool only_empty_is_missing_;
  bool is_iso_date_;
};

}  // namespace ledgermill::feed
