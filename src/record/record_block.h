// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "record/business_date.h"
#include "record/chunk_text.h"
#include "record/layout.h"

namespace ledgermill {

/// What is known of one cell. One byte, as a rule module sees it (STATE columns of the copybook).
enum class FieldState : std::uint8_t {
  kMissing = 0,  ///< a missing value, and the field is not required
  kValid = 1,    ///< decoded, and it meets the definition's constraints
  kInvalid = 2,  ///< a finding says why; its value in the column is 0
};

/// Where a record stands in its chunk.
struct Frame {
  std::uint32_t offset = 0;  ///< first byte, from the chunk's first
  std::uint32_t length = 0;  ///< in bytes, without the line end (or RDW)
  std::uint32_t line = 0;    ///< physical line where it begins, from the chunk's first line (0)
};

/// How the columns of a layout lie in the memory that a rule module is shown. Both sides of the COBOL linkage are
/// made from this one description (rules/copybook.h prints it).
struct BlockLayout {
  static constexpr std::size_t kCapacity = 4096;  ///< records in a block; every column has so many elements

  struct Column {
    std::size_t states = 0;       ///< byte offset of FieldState[kCapacity]
    std::size_t values = 0;       ///< byte offset of the values; see `value_bytes`
    std::size_t value_bytes = 0;  ///< of one element: 8 integer, decimal, datetime; 4 date; 2 code; 1 boolean;
                                  ///< the text's width for a string shown as text; 0 for one not shown
  };
  std::vector<Column> columns;  ///< in the layout's order
  std::size_t bytes = 0;        ///< of the whole region, a multiple of 8

  /// A string without `enum` is shown as text, padded with spaces to its maxLength, when `with_text`.
  static BlockLayout of(const Layout& layout, bool with_text);
};

/// Some thousands of records decoded together: one typed column a field. The columns lie in one shared anonymous
/// mapping, so that a judge process forked later reads them where they are.
class RecordBlock {
 public:
  static constexpr std::size_t kCapacity = BlockLayout::kCapacity;

  /// `with_text`: string fields are also laid out for a rule module (see BlockLayout::of).
  /// Failure (RC 12) when the memory cannot be had.
  RecordBlock(const Layout& layout, bool with_text);
  RecordBlock(const RecordBlock&) = delete;
  RecordBlock& operator=(const RecordBlock&) = delete;
  ~RecordBlock();

  const Layout& layout() const { return layout_; }
  const BlockLayout& block_layout() const { return block_layout_; }

  /// Records in the block now. Elements beyond hold what earlier blocks left.
  std::size_t size() const { return size_; }
  void resize(std::size_t records);

  std::span<Frame> frames() { return frames_; }
  std::span<const Frame> frames() const { return frames_; }

  /// Columns: always kCapacity elements. The accessor must fit the field's type.
  std::span<FieldState> states(std::size_t field);
  std::span<const FieldState> states(std::size_t field) const;
  std::span<std::int64_t> integers(
      std::size_t field);  ///< kInteger, kDecimal (minor units), kDatetime (µs since 1970 UTC)
  std::span<const std::int64_t> integers(std::size_t field) const;
  std::span<BusinessDate> dates(std::size_t field);  ///< kDate
  std::span<const BusinessDate> dates(std::size_t field) const;
  std::span<std::int8_t> booleans(std::size_t field);  ///< kBoolean: 0, 1
  std::span<const std::int8_t> booleans(std::size_t field) const;
  std::span<std::int16_t> codes(std::size_t field);  ///< kString with enum: 1 + index in the enum, 0 for none
  std::span<const std::int16_t> codes(std::size_t field) const;
  std::span<TextRef> texts(std::size_t field);  ///< every field: the cell as read, unquoted and trimmed
  std::span<const TextRef> texts(std::size_t field) const;

  /// The region that the judge maps read-only: `block_layout().bytes` bytes, page-aligned.
  std::span<std::byte> shared_region() { return {region_, block_layout_.bytes}; }

 private:
  template <class T>
  std::span<T> column(std::size_t field, std::size_t value_bytes) const;

  const Layout& layout_;
  BlockLayout block_layout_;
  std::byte* region_ = nullptr;
  std::vector<std::vector<TextRef>> texts_;
  std::vector<Frame> frames_;
  std::size_t size_ = 0;
};

}  // namespace ledgermill
