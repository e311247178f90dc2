// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/constraint.h"

namespace ledgermill {

/// Field types: Frictionless Table Schema's names; `decimal(p,s)` for its `number`, which says nothing of exactness.
enum class FieldType : std::uint8_t { kString, kInteger, kDecimal, kDate, kDatetime, kBoolean };

/// "string", "integer", "decimal", "date", "datetime", "boolean"
const char* field_type_name(FieldType type);

/// One field of a record, as the feed definition describes it.
struct Field {
  std::string name;    ///< the label in the file's header, e.g. "Transaction Type"
  std::string column;  ///< the SQL column it is posted to: [a-z_][a-z0-9_]*, at most 63 bytes
  FieldType type = FieldType::kString;
  std::uint8_t precision = 18;  ///< kDecimal: digits in all, 1 to 18
  std::uint8_t scale = 0;       ///< kDecimal: digits after the point, 0 to `precision`
  std::string format;           ///< kDate, kDatetime: strptime directives, e.g. "%Y-%m-%d"
  char decimal_char = '.';      ///< kDecimal
  char group_char = 0;          ///< kInteger, kDecimal: allowed between digits; 0 for none
  bool trim = false;            ///< spaces and tabs around the cell do not count
  bool sensitive = false;       ///< its values stay out of logs and rejects
  std::vector<std::string> true_values{"true", "True", "TRUE", "1"};      ///< kBoolean
  std::vector<std::string> false_values{"false", "False", "FALSE", "0"};  ///< kBoolean
  FieldConstraints constraints;
  int definition_line = 0;  ///< line in the feed definition where the field begins, for messages

  bool is_number() const { return type == FieldType::kInteger || type == FieldType::kDecimal; }
  /// A string field whose values are one of a list: shown to a rule module as the value's place in it.
  bool is_code() const { return type == FieldType::kString && !constraints.enumeration.empty(); }
  /// Money is summed: every decimal field has control totals.
  bool is_summed() const { return type == FieldType::kDecimal; }
};

/// The fields of a record, in the definition's order (a file's header may have another).
struct Layout {
  std::vector<Field> fields;

  /// Index of the field with this label; nothing when there is none.
  std::optional<std::size_t> find(std::string_view name) const;
};

}  // namespace ledgermill
