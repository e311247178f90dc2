// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/amount.h"
#include "record/layout.h"

namespace ledgermill {

/// Control totals of one summed field.
struct FieldSum {
  std::string field;  ///< label
  std::uint8_t scale = 0;
  ExactSum in;                   ///< of all records whose cell could be read
  ExactSum posted;               ///< of the accepted ones
  ExactSum rejected;             ///< of the rejected ones whose cell could be read
  std::uint64_t unreadable = 0;  ///< records (all rejected) whose cell could not be read

  bool operator==(const FieldSum&) const = default;
};

/// Spans of a feed file that are no records, by kind: how many, and how many bytes with their line ends.
struct SkippedSpans {
  struct Kind {
    std::uint64_t spans = 0;
    std::uint64_t bytes = 0;
    bool operator==(const Kind&) const = default;
  };
  Kind byte_order_mark, preamble, header, comment, blank;

  SkippedSpans& operator+=(const SkippedSpans& other);
  std::uint64_t spans() const;
  std::uint64_t bytes() const;
  bool operator==(const SkippedSpans&) const = default;
};

/// What was counted while judging: of a chunk, a batch, or several.
/// Balanced when records = accepted + rejected, every sum's in = posted + rejected, and bytes = record_bytes + skipped.
struct ControlTotals {
  std::uint64_t records = 0;
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t bytes = 0;         ///< of the byte range judged
  std::uint64_t record_bytes = 0;  ///< covered by records, their line ends included
  SkippedSpans skipped;            ///< covered by spans that are no records
  std::vector<FieldSum> sums;      ///< one for each summed field, in the layout's order

  static ControlTotals zero(const Layout& layout);
  /// Both sides must be of one layout.
  ControlTotals& operator+=(const ControlTotals& other);
  /// "" when balanced; otherwise what is out of balance, and by how much.
  std::string imbalance() const;
  bool operator==(const ControlTotals&) const = default;
};

}  // namespace ledgermill
