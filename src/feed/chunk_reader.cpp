// SPDX-License-Identifier: Apache-2.0
#include "feed/chunk_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/failure.h"
#include "feed/byte_scan.h"
#include "feed/cell_decoder.h"
#include "feed/positional_decoder.h"

namespace ledgermill::feed {

namespace {

/// Whether the bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      ++i;
    } else if (lead >= 0xc2 && lead <= 0xdf && tail(i + 1)) {
      i += 2;
    } else if (lead >= 0xe0 && lead <= 0xef && tail(i + 1) && tail(i + 2) && !(lead == 0xe0 && byte(i + 1) < 0xa0) &&
               !(lead == 0xed && byte(i + 1) > 0x9f)) {
      i += 3;
    } else if (lead >= 0xf0 && lead <= 0xf4 && tail(i + 1) && tail(i + 2) && tail(i + 3) &&
               !(lead == 0xf0 && byte(i + 1) < 0x90) && !(lead == 0xf4 && byte(i + 1) > 0x8f)) {
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

std::string_view without_line_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

void read_chunk(const SourceFile& file, const ChunkPlan& chunk, std::vector<char>& bytes) {
  constexpr std::uint64_t kKeptOfOversize = 64U << 10;
  const auto verify = [&](const Digest& found) {
    if (found == chunk.sha256) return;
    throw Failure(
        ReturnCode::kRefused,
        fmt::format("'{}': the bytes from {} to {} are not those that were surveyed", file.path().string(),
                    chunk.first_byte, chunk.first_byte + chunk.bytes),
        "the file was changed after its plan was made; the new bytes are a new batch: run the same command again");
  };
  if (!chunk.oversize) {
    bytes.resize(chunk.bytes);
    read_exactly_at(file.fd(), chunk.first_byte, std::as_writable_bytes(std::span(bytes)), file.path());
    return verify(Sha256::of(std::as_bytes(std::span(bytes))));
  }
  std::vector<char> part(std::min<std::uint64_t>(chunk.bytes, 1U << 20));
  Sha256 sha;
  bytes.clear();
  for (std::uint64_t at = 0; at < chunk.bytes; at += part.size()) {
    part.resize(std::min<std::uint64_t>(part.size(), chunk.bytes - at));
    read_exactly_at(file.fd(), chunk.first_byte + at, std::as_writable_bytes(std::span(part)), file.path());
    sha.update(std::as_bytes(std::span(part)));
    if (at == 0)
      bytes.assign(part.begin(),
                   part.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(part.size(), kKeptOfOversize)));
  }
  verify(sha.finish());
}

struct ChunkReader::State {
  const FeedDefinition& definition;
  const Plan& plan;
  ChunkText& text;
  const ByteScan& scan = ByteScan::fastest();
  RecordFramer framer;
  ByteCensus census;
  std::string_view header;            // without its line end; empty when a repeated one cannot be told
  std::vector<CellDecoder> decoders;  // by cell of a record
  std::vector<std::uint16_t> cell_fields;
  std::optional<PositionalDecoder> positional;  // instead of `decoders`
  std::vector<FramedSpan> spans;
  std::size_t next_span = 0;
  std::size_t span_count = 0;
  SkippedSpans skipped;
  std::uint64_t record_bytes = 0;

  State(const FeedDefinition& the_definition, const Plan& the_plan, ChunkText& the_text)
      : definition(the_definition),
        plan(the_plan),
        text(the_text),
        framer(the_text.source, the_definition, MoreBytes::kNone),
        census(scan.census(the_text.source, the_definition.framing.quote)),
        header(without_line_end(the_plan.header)),
        cell_fields(the_plan.cell_fields),
        spans(RecordBlock::kCapacity) {
    census.has_wanted = census.has_wanted && definition.framing.quote != 0;
    for (const std::uint16_t field : cell_fields) {
      decoders.emplace_back(plan.layout.fields.at(field), field, definition.csv.missing_values);
    }
    if (definition.decoding == Decoding::kPositional)
      positional.emplace(definition.positional, plan.layout, definition.csv.missing_values);
  }

  std::string_view bytes_of(const Frame& frame) const { return text.source.substr(frame.offset, frame.length); }

  /// The next span that is a record; those that are none are counted on the way. False at the end of the chunk.
  bool next_record(FramedSpan& record) {
    while (true) {
      if (next_span == span_count) {
        span_count = framer.next(spans);
        next_span = 0;
        if (span_count == 0) return false;
      }
      const FramedSpan& span = spans[next_span++];
      const std::uint64_t bytes = span.end - span.frame.offset;
      LM_CHECK(span.kind != FrameKind::kTooLong, "an oversize record is a chunk of its own");
      if (span.kind == FrameKind::kComment ||
          (span.kind == FrameKind::kBlank && definition.blank_lines == BlankLines::kSkip)) {
        SkippedSpans::Kind& kind = span.kind == FrameKind::kComment ? skipped.comment : skipped.blank;
        ++kind.spans;
        kind.bytes += bytes;
        continue;
      }
      record_bytes += bytes;
      record = span;
      return true;
    }
  }

  /// Why the record has no cells to speak of; nothing when it has.
  std::optional<ReasonCode> defect_of(const FramedSpan& span) const {
    const std::string_view bytes = bytes_of(span.frame);
    if (span.kind == FrameKind::kBlank) return ReasonCode::kBlankRow;
    if (census.has_nul && bytes.find('\0') != std::string_view::npos) return ReasonCode::kNulByte;
    if (census.has_high && !is_utf8(bytes)) return ReasonCode::kEncodingError;
    if (span.kind == FrameKind::kQuoteError) return ReasonCode::kQuoteError;
    if (span.kind == FrameKind::kTorn && !positional) return ReasonCode::kRecordLength;
    if (!header.empty() && bytes == header) return ReasonCode::kRepeatedHeader;
    return std::nullopt;
  }

  void refuse_record(ReasonCode code, RecordBlock& block, std::size_t i, Findings& findings) {
    findings.push_back({static_cast<std::uint32_t>(i), {code, kNoField, {}}});
    for (std::size_t cell = 0; cell < decoders.size(); ++cell) refuse_cell(cell, block, i);
  }

  void refuse_cell(std::size_t cell, RecordBlock& block, std::size_t i) {
    block.texts(cell_fields[cell])[i] = {block.frames()[i].offset, 0};
    decoders[cell].invalidate(block, i);
  }

  /// Decodes the cell that stands at `ref`; one beyond the labels is not looked at.
  void take_cell(std::size_t cell, TextRef ref, RecordBlock& block, std::size_t i, Findings& findings) {
    if (cell >= decoders.size()) return;
    const CellDecoder& decoder = decoders[cell];
    std::string_view plain = text.at(ref);
    if (decoder.trims()) {
      const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
      while (!plain.empty() && is_space(plain.front())) plain.remove_prefix(1), ++ref.offset;
      while (!plain.empty() && is_space(plain.back())) plain.remove_suffix(1);
      ref.length = static_cast<std::uint32_t>(plain.size());
    }
    const std::uint16_t field = cell_fields[cell];
    block.texts(field)[i] = ref;
    if (!decoder.decode(plain, block, i))
      findings.push_back({static_cast<std::uint32_t>(i), {ReasonCode::kTypeError, field, ref}});
  }

  /// A cell without quotes, from `begin` to `end` (offsets in the chunk).
  void take_plain_cell(std::size_t cell, std::size_t begin, std::size_t end, RecordBlock& block, std::size_t i,
                       Findings& findings) {
    if (definition.framing.skip_initial_space) {
      while (begin < end && text.source[begin] == ' ') ++begin;
    }
    take_cell(cell, {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)}, block, i, findings);
  }

  /// Splits a record without quotes; returns the number of its cells.
  std::size_t split_plain(RecordBlock& block, std::size_t i, Findings& findings) {
    const Frame& frame = block.frames()[i];
    const char delimiter = definition.framing.delimiter;
    const std::size_t end = frame.offset + frame.length;
    std::size_t cell = 0;
    std::size_t cell_begin = frame.offset;
    std::size_t at = frame.offset;
    for (; at < end && at + 64 <= text.source.size(); at += 64) {
      std::uint64_t mask = scan.equal_mask64(text.source.data() + at, delimiter);
      if (end - at < 64) mask &= (std::uint64_t{1} << (end - at)) - 1;
      for (; mask != 0; mask &= mask - 1) {
        const std::size_t found = at + static_cast<std::size_t>(std::countr_zero(mask));
        take_plain_cell(cell++, cell_begin, found, block, i, findings);
        cell_begin = found + 1;
      }
    }
    for (; at < end; ++at) {  // the last few bytes of the chunk
      if (text.source[at] != delimiter) continue;
      take_plain_cell(cell++, cell_begin, at, block, i, findings);
      cell_begin = at + 1;
    }
    take_plain_cell(cell++, cell_begin, end, block, i, findings);
    return cell;
  }

  /// The inside of a quoted cell that begins after the quote at `quote`: its text, and the offset after the closing
  /// quote.
  std::pair<TextRef, std::size_t> read_quoted(std::size_t quote, std::size_t end) {
    const LineFraming& framing = definition.framing;
    std::size_t at = quote + 1;
    std::size_t copied = at;  // up to here the text is in `rewritten`, once something had to be rewritten
    TextRef ref{static_cast<std::uint32_t>(at), 0};
    const auto drop_byte = [&] {  // of an escape, or of the first of two quotes
      if ((ref.offset & TextRef::kRewrittenBit) == 0) ref = text.begin_rewritten();
      text.rewritten.append(text.source, copied, at - copied);
      copied = at + 1;
      at += 2;
    };
    while (at < end) {
      const char c = text.source[at];
      const bool pair =
          c == framing.quote && framing.double_quote && at + 1 < end && text.source[at + 1] == framing.quote;
      if (pair || (framing.escape != 0 && c == framing.escape && c != framing.quote && at + 1 < end))
        drop_byte();
      else if (c == framing.quote)
        break;
      else
        ++at;
    }
    if ((ref.offset & TextRef::kRewrittenBit) == 0) {
      ref.length = static_cast<std::uint32_t>(at - ref.offset);
    } else {
      text.rewritten.append(text.source, copied, at - copied);
      ref.length = static_cast<std::uint32_t>(text.rewritten.size() - (ref.offset & ~TextRef::kRewrittenBit));
    }
    return {ref, at + 1};
  }

  /// Splits a record with quotes, which the framer found well closed; returns the number of its cells.
  std::size_t split_quoted(RecordBlock& block, std::size_t i, Findings& findings) {
    const LineFraming& framing = definition.framing;
    const Frame frame = block.frames()[i];
    const std::size_t end = frame.offset + frame.length;
    std::size_t cell = 0;
    for (std::size_t at = frame.offset;; ++at) {
      if (framing.skip_initial_space) {
        while (at < end && text.source[at] == ' ') ++at;
      }
      if (at < end && text.source[at] == framing.quote) {
        const auto [ref, after] = read_quoted(at, end);
        take_cell(cell++, ref, block, i, findings);
        at = after;
      } else {
        const std::size_t found = std::min(text.source.substr(0, end).find(framing.delimiter, at), end);
        take_cell(cell++, {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(found - at)}, block, i, findings);
        at = found;
      }
      if (at >= end) return cell;
    }
  }

  void decode_record(const FramedSpan& span, RecordBlock& block, std::size_t i, Findings& findings) {
    block.frames()[i] = span.frame;
    if (const auto defect = defect_of(span)) return refuse_record(*defect, block, i, findings);
    if (positional) return positional->decode(text, block, i, findings);
    const bool quoted =
        census.has_wanted && bytes_of(span.frame).find(definition.framing.quote) != std::string_view::npos;
    const std::size_t cells = quoted ? split_quoted(block, i, findings) : split_plain(block, i, findings);
    if (cells > decoders.size()) {
      findings.push_back({static_cast<std::uint32_t>(i), {ReasonCode::kExtraCell, kNoField, {}}});
    }
    for (std::size_t cell = cells; cell < decoders.size(); ++cell) {
      findings.push_back({static_cast<std::uint32_t>(i), {ReasonCode::kMissingCell, cell_fields[cell], {}}});
      refuse_cell(cell, block, i);
    }
  }
};

ChunkReader::ChunkReader(const FeedDefinition& definition, const Plan& plan, const ChunkPlan& chunk, ChunkText& text)
    : state_(std::make_unique<State>(definition, plan, text)) {
  LM_CHECK(text.source.size() == chunk.bytes, "a chunk is read whole");
}
ChunkReader::~ChunkReader() = default;

bool ChunkReader::next(RecordBlock& block, Findings& findings) {
  std::size_t records = 0;
  for (FramedSpan span; records < RecordBlock::kCapacity && state_->next_record(span); ++records) {
    state_->decode_record(span, block, records, findings);
  }
  block.resize(records);
  return records > 0;
}

const SkippedSpans& ChunkReader::skipped() const { return state_->skipped; }
std::uint64_t ChunkReader::record_bytes() const { return state_->record_bytes; }

}  // namespace ledgermill::feed
