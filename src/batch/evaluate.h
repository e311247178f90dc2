// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ledgermill::batch {

/// How often something held, with Wilson's interval for 95 % (Wilson 1927, JASA 22): right for few cases too.
struct Share {
  std::uint64_t of = 0;
  std::uint64_t held = 0;

  void count(bool it_held) {
    ++of;
    if (it_held) ++held;
  }
  double value() const { return of == 0 ? 0 : static_cast<double>(held) / static_cast<double>(of); }
  double low() const;
  double high() const;
};

/// Agreement of one field of the annotations with the golden set.
struct Agreement {
  Share all;
  std::map<std::string, Share> by_label;                                  ///< by the golden value
  std::map<std::string, std::map<std::string, std::uint64_t>> confusion;  ///< golden value, then the annotation's
};

struct Evaluation {
  std::uint64_t golden = 0;
  std::uint64_t missing = 0;  ///< golden records without an annotation
  std::map<std::string, Agreement> fields;
  std::uint64_t annotations = 0;
  Share fallback;                                ///< answers refused or not had, of the annotations
  std::map<std::string, std::uint64_t> reasons;  ///< of the fallbacks, by code
  Share repaired;
  std::map<std::string, std::uint64_t> models;  ///< "name digest", and how many annotations are from it
  /// Against other annotations of the same records, e.g. of another model: how often a field is the same.
  std::map<std::string, Share> same;
  std::uint64_t only_here = 0;
};

/// Compares annotations with a golden set: JSON Lines whose objects name a record (by `record_number`, or by the first
/// field that the annotations name it by, e.g. OrderID) and the values that it should have. `baseline`: other
/// annotations of the same file. Failure RC 8: a golden line that names no record, a record twice, or a field that no
/// annotation has; RC 12: a file that cannot be read.
Evaluation evaluate(const std::filesystem::path& annotations, const std::filesystem::path& golden,
                    const std::optional<std::filesystem::path>& baseline);

}  // namespace ledgermill::batch
