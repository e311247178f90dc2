// SPDX-License-Identifier: Apache-2.0
#include "record/control_totals.h"

#include <fmt/core.h>

#include "base/check.h"

namespace ledgermill {

namespace {
void add(SkippedSpans::Kind& to, const SkippedSpans::Kind& from) {
  to.spans += from.spans;
  to.bytes += from.bytes;
}
}  // namespace

SkippedSpans& SkippedSpans::operator+=(const SkippedSpans& other) {
  add(byte_order_mark, other.byte_order_mark);
  add(preamble, other.preamble);
  add(header, other.header);
  add(comment, other.comment);
  add(blank, other.blank);
  return *this;
}

std::uint64_t SkippedSpans::spans() const {
  return byte_order_mark.spans + preamble.spans + header.spans + comment.spans + blank.spans;
}
std::uint64_t SkippedSpans::bytes() const {
  return byte_order_mark.bytes + preamble.bytes + header.bytes + comment.bytes + blank.bytes;
}

ControlTotals ControlTotals::zero(const Layout& layout) {
  ControlTotals totals;
  for (const Field& field : layout.fields) {
    if (field.is_summed()) totals.sums.push_back({field.name, field.scale, {}, {}, {}, 0});
  }
  return totals;
}

ControlTotals& ControlTotals::operator+=(const ControlTotals& other) {
  LM_CHECK(sums.size() == other.sums.size(), "totals of one layout are added");
  records += other.records;
  accepted += other.accepted;
  rejected += other.rejected;
  bytes += other.bytes;
  record_bytes += other.record_bytes;
  skipped += other.skipped;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i].in += other.sums[i].in;
    sums[i].posted += other.sums[i].posted;
    sums[i].rejected += other.sums[i].rejected;
    sums[i].unreadable += other.sums[i].unreadable;
  }
  return *this;
}

std::string ControlTotals::imbalance() const {
  if (records != accepted + rejected) {
    return fmt::format("{} records in, {} accepted + {} rejected", records, accepted, rejected);
  }
  if (bytes != record_bytes + skipped.bytes()) {
    return fmt::format("{} bytes in, {} in records + {} in spans that are no records", bytes, record_bytes,
                       skipped.bytes());
  }
  for (const FieldSum& sum : sums) {
    ExactSum out = sum.posted;
    out += sum.rejected;
    if (!(out == sum.in)) {
      return fmt::format("field '{}': {} in, {} posted + {} rejected", sum.field, sum.in.text(sum.scale),
                         sum.posted.text(sum.scale), sum.rejected.text(sum.scale));
    }
  }
  return {};
}

}  // namespace ledgermill
