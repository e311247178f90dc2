// SPDX-License-Identifier: Apache-2.0
// From a file to judged chunks: whatever the bytes, every one is accounted for, totals balance, and chunks of another
// size give the same totals.
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <fstream>

#include "base/check.h"
#include "base/failure.h"
#include "batch/chunk_ingester.h"
#include "batch/file_report.h"
#include "batch/staging.h"
#include "feed/survey.h"

using namespace ledgermill;

namespace {

/// Positional, over lines and over records of one length.
batch::Feed positional_feed(const std::string& framing) {
  return {feed::parse_definition("feed: f\nframing: " + framing + R"yaml(
decoding: {kind: positional, literals: [{at: 3, text: ","}, {at: 15, text: "|"}]}
schema:
  fields:
    - {name: a, at: 1, length: 2, constraints: {required: true, pattern: "[0-9A-Z]*"}}
    - {name: n, at: 4, length: 3, type: "decimal(3,0)"}
    - {name: s, at: 7, length: 4, type: integer, padding: spaces}
    - {name: t, at: 11, length: 4, padding: none}
)yaml",
                                 "f.yaml"),
          std::nullopt};
}

const batch::Feed& feed_of(unsigned which) {
  static const batch::Feed kPositionalLines =
      positional_feed("{kind: lines, blank_lines: reject, max_record_bytes: 64}");
  static const batch::Feed kPositionalFixed = positional_feed("{kind: fixed, record_bytes: 16}");
  static const batch::Feed kFixedCsv{
      feed::parse_definition("feed: f\nframing: {kind: fixed, record_bytes: 7}\ndialect: {quoteChar: \"\"}\nschema: "
                             "{fields: [{name: a}, {name: n, type: \"decimal(9,2)\"}]}",
                             "f.yaml"),
      std::nullopt};
  static const batch::Feed kPlain{
      feed::parse_definition("feed: f\nschema: {fields: [{name: a}, {name: n, type: \"decimal(9,2)\"}]}", "f.yaml"),
      std::nullopt};
  static const batch::Feed kWide{feed::parse_definition(R"yaml(
feed: f
framing: {max_record_bytes: 64, blank_lines: reject}
dialect: {delimiter: ";", escapeChar: "\\", commentChar: "#", header: false, skipInitialSpace: true}
schema:
  missingValues: ["", "-"]
  fields:
    - {name: a, trim: true, constraints: {enum: [x, y], required: true}}
    - {name: d, type: date, format: "%d.%m.%Y"}
    - {name: t, type: datetime}
    - {name: b, type: boolean}
    - {name: i, type: integer, groupChar: ",", constraints: {minimum: -5}}
    - {name: s, constraints: {pattern: "[a-z]+", maxLength: 5}}
)yaml",
                                                        "f.yaml"),
                                 std::nullopt};
  const std::array<const batch::Feed*, 5> feeds{&kPlain, &kWide, &kPositionalLines, &kPositionalFixed, &kFixedCsv};
  return *feeds[which % feeds.size()];
}

ControlTotals totals_of(const batch::Feed& feed, const feed::SourceFile& file, std::uint32_t chunk_bytes) {
  feed::SurveyOptions options;
  options.chunk_bytes = chunk_bytes;
  const Plan plan = feed::survey(file, feed.definition, options);
  batch::ChunkIngester ingester(feed, plan, file, feed::ByteCheck::kDigest);
  ControlTotals totals = ControlTotals::zero(plan.layout);
  for (const ChunkPlan& chunk : plan.chunks) {
    const StagedChunk staged = ingester.ingest(chunk.number, {});
    batch::unpack(batch::pack(staged, batch::PackRows::kIncluded));
    totals += staged.totals;
  }
  totals = batch::with_head(totals, plan);
  LM_CHECK(totals.imbalance().empty(), "totals balance");
  LM_CHECK(totals.bytes == file.bytes() && totals.records == plan.records, "every byte and record is accounted for");
  return totals;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static const std::string path = "/dev/shm/ledgermill-fuzz-" + std::to_string(::getpid());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  const batch::Feed& feed = feed_of(data[0]);
  try {
    const feed::SourceFile file(path);
    const ControlTotals whole = totals_of(feed, file, 1U << 20);
    LM_CHECK(totals_of(feed, file, 1024) == whole, "chunks of another size give the same totals");
  } catch (const Failure& refused) {
    LM_CHECK(refused.code() == ReturnCode::kRefused, "a file is refused, or read");
  }
  ::unlink(path.c_str());
  return 0;
}
