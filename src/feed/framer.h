// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "feed/byte_scan.h"
#include "feed/definition.h"
#include "record/record_block.h"

namespace ledgermill::feed {

enum class FrameKind : std::uint8_t {
  kRecord,
  kQuoteError,  ///< a record that ends at its first line end, because a quote in it is not closed where it must be
  kBlank,       ///< an empty line
  kComment,     ///< a line that begins with the definition's comment character
  kTorn,        ///< fixed framing: the last bytes of the file, fewer than a record has
  kTooLong,     ///< no end within max_record_bytes: the framer goes no further; the caller looks for the next line end
};

struct FramedSpan {
  Frame frame;            ///< offset, length without line end, line from the first byte given
  std::uint32_t end = 0;  ///< offset of the first byte after its line end (kTooLong: not known, its offset)
  FrameKind kind = FrameKind::kRecord;
};

/// Whether more bytes follow those given.
enum class MoreBytes : std::uint8_t { kNone, kFollow };

/// Splits bytes into records and the lines that are none. Knows nothing of fields beyond what quoting needs. Line ends
/// are LF, CR LF and CR, in any mixture. A quote opens a field only as the field's first byte, and must close before a
/// delimiter, a line end or the end of the file within max_record_bytes; otherwise the record ends at the first line
/// end after its start and framing resumes there (docs/formats/reading-csv.md).
///
/// Time is linear in the bytes, whatever they are.
class Framer {
 public:
  /// `bytes` (less than 2 GiB) must outlive the framer and begin at the start of a record.
  Framer(std::string_view bytes, const LineFraming& framing, MoreBytes more);

  /// Fills `spans` with the next spans, in order, without gaps; returns how many. 0: the end, or, when more bytes
  /// follow, a record whose end cannot be told from the bytes given: frame again from `consumed()` with more of them
  /// (max_record_bytes + 2 ahead always suffice).
  std::size_t next(std::span<FramedSpan> spans);

  /// Offset of the first byte that belongs to no span yet.
  std::size_t consumed() const { return position_; }
  /// Physical lines before `consumed()`, from the first byte given.
  std::uint32_t lines() const { return line_; }

 private:
  enum class Told : std::uint8_t { kYes, kNeedsMore };

  std::size_t next_lines(std::span<FramedSpan> spans);
  Told frame_at_position(FramedSpan& span);
  Told end_line(std::size_t line_end, FrameKind kind, FramedSpan& span);
  Told end_quoted(std::size_t line_end, FramedSpan& span);
  Told give_up_quotes(FramedSpan& span);
  Told too_long(FramedSpan& span);
  bool opens_field(std::size_t quote, std::size_t record) const;
  std::size_t decisive_quote(std::size_t from);
  bool closes(std::size_t quote) const;

  std::string_view bytes_;
  LineFraming framing_;
  MoreBytes more_;
  const ByteScan& scan_;
  bool quoting_;  // there is a quote in the bytes at all
  std::size_t position_ = 0;
  std::uint32_t line_ = 0;
  // The last answer of decisive_quote: from any position between these that follows an ordinary byte, it is the same.
  // This is what keeps the time linear when a file is full of quotes that never close.
  std::size_t decided_from_ = 1;
  std::size_t decided_ = 0;
};

}  // namespace ledgermill::feed
