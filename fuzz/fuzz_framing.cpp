// SPDX-License-Identifier: Apache-2.0
// Framing: spans cover the bytes without gap or overlap, and are the same wherever the bytes are cut.
#include <array>
#include <cstddef>
#include <vector>

#include "base/check.h"
#include "feed/framer.h"

using namespace ledgermill;
using namespace ledgermill::feed;

namespace {

struct Span {
  std::size_t begin, end;
  FrameKind kind;
  std::uint32_t line;
  bool operator==(const Span&) const = default;
};

void frame(std::string_view bytes, std::size_t base, std::uint32_t line, const LineFraming& framing, MoreBytes more,
           std::vector<Span>& spans, std::size_t& consumed, std::uint32_t& lines) {
  Framer framer(bytes, framing, more);
  std::array<FramedSpan, 5> some;
  while (const std::size_t count = framer.next(some)) {
    for (std::size_t i = 0; i < count; ++i) {
      if (some[i].kind == FrameKind::kTooLong) continue;
      spans.push_back({base + some[i].frame.offset, base + some[i].end, some[i].kind, line + some[i].frame.line});
    }
    if (some[count - 1].kind == FrameKind::kTooLong) break;
  }
  consumed = framer.consumed();
  lines = framer.lines();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  LineFraming framing;
  framing.escape = (data[0] & 1) != 0 ? '\\' : '\0';
  framing.double_quote = (data[0] & 2) == 0;
  framing.multiline = (data[0] & 4) == 0;
  framing.skip_initial_space = (data[0] & 8) != 0;
  framing.comment = (data[0] & 16) != 0 ? '#' : '\0';
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  std::vector<Span> whole;
  std::size_t consumed = 0;
  std::uint32_t lines = 0;
  frame(bytes, 0, 0, framing, MoreBytes::kNone, whole, consumed, lines);
  std::size_t at = 0;
  for (const Span& span : whole) {
    LM_CHECK(span.begin == at && span.end > span.begin, "spans follow each other without a gap");
    at = span.end;
  }
  LM_CHECK(at == bytes.size() || bytes.size() > framing.max_record_bytes, "every byte belongs to a span");
  const std::size_t cut = bytes.size() * data[1] / 256;
  std::vector<Span> cut_spans;
  frame(bytes.substr(0, cut), 0, 0, framing, MoreBytes::kFollow, cut_spans, consumed, lines);
  std::size_t rest = 0;
  std::uint32_t rest_lines = 0;
  frame(bytes.substr(consumed), consumed, lines, framing, MoreBytes::kNone, cut_spans, rest, rest_lines);
  LM_CHECK(cut_spans == whole, "a cut changes nothing");
  return 0;
}
