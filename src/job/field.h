// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ledgermill::job {

/// How a utility finds records: lines, or bytes of one length.
struct RecordForm {
  std::size_t fixed_length = 0;  ///< 0: lines
};

/// How the bytes of a field are compared.
enum class FieldKind : std::uint8_t {
  kText,    ///< as bytes, padded with spaces
  kNumber,  ///< signed decimal text, "-12.50"
  kZoned,   ///< DISPLAY digits; sign in the last: 'p' to 'y' or '}', 'J' to 'R' negative, '{', 'A' to 'I' positive
  kPacked,  ///< COMP-3
  kBinary,  ///< COMP: big-endian two's complement, 1 to 8 bytes
};
std::optional<FieldKind> field_kind_from_name(std::string_view name);

/// Bytes of a record. A record that ends earlier is taken as continued by spaces.
struct Field {
  std::size_t at = 1;  ///< from 1
  std::size_t length = 1;
  FieldKind kind = FieldKind::kText;
};

/// Bytes that compare, as bytes, as the field's values compare. Failure (RC 8) on a number that is none.
std::string comparable(const Field& field, std::string_view record);
/// The same for a literal of a condition; Failure (RC 8) where it is none of the field's kind.
std::string comparable_literal(const Field& field, std::string_view literal);

struct SortKey {
  Field field;
  bool descending = false;
};

enum class Comparison : std::uint8_t { kEqual, kNotEqual, kLess, kAtMost, kGreater, kAtLeast };

/// A field compared with a literal, or all or any of several conditions.
struct FieldCondition {
  struct Test {
    Field field;
    Comparison comparison = Comparison::kEqual;
    std::string value;  ///< made comparable
  };
  enum class Join : std::uint8_t { kAll, kAny };
  Join join = Join::kAll;
  std::vector<std::variant<Test, FieldCondition>> parts;

  bool holds(std::string_view record) const;
};

/// A piece of the record that a utility writes: bytes of the record read, or fixed text.
struct OutputPart {
  std::variant<Field, std::string> part;
};
std::string rebuilt(const std::vector<OutputPart>& parts, std::string_view record);

}  // namespace ledgermill::job
