// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ledgermill {

/// A bound as the definition wrote it and as the column holds it: an integer, minor units, or days since 1970-01-01
/// (dates), microseconds since 1970-01-01 UTC (datetimes).
struct Bound {
  std::int64_t value = 0;
  std::string text;
};

/// Frictionless Table Schema's `constraints` of one field.
struct FieldConstraints {
  bool required = false;
  std::optional<std::uint32_t> min_length;  ///< in characters (UTF-8), kString
  std::optional<std::uint32_t> max_length;
  std::optional<Bound> minimum;
  std::optional<Bound> maximum;
  std::optional<std::string> pattern;    ///< RE2, must match the whole cell; kString
  std::vector<std::string> enumeration;  ///< kString
  int definition_line = 0;               ///< where they stand in the feed definition
};

}  // namespace ledgermill
