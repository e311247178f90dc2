// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "feed/framer.h"

namespace ledgermill::feed {

/// Splits bytes into records of one length (z/OS: RECFM=F), with nothing between them. A rest that is shorter than a
/// record is kTorn: never lost, never a shorter record. Each record counts as one line. Same calls as `Framer`.
class FixedFramer {
 public:
  /// `bytes` (less than 2 GiB) must outlive the framer and begin at the start of a record. `record_bytes` is above 0.
  FixedFramer(std::string_view bytes, std::uint32_t record_bytes, MoreBytes more);

  std::size_t next(std::span<FramedSpan> spans);
  std::size_t consumed() const { return position_; }
  std::uint32_t lines() const { return records_; }

 private:
  std::size_t bytes_;
  std::uint32_t record_bytes_;
  MoreBytes more_;
  std::size_t position_ = 0;
  std::uint32_t records_ = 0;
};

/// The framer that a definition asks for. It is chosen once for a stretch of bytes, and asked for many records a call.
class RecordFramer {
 public:
  RecordFramer(std::string_view bytes, const FeedDefinition& definition, MoreBytes more);

  std::size_t next(std::span<FramedSpan> spans) {
    return std::visit([spans](auto& framer) { return framer.next(spans); }, framer_);
  }
  std::size_t consumed() const {
    return std::visit([](const auto& framer) { return framer.consumed(); }, framer_);
  }
  std::uint32_t lines() const {
    return std::visit([](const auto& framer) { return framer.lines(); }, framer_);
  }

 private:
  std::variant<Framer, FixedFramer> framer_;
};

}  // namespace ledgermill::feed
