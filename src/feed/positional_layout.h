// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ledgermill::feed {

/// How a value that is shorter than its place is filled up.
enum class Padding : std::uint8_t {
  kNone,    ///< it is not: every byte of the place is the cell's
  kSpaces,  ///< text: spaces behind it (COBOL's PIC X); number: spaces before it. They are no part of the cell
  kZeros,   ///< numbers only: zeros before it, so every byte is a digit (COBOL's PIC 9); all spaces is a missing value
};

/// Where a field stands in a record.
struct FieldPlace {
  std::uint32_t offset = 0;  ///< in bytes, from the record's first (`at` counts from 1)
  std::uint32_t length = 0;  ///< in bytes, at least 1
  Padding padding = Padding::kNone;
};

/// Bytes that must stand at a place, e.g. a comma between two fields.
struct Literal {
  std::uint32_t offset = 0;
  std::string text;
};

/// How a record splits into cells by position: no delimiter is looked for, so a comma inside a padded text is text.
/// Bytes of the record that belong to no field and no literal may be anything.
struct PositionalLayout {
  std::vector<FieldPlace> fields;  ///< one for each field of the layout, in its order; no two overlap
  std::vector<Literal> literals;   ///< by offset; they overlap nothing
  std::uint32_t record_bytes = 0;  ///< what a record must have
};

}  // namespace ledgermill::feed
