// SPDX-License-Identifier: Apache-2.0
#include "feed/framer.h"

#include <gtest/gtest.h>

#include <random>

namespace ledgermill::feed {
namespace {

struct Piece {
  std::string text;
  FrameKind kind;
  std::uint32_t line;
  bool operator==(const Piece&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Piece& piece) {
  return out << "{'" << piece.text << "' kind " << static_cast<int>(piece.kind) << " line " << piece.line << "}";
}

/// Frames bytes given whole; after a record too long, goes on behind the next line end as the survey does.
std::vector<Piece> framed(std::string_view bytes, const LineFraming& framing) {
  std::vector<Piece> pieces;
  std::size_t base = 0;
  std::uint32_t line = 0;
  while (base < bytes.size()) {
    Framer framer(bytes.substr(base), framing, MoreBytes::kNone);
    std::array<FramedSpan, 3> spans;
    bool too_long = false;
    while (const std::size_t count = framer.next(spans)) {
      for (std::size_t i = 0; i < count; ++i) {
        const FramedSpan& span = spans[i];
        too_long = span.kind == FrameKind::kTooLong;
        pieces.push_back({std::string(bytes.substr(base + span.frame.offset, span.frame.length)), span.kind,
                          line + span.frame.line});
      }
      if (too_long) break;
    }
    base += framer.consumed();
    line += framer.lines();
    if (!too_long) break;
    std::size_t end = bytes.find_first_of("\r\n", base);
    if (end == std::string_view::npos) break;
    end += bytes.substr(end, 2) == "\r\n" ? 2U : 1U;
    base = end;
    ++line;
  }
  return pieces;
}

/// The rules of docs/formats/reading-csv.md, byte by byte and without any cleverness.
std::vector<Piece> framed_naively(std::string_view bytes, const LineFraming& f) {
  std::vector<Piece> pieces;
  const auto line_end_at = [&](std::size_t i) { return bytes[i] == '\n' || bytes[i] == '\r'; };
  const auto first_line_end = [&](std::size_t from) {
    while (from < bytes.size() && !line_end_at(from)) ++from;
    return from;
  };
  const auto after = [&](std::size_t end) {
    return end == bytes.size() ? end : end + (bytes.substr(end, 2) == "\r\n" ? 2U : 1U);
  };
  std::uint32_t line = 0;
  for (std::size_t record = 0; record < bytes.size();) {
    std::size_t end = record;
    FrameKind kind = FrameKind::kRecord;
    if (f.comment != 0 && bytes[record] == f.comment) {
      kind = FrameKind::kComment;
      end = first_line_end(record);
    } else {
      bool broken = false;
      std::size_t at = record;
      while (!broken) {  // one field after another
        std::size_t begin = at;
        while (f.skip_initial_space && begin < bytes.size() && bytes[begin] == ' ') ++begin;
        if (f.quote != 0 && begin < bytes.size() && bytes[begin] == f.quote) {
          std::size_t q = begin + 1;
          while (q < bytes.size()) {
            if (bytes[q] == f.quote && f.double_quote && q + 1 < bytes.size() && bytes[q + 1] == f.quote)
              q += 2;
            else if (bytes[q] == f.quote)
              break;
            else if (f.escape != 0 && bytes[q] == f.escape)
              q += 2;
            else
              ++q;
          }
          const bool closed =
              q < bytes.size() && (q + 1 == bytes.size() || bytes[q + 1] == f.delimiter || line_end_at(q + 1));
          if (!closed || q - record >= f.max_record_bytes || (!f.multiline && first_line_end(begin) < q)) {
            broken = true;
            break;
          }
          at = q + 1;
        } else {
          while (at < bytes.size() && bytes[at] != f.delimiter && !line_end_at(at)) ++at;
        }
        if (at == bytes.size() || line_end_at(at)) break;
        ++at;  // the delimiter
      }
      end = at;
      if (!broken && end - record > f.max_record_bytes && first_line_end(record) < end) broken = true;
      if (broken) {
        kind = FrameKind::kQuoteError;
        end = first_line_end(record);
      }
      if (end == record) kind = FrameKind::kBlank;
    }
    std::uint32_t lines = 1;
    for (std::size_t i = record; i < end; ++i) {
      if (line_end_at(i) && !(bytes[i] == '\n' && i > record && bytes[i - 1] == '\r')) ++lines;
    }
    if (end - record > f.max_record_bytes) {
      pieces.push_back({std::string(bytes.substr(record, f.max_record_bytes)), FrameKind::kTooLong, line});
      end = first_line_end(record);
      lines = 1;
    } else {
      pieces.push_back({std::string(bytes.substr(record, end - record)), kind, line});
    }
    line += lines;
    record = after(end);
  }
  return pieces;
}

std::vector<std::string> texts(std::string_view bytes, const LineFraming& framing = {}) {
  std::vector<std::string> all;
  for (const Piece& piece : framed(bytes, framing))
    all.push_back((piece.kind == FrameKind::kQuoteError ? "!"
                   : piece.kind == FrameKind::kBlank    ? "-"
                                                        : "") +
                  piece.text);
  return all;
}
using Texts = std::vector<std::string>;

TEST(Framer, EndsRecordsAtEveryKindOfLineEnd) { EXPECT_EQ(texts("a\nb\r\nc\rd"), (Texts{"a", "b", "c", "d"})); }
TEST(Framer, NewlineInsideQuotesBelongsToTheRecord) {
  EXPECT_EQ(texts("a,\"x\ny\",1\nb\n"), (Texts{"a,\"x\ny\",1", "b"}));
}
TEST(Framer, DoubledQuoteDoesNotClose) { EXPECT_EQ(texts("\"x\"\"\ny\"\nb\n"), (Texts{"\"x\"\"\ny\"", "b"})); }
TEST(Framer, QuoteInMidFieldIsText) { EXPECT_EQ(texts("5\" disk,1\nb\n"), (Texts{"5\" disk,1", "b"})); }
TEST(Framer, TextBehindAClosingQuoteCostsOneRecord) { EXPECT_EQ(texts("\"x\"y,1\nb\n"), (Texts{"!\"x\"y,1", "b"})); }
TEST(Framer, QuoteNeverClosedCostsOneRecord) { EXPECT_EQ(texts("a\n\"x,1\nb\nc"), (Texts{"a", "!\"x,1", "b", "c"})); }
TEST(Framer, QuoteNeverClosedBeforeAQuotedCellCostsOneRecord) {
  EXPECT_EQ(texts("\"x,1\n\"b\",2\n"), (Texts{"!\"x,1", "\"b\",2"}));
}
TEST(Framer, EmptyLineIsBlank) { EXPECT_EQ(texts("a\n\n\r\nb"), (Texts{"a", "-", "-", "b"})); }
TEST(Framer, WithoutMultilineALineEndEndsTheRecord) {
  LineFraming framing;
  framing.multiline = false;
  EXPECT_EQ(texts("\"x\ny\"\nb\n", framing), (Texts{"!\"x", "y\"", "b"}));
}
TEST(Framer, RecordOfExactlyTheLimitIsARecordAndOneMoreByteIsNot) {
  LineFraming framing;
  framing.max_record_bytes = 64;
  EXPECT_EQ(framed(std::string(64, 'x') + "\nb", framing)[0].kind, FrameKind::kRecord);
  const auto longer = framed(std::string(65, 'x') + "\nb", framing);
  EXPECT_EQ(longer[0].kind, FrameKind::kTooLong);
  EXPECT_EQ(longer[1], (Piece{"b", FrameKind::kRecord, 1}));
}
TEST(Framer, CountsLinesInsideQuotes) {
  const auto pieces = framed("\"a\r\nb\nc\rd\",1\nnext", {});
  EXPECT_EQ(pieces[1].line, 4U);
}

/// Bytes drawn from few characters, so that quotes, escapes and line ends meet in every way.
std::string hostile_bytes(std::mt19937_64& random, std::size_t most) {
  static constexpr std::string_view kAlphabet = "\"\"\"\n\n\r,,\\ #ab";
  std::string bytes(random() % most, ' ');
  for (char& c : bytes) c = kAlphabet[random() % kAlphabet.size()];
  return bytes;
}

LineFraming any_framing(std::mt19937_64& random) {
  LineFraming framing;
  framing.escape = random() % 3 == 0 ? '\\' : '\0';
  framing.double_quote = random() % 4 != 0;
  framing.quote = random() % 8 == 0 ? '\0' : '"';
  framing.comment = random() % 4 == 0 ? '#' : '\0';
  framing.skip_initial_space = random() % 4 == 0;
  framing.multiline = random() % 4 != 0;
  framing.max_record_bytes = random() % 3 == 0 ? 64 + static_cast<std::uint32_t>(random() % 40) : 1U << 20;
  return framing;
}

TEST(Framer, AgreesWithTheRulesReadByteByByte) {
  constexpr std::uint64_t kSeed = 20250330;
  for (std::uint64_t round = 0; round < 60'000; ++round) {
    std::mt19937_64 random(kSeed + round);
    const LineFraming framing = any_framing(random);
    const std::string bytes = hostile_bytes(random, round % 10 == 0 ? 600 : 60);
    ASSERT_EQ(framed(bytes, framing), framed_naively(bytes, framing))
        << "round " << round << ", escape " << int(framing.escape) << ", doubled " << framing.double_quote
        << ", multiline " << framing.multiline << ", spaces " << framing.skip_initial_space << ", most "
        << framing.max_record_bytes << ", bytes:\n"
        << bytes;
  }
}

/// Bytes given piece by piece, as the survey reads a file.
std::vector<Piece> framed_in_pieces(std::string_view bytes, const LineFraming& framing, std::mt19937_64& random) {
  std::vector<Piece> pieces;
  std::size_t base = 0;
  std::size_t known = 0;
  std::uint32_t line = 0;
  while (true) {
    known = std::min(bytes.size(), known + 1 + random() % 40);
    const MoreBytes more = known < bytes.size() ? MoreBytes::kFollow : MoreBytes::kNone;
    Framer framer(bytes.substr(base, known - base), framing, more);
    std::array<FramedSpan, 2> spans;
    while (const std::size_t count = framer.next(spans)) {
      for (std::size_t i = 0; i < count; ++i) {
        pieces.push_back({std::string(bytes.substr(base + spans[i].frame.offset, spans[i].frame.length)), spans[i].kind,
                          line + spans[i].frame.line});
      }
    }
    base += framer.consumed();
    line += framer.lines();
    if (more == MoreBytes::kNone) return pieces;
  }
}

TEST(Framer, GivesTheSameWhereverTheBytesAreCut) {
  for (std::uint64_t round = 0; round < 20'000; ++round) {
    std::mt19937_64 random(round);
    LineFraming framing = any_framing(random);
    framing.max_record_bytes = 1U << 20;
    const std::string bytes = hostile_bytes(random, 200);
    const auto whole = framed(bytes, framing);
    ASSERT_EQ(framed_in_pieces(bytes, framing, random), whole) << "round " << round << ", bytes:\n" << bytes;
  }
}

TEST(ByteScan, EveryKindOfProcessorFindsTheSame) {
  const ByteScan* const portable = ByteScan::of(ByteScan::Kind::kPortable);
  ASSERT_NE(portable, nullptr);
  std::mt19937_64 random(1);
  for (const ByteScan::Kind kind : {ByteScan::Kind::kSse2, ByteScan::Kind::kAvx2}) {
    const ByteScan* const scan = ByteScan::of(kind);
    if (scan == nullptr) continue;
    for (int round = 0; round < 20'000; ++round) {
      std::string bytes = hostile_bytes(random, 300);
      if (random() % 4 == 0 && !bytes.empty())
        bytes[random() % bytes.size()] = static_cast<char>(random() % 2 == 0 ? 0 : 0xe9);
      const std::size_t from = bytes.empty() ? 0 : random() % bytes.size();
      ASSERT_EQ(scan->any_of(bytes, from, '"', '\\', ','), portable->any_of(bytes, from, '"', '\\', ','));
      ASSERT_EQ(scan->line_end(bytes, from), portable->line_end(bytes, from));
      const ByteCensus ours = scan->census(bytes, '"');
      const ByteCensus theirs = portable->census(bytes, '"');
      ASSERT_TRUE(ours.has_nul == theirs.has_nul && ours.has_high == theirs.has_high &&
                  ours.has_wanted == theirs.has_wanted);
      bytes.resize(64, ',');
      ASSERT_EQ(scan->equal_mask64(bytes.data(), ','), portable->equal_mask64(bytes.data(), ','));
      ASSERT_EQ(scan->line_end_mask64(bytes.data()), portable->line_end_mask64(bytes.data()));
    }
  }
}

}  // namespace
}  // namespace ledgermill::feed
