// SPDX-License-Identifier: Apache-2.0
#include "record/record_block.h"

#include <sys/mman.h>

#include "base/check.h"
#include "base/failure.h"

namespace ledgermill {

namespace {
std::size_t shown_bytes(const Field& field, bool with_text) {
  switch (field.type) {
    case FieldType::kInteger:
    case FieldType::kDecimal:
    case FieldType::kDatetime:
      return sizeof(std::int64_t);
    case FieldType::kDate:
      return sizeof(BusinessDate);
    case FieldType::kBoolean:
      return sizeof(std::int8_t);
    case FieldType::kString:
      if (field.is_code()) return sizeof(std::int16_t);
      return with_text ? field.constraints.max_length.value_or(0) : 0;
  }
  return 0;
}
}  // namespace

BlockLayout BlockLayout::of(const Layout& layout, bool with_text) {
  BlockLayout block;
  for (const Field& field : layout.fields) {
    Column column;
    column.states = block.bytes;
    column.values = column.states + kCapacity;
    column.value_bytes = shown_bytes(field, with_text);
    block.bytes = column.values + kCapacity * column.value_bytes;  // kCapacity keeps every column aligned to 8
    block.columns.push_back(column);
  }
  return block;
}

RecordBlock::RecordBlock(const Layout& layout, bool with_text)
    : layout_(layout),
      block_layout_(BlockLayout::of(layout, with_text)),
      texts_(layout.fields.size(), std::vector<TextRef>(kCapacity)),
      frames_(kCapacity) {
  void* memory = ::mmap(nullptr, block_layout_.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Failure(ReturnCode::kUnavailable, "no memory for a block of records: " + errno_text(errno));
  }
  region_ = static_cast<std::byte*>(memory);
}

RecordBlock::~RecordBlock() { ::munmap(region_, block_layout_.bytes); }

void RecordBlock::resize(std::size_t records) {
  LM_CHECK(records <= kCapacity, "a block holds at most kCapacity records");
  size_ = records;
}

template <class T>
std::span<T> RecordBlock::column(std::size_t field, std::size_t value_bytes) const {
  const BlockLayout::Column& column = block_layout_.columns[field];
  LM_CHECK(column.value_bytes == value_bytes, "the accessor fits the field's type");
  return {reinterpret_cast<T*>(region_ + column.values), kCapacity};
}

std::span<FieldState> RecordBlock::states(std::size_t field) {
  return {reinterpret_cast<FieldState*>(region_ + block_layout_.columns[field].states), kCapacity};
}
std::span<const FieldState> RecordBlock::states(std::size_t field) const {
  return {reinterpret_cast<const FieldState*>(region_ + block_layout_.columns[field].states), kCapacity};
}
std::span<std::int64_t> RecordBlock::integers(std::size_t field) { return column<std::int64_t>(field, 8); }
std::span<const std::int64_t> RecordBlock::integers(std::size_t field) const {
  return column<const std::int64_t>(field, 8);
}
std::span<BusinessDate> RecordBlock::dates(std::size_t field) { return column<BusinessDate>(field, 4); }
std::span<const BusinessDate> RecordBlock::dates(std::size_t field) const {
  return column<const BusinessDate>(field, 4);
}
std::span<std::int8_t> RecordBlock::booleans(std::size_t field) { return column<std::int8_t>(field, 1); }
std::span<const std::int8_t> RecordBlock::booleans(std::size_t field) const {
  return column<const std::int8_t>(field, 1);
}
std::span<std::int16_t> RecordBlock::codes(std::size_t field) { return column<std::int16_t>(field, 2); }
std::span<const std::int16_t> RecordBlock::codes(std::size_t field) const {
  return column<const std::int16_t>(field, 2);
}
std::span<TextRef> RecordBlock::texts(std::size_t field) { return texts_[field]; }
std::span<const TextRef> RecordBlock::texts(std::size_t field) const { return texts_[field]; }

}  // namespace ledgermill
