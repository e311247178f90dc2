// SPDX-License-Identifier: Apache-2.0
#include "feed/fixed_framer.h"

#include <algorithm>

#include "base/check.h"

namespace ledgermill::feed {

FixedFramer::FixedFramer(std::string_view bytes, std::uint32_t record_bytes, MoreBytes more)
    : bytes_(bytes.size()), record_bytes_(record_bytes), more_(more) {
  LM_CHECK(record_bytes > 0, "a fixed record has bytes");
  LM_CHECK(bytes.size() < TextRef::kRewrittenBit, "a stretch to frame is smaller than 2 GiB");
}

std::size_t FixedFramer::next(std::span<FramedSpan> spans) {
  std::size_t count = 0;
  for (; count < spans.size() && position_ < bytes_; ++count) {
    const std::size_t length = std::min<std::size_t>(record_bytes_, bytes_ - position_);
    const bool torn = length < record_bytes_;
    if (torn && more_ == MoreBytes::kFollow) break;
    FramedSpan& span = spans[count];
    span.frame = {static_cast<std::uint32_t>(position_), static_cast<std::uint32_t>(length), records_++};
    position_ += length;
    span.end = static_cast<std::uint32_t>(position_);
    span.kind = torn ? FrameKind::kTorn : FrameKind::kRecord;
  }
  return count;
}

namespace {

std::variant<Framer, FixedFramer> chosen(std::string_view bytes, const FeedDefinition& definition, MoreBytes more) {
  if (definition.framing_kind == FramingKind::kFixed)
    return FixedFramer(bytes, definition.framing.max_record_bytes, more);
  return Framer(bytes, definition.framing, more);
}

}  // namespace

RecordFramer::RecordFramer(std::string_view bytes, const FeedDefinition& definition, MoreBytes more)
    : framer_(chosen(bytes, definition, more)) {}

}  // namespace ledgermill::feed
