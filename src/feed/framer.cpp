// SPDX-License-Identifier: Apache-2.0
#include "feed/framer.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace ledgermill::feed {

Framer::Framer(std::string_view bytes, const LineFraming& framing, MoreBytes more)
    : bytes_(bytes),
      framing_(framing),
      more_(more),
      scan_(ByteScan::fastest()),
      quoting_(framing.quote != 0 && bytes.find(framing.quote) != std::string_view::npos) {
  LM_CHECK(bytes.size() < TextRef::kRewrittenBit, "a stretch to frame is smaller than 2 GiB");
}

std::size_t Framer::next(std::span<FramedSpan> spans) {
  std::size_t count = 0;
  while (count < spans.size() && position_ < bytes_.size()) {
    if (framing_.comment == 0) {
      count += next_lines(spans.subspan(count));
      if (count > 0 && spans[count - 1].kind == FrameKind::kTooLong) return count;
      if (count == spans.size() || position_ == bytes_.size()) return count;
    }
    FramedSpan& span = spans[count];
    if (frame_at_position(span) == Told::kNeedsMore) break;
    ++count;
    if (span.kind == FrameKind::kTooLong) break;
    position_ = span.end;
  }
  return count;
}

/// The same for lines up to the first that has a quote, 64 bytes at a time; none of them is a comment. Leaves what
/// follows the last whole 64 bytes.
std::size_t Framer::next_lines(std::span<FramedSpan> spans) {
  std::size_t count = 0;
  for (std::size_t at = position_; at + 64 <= bytes_.size(); at += 64) {
    const std::uint64_t quotes = quoting_ ? scan_.equal_mask64(bytes_.data() + at, framing_.quote) : 0;
    const std::uint64_t before_quote = quotes == 0 ? ~std::uint64_t{0} : (quotes & -quotes) - 1;
    for (std::uint64_t mask = scan_.line_end_mask64(bytes_.data() + at) & before_quote; mask != 0; mask &= mask - 1) {
      const std::size_t line_end = at + static_cast<std::size_t>(std::countr_zero(mask));
      if (line_end < position_) continue;  // the LF of a CR LF
      if (count == spans.size()) return count;
      FramedSpan& span = spans[count];
      span.frame.offset = static_cast<std::uint32_t>(position_);
      span.frame.line = line_;
      if (end_line(line_end, FrameKind::kRecord, span) == Told::kNeedsMore) return count;
      ++count;
      if (span.kind == FrameKind::kTooLong) return count;
      position_ = span.end;
    }
    if (quotes != 0) return count;
  }
  return count;
}

Framer::Told Framer::frame_at_position(FramedSpan& span) {
  const std::size_t record = position_;
  span.frame.offset = static_cast<std::uint32_t>(record);
  span.frame.line = line_;
  if (framing_.comment != 0 && bytes_[record] == framing_.comment) {
    return end_line(scan_.line_end(bytes_, record), FrameKind::kComment, span);
  }
  if (!quoting_) return end_line(scan_.line_end(bytes_, record), FrameKind::kRecord, span);
  std::size_t at = record;
  bool quoted = false;
  while (true) {
    at = scan_.any_of(bytes_, at, framing_.quote, '\n', '\r');
    if (at == bytes_.size() || bytes_[at] != framing_.quote) {
      return quoted ? end_quoted(at, span) : end_line(at, FrameKind::kRecord, span);
    }
    if (!opens_field(at, record)) {
      ++at;
      continue;
    }
    quoted = true;
    const std::size_t decisive = decisive_quote(at + 1);
    if (decisive + 1 >= bytes_.size() && more_ == MoreBytes::kFollow) {
      // What follows the quote, or whether there is one at all, stands beyond the bytes given.
      if (bytes_.size() - record < std::size_t{framing_.max_record_bytes} + 2) return Told::kNeedsMore;
      return give_up_quotes(span);
    }
    if (decisive == bytes_.size() || decisive - record >= framing_.max_record_bytes || !closes(decisive)) {
      return give_up_quotes(span);
    }
    if (!framing_.multiline && scan_.line_end(bytes_, at) < decisive) return give_up_quotes(span);
    at = decisive + 1;
  }
}

/// A quote opens a field as the field's first byte (after spaces, where they do not count).
bool Framer::opens_field(std::size_t quote, std::size_t record) const {
  std::size_t before = quote;
  if (framing_.skip_initial_space) {
    while (before > record && bytes_[before - 1] == ' ') --before;
  }
  return before == record || bytes_[before - 1] == framing_.delimiter;
}

/// Offset of the quote that ends a quoted field (well or badly) whose inside is read from `from` on; the number of
/// bytes when there is none.
std::size_t Framer::decisive_quote(std::size_t from) {
  const char escape = framing_.escape == 0 ? framing_.quote : framing_.escape;
  std::size_t at = from;
  while (at < bytes_.size()) {
    if (bytes_[at] == framing_.quote &&
        !(framing_.double_quote && at + 1 < bytes_.size() && bytes_[at + 1] == framing_.quote)) {
      break;
    }
    if (bytes_[at] == framing_.quote || bytes_[at] == escape) {
      at += 2;
      continue;
    }
    at = scan_.any_of(bytes_, at, framing_.quote, escape, escape);
    // Every reading that passed the ordinary byte before `at` stands at `at` too, so an answer found from an earlier
    // start holds from here.
    if (decided_from_ <= at && at <= decided_) return decided_;
  }
  decided_from_ = from + 1;
  decided_ = std::min(at, bytes_.size());
  return decided_;
}

/// Whether the quote stands before a delimiter, a line end or the end of the file.
bool Framer::closes(std::size_t quote) const {
  if (quote + 1 == bytes_.size()) return true;
  const char next = bytes_[quote + 1];
  return next == framing_.delimiter || next == '\n' || next == '\r';
}

/// The span ends at `line_end`, an offset of LF or CR, or of the end of the bytes.
Framer::Told Framer::end_line(std::size_t line_end, FrameKind kind, FramedSpan& span) {
  const std::size_t record = position_;
  if (line_end - record > framing_.max_record_bytes) return too_long(span);
  std::size_t end = line_end;
  if (line_end == bytes_.size()) {
    if (more_ == MoreBytes::kFollow) return Told::kNeedsMore;
  } else if (bytes_[line_end] == '\r') {
    if (line_end + 1 == bytes_.size() && more_ == MoreBytes::kFollow) return Told::kNeedsMore;
    end = line_end + (line_end + 1 < bytes_.size() && bytes_[line_end + 1] == '\n' ? 2 : 1);
  } else {
    end = line_end + 1;
  }
  span.frame.length = static_cast<std::uint32_t>(line_end - record);
  span.end = static_cast<std::uint32_t>(end);
  span.kind = kind == FrameKind::kRecord && line_end == record ? FrameKind::kBlank : kind;
  ++line_;
  return Told::kYes;
}

/// The same for a record with quoted fields, which may hold line ends.
Framer::Told Framer::end_quoted(std::size_t line_end, FramedSpan& span) {
  const std::size_t record = position_;
  if (line_end - record > framing_.max_record_bytes) return give_up_quotes(span);
  if (end_line(line_end, FrameKind::kRecord, span) == Told::kNeedsMore) return Told::kNeedsMore;
  for (std::size_t at = scan_.line_end(bytes_, record); at < line_end; at = scan_.line_end(bytes_, at + 1)) {
    if (bytes_[at] == '\r' && at + 1 < line_end && bytes_[at + 1] == '\n') ++at;
    ++line_;
  }
  return Told::kYes;
}

/// A quote is not closed where it must be: the record ends at the first line end after its start.
Framer::Told Framer::give_up_quotes(FramedSpan& span) {
  return end_line(scan_.line_end(bytes_, position_), FrameKind::kQuoteError, span);
}

Framer::Told Framer::too_long(FramedSpan& span) {
  span.frame.length = static_cast<std::uint32_t>(framing_.max_record_bytes);
  span.end = span.frame.offset;
  span.kind = FrameKind::kTooLong;
  return Told::kYes;
}

}  // namespace ledgermill::feed
