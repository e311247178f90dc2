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

/// Whether eight more bytes are there, and all of them below 0x80.
bool ascii_ahead(std::string_view text) {
  std::uint64_t word = 0;
  if (text.size() < sizeof word) return false;
  std::memcpy(&word, text.data(), sizeof word);
  return (word & 0x8080808080808080U) == 0;
}

/// Whether the bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      i += ascii_ahead(text.substr(i)) ? 8U : 1U;
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

void read_chunk(const SourceFile& file, const ChunkPlan& chunk, ByteCheck check, std::vector<char>& bytes) {
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
    if (check == ByteCheck::kDigest) verify(Sha256::of(std::as_bytes(std::span(bytes))));
    return;
  }
  std::vector<char> part(std::min<std::uint64_t>(chunk.bytes, 1U << 20));
  Sha256 sha;
  bytes.clear();
  for (std::uint64_t at = 0; at < chunk.bytes; at += part.size()) {
    part.resize(std::min<std::uint64_t>(part.size(), chunk.bytes - at));
    read_exactly_at(file.fd(), chunk.first_byte + at, std::as_writable_bytes(std::span(part)), file.path());
    if (check == ByteCheck::kDigest) sha.update(std::as_bytes(std::span(part)));
    if (at == 0)
      bytes.assign(part.begin(),
                   part.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(part.size(), kKeptOfOversize)));
  }
  if (check == ByteCheck::kDigest) verify(sha.finish());
}

/// What stretches of 64 bytes hold, so that one odd byte in a chunk does not let every record of it be searched.
class OddBytes {
 public:
  OddBytes(const ByteScan& scan, std::string_view bytes, char quote) {
    const ByteCensus all = scan.census(bytes, quote);
    if (!all.has_nul && !all.has_high && !(all.has_wanted && quote != 0)) return;
    stretches_.resize(bytes.size() / kStretch + 1);
    for (std::size_t i = 0; i < stretches_.size(); ++i) {
      stretches_[i] = scan.census(bytes.substr(i * kStretch, kStretch), quote);
      stretches_[i].has_wanted = stretches_[i].has_wanted && quote != 0;
    }
  }

  /// What the stretches that hold these bytes hold.
  ByteCensus around(const Frame& frame) const {
    ByteCensus found;
    if (stretches_.empty()) return found;
    for (std::size_t i = frame.offset / kStretch; i <= (frame.offset + frame.length) / kStretch; ++i) {
      found.has_nul |= stretches_[i].has_nul;
      found.has_high |= stretches_[i].has_high;
      found.has_wanted |= stretches_[i].has_wanted;
    }
    return found;
  }

 private:
  static constexpr std::size_t kStretch = 64;
  std::vector<ByteCensus> stretches_;  // empty: there are no odd bytes at all
};

struct ChunkReader::State {
  const FeedDefinition& definition;
  const Plan& plan;
  ChunkText& text;
  const ByteScan& scan = ByteScan::fastest();
  RecordFramer framer;
  OddBytes odd_bytes;
  std::string_view header;            // without its line end; empty when a repeated one cannot be told
  std::vector<CellDecoder> decoders;  // by cell of a record
  std::vector<std::uint16_t> cell_fields;
  std::optional<PositionalDecoder> positional;  // instead of `decoders`
  std::vector<TextRef> places;                  // of one record's cells
  std::vector<std::span<TextRef>> columns;      // of the block being filled, by cell of a record
  std::vector<std::uint32_t> waiting;           // records of it whose cells are placed, not yet decoded
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
        odd_bytes(scan, the_text.source, the_definition.framing.quote),
        header(without_line_end(the_plan.header)),
        cell_fields(the_plan.cell_fields),
        places(the_plan.cell_fields.size()),
        spans(RecordBlock::kCapacity) {
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
  std::optional<ReasonCode> defect_of(const FramedSpan& span, const ByteCensus& census) const {
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
    ref = decoder.trimmed(text, ref);
    const std::uint16_t field = cell_fields[cell];
    block.texts(field)[i] = ref;
    if (!decoder.decode(text.at(ref), block, i))
      findings.push_back({static_cast<std::uint32_t>(i), {ReasonCode::kTypeError, field, ref}});
  }

  /// Where the cells of a record without quotes stand, up to as many as there are decoders, goes to `places`; returns
  /// the number of its cells.
  std::size_t split_plain(const Frame& frame) {
    const char* const bytes = text.source.data();
    const char delimiter = definition.framing.delimiter;
    const std::uint32_t end = frame.offset + frame.length;
    std::uint32_t begin = frame.offset;
    std::size_t cells = 0;
    const auto cell_ends = [&](std::uint32_t at) {
      if (cells < places.size()) places[cells] = {begin, at - begin};
      ++cells;
      begin = at + 1;
    };
    std::uint32_t at = frame.offset;
    for (; at < end && at + 64 <= text.source.size(); at += 64) {
      std::uint64_t mask = scan.equal_mask64(bytes + at, delimiter);
      if (end - at < 64) mask &= (std::uint64_t{1} << (end - at)) - 1;
      for (; mask != 0; mask &= mask - 1) cell_ends(at + static_cast<std::uint32_t>(std::countr_zero(mask)));
    }
    for (; at < end; ++at) {  // the last few bytes of the chunk
      if (bytes[at] == delimiter) cell_ends(at);
    }
    cell_ends(end);
    if (definition.framing.skip_initial_space) {
      for (TextRef& place : std::span(places).first(std::min(cells, places.size()))) {
        while (place.length > 0 && bytes[place.offset] == ' ') ++place.offset, --place.length;
      }
    }
    return cells;
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

  /// A record without quotes and with a cell for every label waits for its block's other records; any other is decoded
  /// here.
  void take_record(const FramedSpan& span, RecordBlock& block, std::size_t i, Findings& findings) {
    block.frames()[i] = span.frame;
    const ByteCensus census = odd_bytes.around(span.frame);
    if (const auto defect = defect_of(span, census)) return refuse_record(*defect, block, i, findings);
    if (positional) return positional->decode(text, block, i, findings);
    if (census.has_wanted && bytes_of(span.frame).find(definition.framing.quote) != std::string_view::npos)
      return note_number_of_cells(split_quoted(block, i, findings), block, i, findings);
    const std::size_t cells = split_plain(span.frame);
    if (cells == decoders.size()) {
      for (std::size_t cell = 0; cell < cells; ++cell) columns[cell][i] = places[cell];
      waiting.push_back(static_cast<std::uint32_t>(i));
      return;
    }
    for (std::size_t cell = 0; cell < std::min(cells, decoders.size()); ++cell)
      take_cell(cell, places[cell], block, i, findings);
    note_number_of_cells(cells, block, i, findings);
  }

  void note_number_of_cells(std::size_t cells, RecordBlock& block, std::size_t i, Findings& findings) {
    if (cells > decoders.size()) {
      findings.push_back({static_cast<std::uint32_t>(i), {ReasonCode::kExtraCell, kNoField, {}}});
    }
    for (std::size_t cell = cells; cell < decoders.size(); ++cell) {
      findings.push_back({static_cast<std::uint32_t>(i), {ReasonCode::kMissingCell, cell_fields[cell], {}}});
      refuse_cell(cell, block, i);
    }
  }

  /// The records of a block, a column at a time.
  std::size_t fill(RecordBlock& block, Findings& findings) {
    waiting.clear();
    columns.clear();
    for (const std::uint16_t field : cell_fields) columns.push_back(block.texts(field));
    std::size_t records = 0;
    for (FramedSpan span; records < RecordBlock::kCapacity && next_record(span); ++records)
      take_record(span, block, records, findings);
    for (const CellDecoder& decoder : decoders) decoder.decode_column(text, waiting, block, findings);
    return records;
  }
};

ChunkReader::ChunkReader(const FeedDefinition& definition, const Plan& plan, const ChunkPlan& chunk, ChunkText& text)
    : state_(std::make_unique<State>(definition, plan, text)) {
  LM_CHECK(text.source.size() == chunk.bytes, "a chunk is read whole");
}
ChunkReader::~ChunkReader() = default;

bool ChunkReader::next(RecordBlock& block, Findings& findings) {
  const std::size_t records = state_->fill(block, findings);
  block.resize(records);
  return records > 0;
}

const SkippedSpans& ChunkReader::skipped() const { return state_->skipped; }
std::uint64_t ChunkReader::record_bytes() const { return state_->record_bytes; }

}  // namespace ledgermill::feed
