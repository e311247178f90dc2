// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/layout.h"
#include "triage/reject_groups.h"

namespace ledgermill::triage {

/// How the records of a feed are written, as far as fixes need it.
struct RecordForm {
  bool cells = false;  ///< false: positional; only fixes of whole records are tried
  char delimiter = ',';
  char quote = '"';                ///< 0: none
  bool header = false;             ///< the first line holds labels
  std::uint32_t record_bytes = 0;  ///< 0: free
  const Layout* layout = nullptr;  ///< outlives the form
};

using Cells = std::vector<std::string>;

/// The cells of a record (RFC 4180); nothing where a quote is not as it must be, or a line end stands in it.
std::optional<Cells> split(std::string_view record, char delimiter, char quote);
/// The record of these cells, quoted where they must be.
std::string join(const Cells& cells, const RecordForm& form);
/// Field of each cell, by the header's labels, or in the layout's order where there is no header.
std::vector<std::optional<std::size_t>> fields_of(const RecordForm& form, std::string_view header);

/// A change of a record that a cause would explain.
struct Fix {
  std::string cause;  ///< docs/formats/triage.md
  std::string text;   ///< what it does, for people
  /// Values stay what the sender meant, if the cause is right; false: it guesses, drops or changes a value, and is
  /// never offered as safe.
  bool keeps_values = true;
  int order = 0;  ///< the smaller first, where two fixes pass as often
  enum class Stage : std::uint8_t { kStructure, kDate, kValue } stage{};
  /// The changed record, or nothing where the fix does not apply.
  std::function<std::optional<std::string>(const Sample&)> apply;
};

/// All fixes that are tried on the rejects of a group.
std::vector<Fix> fixes_for(const Group& group, const RecordForm& form);

/// First one, then the other. Only of different stages.
Fix combined(const Fix& first, const Fix& second);

}  // namespace ledgermill::triage
