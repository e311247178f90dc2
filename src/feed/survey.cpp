// SPDX-License-Identifier: Apache-2.0
#include "feed/survey.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <thread>

#include "base/check.h"
#include "base/failure.h"
#include "feed/fixed_framer.h"
#include "feed/header_line.h"

namespace ledgermill::feed {

namespace {

/// A window on the file that slides forward: holds the bytes from `begin()` on, as many as asked for.
class Window {
 public:
  Window(const SourceFile& file, std::size_t capacity) : file_(file), buffer_(capacity) {}

  std::uint64_t begin() const { return begin_; }
  std::string_view bytes() const { return {buffer_.data(), size_}; }
  bool at_end() const { return begin_ + size_ == file_.bytes(); }
  MoreBytes more() const { return at_end() ? MoreBytes::kNone : MoreBytes::kFollow; }

  /// Lets the window begin at `offset` and fills it to its capacity, or to the end of the file.
  void slide_to(std::uint64_t offset) {
    LM_CHECK(offset >= begin_, "the window slides forward");
    const std::uint64_t kept = offset < begin_ + size_ ? begin_ + size_ - offset : 0;
    if (kept > 0) std::memmove(buffer_.data(), buffer_.data() + (offset - begin_), kept);
    begin_ = offset;
    size_ = kept;
    const std::uint64_t wanted = std::min<std::uint64_t>(buffer_.size(), file_.bytes() - begin_) - size_;
    read_exactly_at(file_.fd(), begin_ + size_, std::as_writable_bytes(std::span(buffer_).subspan(size_, wanted)),
                    file_.path());
    size_ += wanted;
  }

 private:
  const SourceFile& file_;
  std::vector<char> buffer_;
  std::uint64_t begin_ = 0;
  std::size_t size_ = 0;
};

/// Digests the file in a thread of its own, beside the framing. A failure is kept and told by `join`, since it must
/// not cross the thread.
class FileDigest {
 public:
  explicit FileDigest(const SourceFile& file) : thread_([this, &file] { run(file); }) {}
  ~FileDigest() {
    if (thread_.joinable()) thread_.join();
  }

  Digest join() {
    thread_.join();
    if (failure_) throw Failure(*failure_);
    return digest_;
  }

 private:
  void run(const SourceFile& file) {
    try {
      digest_ = digest_of(file);
    } catch (const Failure& failure) {
      failure_ = failure;
    }
  }

  Digest digest_;
  std::optional<Failure> failure_;
  std::thread thread_;  // last: it uses the members above
};

class Surveyor {
 public:
  Surveyor(const SourceFile& file, const FeedDefinition& definition, const SurveyOptions& options, Plan& plan)
      : file_(file),
        definition_(definition),
        options_(options),
        plan_(plan),
        window_(file, std::min<std::uint64_t>(
                          file.bytes(), std::size_t{options.chunk_bytes} + definition.framing.max_record_bytes + 2)) {}

  void survey() {
    window_.slide_to(0);
    skip_byte_order_mark();
    for (std::uint32_t i = 0; i < definition_.csv.preamble_lines && window_.begin() < file_.bytes(); ++i)
      skip_preamble_line();
    take_header();
    while (window_.begin() < file_.bytes()) {
      take_chunk();
      if (options_.progress) options_.progress(window_.begin());
    }
    plan_.records = next_record_ - 1;
  }

 private:
  void advance(std::size_t bytes, std::uint64_t lines) {
    window_.slide_to(window_.begin() + bytes);
    line_ += lines;
  }

  void skip_byte_order_mark() {
    constexpr std::string_view kMark = "\xef\xbb\xbf";
    if (window_.bytes().substr(0, kMark.size()) != kMark) return;
    plan_.head.byte_order_mark = {1, kMark.size()};
    advance(kMark.size(), 0);
  }

  /// Frames the first span of the window. Failure when it is longer than a record may be.
  FramedSpan first_span(const LineFraming& framing, std::string_view what) {
    Framer framer(window_.bytes(), framing, window_.more());
    FramedSpan span;
    const std::size_t count = framer.next(std::span(&span, 1));
    LM_CHECK(count == 1, "the window holds more than the longest record");
    if (span.kind == FrameKind::kTooLong) {
      throw Failure(ReturnCode::kRefused,
                    fmt::format("'{}': the {} has no line end within {} bytes", file_.path().string(), what,
                                framing.max_record_bytes),
                    "is this a text file with lines?");
    }
    span_lines_ = framer.lines();
    return span;
  }

  void skip_preamble_line() {
    LineFraming plain = definition_.framing;
    plain.quote = 0;
    plain.comment = 0;
    const FramedSpan span = first_span(plain, "preamble");
    ++plan_.head.preamble.spans;
    plan_.head.preamble.bytes += span.end;
    advance(span.end, span_lines_);
  }

  void take_header() {
    if (!definition_.csv.header) {
      for (std::size_t i = 0; i < definition_.layout.fields.size(); ++i)
        plan_.cell_fields.push_back(static_cast<std::uint16_t>(i));
      return;
    }
    while (window_.begin() < file_.bytes()) {
      const FramedSpan span = first_span(definition_.framing, "header");
      const std::string_view line = window_.bytes().substr(0, span.frame.length);
      if (span.kind == FrameKind::kBlank || span.kind == FrameKind::kComment) {
        SkippedSpans::Kind& kind = span.kind == FrameKind::kBlank ? plan_.head.blank : plan_.head.comment;
        ++kind.spans;
        kind.bytes += span.end;
        advance(span.end, span_lines_);
        continue;
      }
      if (span.kind == FrameKind::kQuoteError) {
        throw Failure(ReturnCode::kRefused,
                      fmt::format("header of '{}', line {}: a quote is not closed", file_.path().string(), line_));
      }
      plan_.cell_fields = match_header(line, definition_, line_, file_.path().filename().string());
      plan_.header = std::string(window_.bytes().substr(0, span.end));
      plan_.head.header = {1, span.end};
      advance(span.end, span_lines_);
      return;
    }
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' has no header line", file_.path().string()),
                  "the first line must hold the labels of the feed definition; or set dialect: {header: false}");
  }

  /// The next chunk: from the window's begin to the first record start at or after chunk_bytes.
  void take_chunk() {
    RecordFramer framer(window_.bytes(), definition_, window_.more());
    std::array<FramedSpan, 512> spans;
    std::uint64_t records = 0;
    std::size_t end = 0;
    std::uint32_t lines = 0;
    bool full = false;
    while (!full) {
      const std::size_t count = framer.next(spans);
      if (count == 0) break;
      for (std::size_t i = 0; i < count && !full; ++i) {
        const FramedSpan& span = spans[i];
        if (span.frame.offset >= options_.chunk_bytes || span.kind == FrameKind::kTooLong) {
          lines = span.frame.line;
          if (span.frame.offset == 0) return take_oversize();
          full = true;
        } else {
          end = span.end;
          records += is_record(span.kind) ? 1U : 0U;
        }
      }
    }
    LM_CHECK(end > 0, "the window holds more than the longest record");
    if (!full) lines = framer.lines();
    const Digest digest = options_.digests ? Sha256::of(window_.bytes().substr(0, end)) : Digest{};
    plan_.chunks.push_back(next_chunk(window_.begin(), end, records, digest));
    next_record_ += records;
    advance(end, lines);
  }

  bool is_record(FrameKind kind) const {
    return kind == FrameKind::kRecord || kind == FrameKind::kQuoteError || kind == FrameKind::kTorn ||
           (kind == FrameKind::kBlank && definition_.blank_lines == BlankLines::kReject);
  }

  /// A record longer than max_record_bytes is a chunk of its own, found by streaming: it ends at its first line end.
  void take_oversize() {
    const std::uint64_t begin = window_.begin();
    const ByteScan& scan = ByteScan::fastest();
    Sha256 sha;
    while (true) {
      const std::string_view bytes = window_.bytes();
      const std::size_t at = scan.line_end(bytes, 0);
      // A CR as the window's last byte may belong to a CR LF: look again with more bytes behind it.
      const bool undecided = at + 1 == bytes.size() && bytes[at] == '\r' && !window_.at_end() && at > 0;
      std::size_t take = at < bytes.size() && !undecided ? at + 1 : at;
      if (!undecided && at + 1 < bytes.size() && bytes[at] == '\r' && bytes[at + 1] == '\n') ++take;
      if (options_.digests) sha.update(bytes.substr(0, take));
      window_.slide_to(window_.begin() + take);
      if (window_.begin() == file_.bytes() || (at < bytes.size() && !undecided)) break;
    }
    const std::uint64_t end = window_.begin();
    ChunkPlan chunk = next_chunk(begin, end - begin, 1, options_.digests ? sha.finish() : Digest{});
    chunk.oversize = true;
    plan_.chunks.push_back(chunk);
    ++next_record_;
    ++line_;
  }

  ChunkPlan next_chunk(std::uint64_t first_byte, std::uint64_t bytes, std::uint64_t records,
                       const Digest& digest) const {
    ChunkPlan chunk;
    chunk.number = ChunkNumber{static_cast<std::uint32_t>(plan_.chunks.size() + 1)};
    chunk.first_byte = first_byte;
    chunk.bytes = bytes;
    chunk.first_record = next_record_;
    chunk.records = records;
    chunk.first_line = line_;
    chunk.sha256 = digest;
    return chunk;
  }

  const SourceFile& file_;
  const FeedDefinition& definition_;
  const SurveyOptions& options_;
  Plan& plan_;
  Window window_;
  std::uint64_t line_ = 1;  // of the window's first byte
  std::uint64_t next_record_ = 1;
  std::uint32_t span_lines_ = 0;  // lines of the span that first_span found
};

void check_contiguous(const Plan& plan) {
  std::uint64_t byte = plan.head.bytes();
  std::uint64_t record = 1;
  for (const ChunkPlan& chunk : plan.chunks) {
    LM_CHECK(chunk.first_byte == byte && chunk.first_record == record, "chunks follow each other without a gap");
    byte += chunk.bytes;
    record += chunk.records;
  }
  LM_CHECK(byte == plan.file.bytes && record == plan.records + 1, "head and chunks cover the file");
}

}  // namespace

void SurveyOptions::validate() const {
  constexpr std::uint32_t kMost = 1U << 30;
  if (chunk_bytes == 0 || chunk_bytes > kMost) {
    throw Failure(ReturnCode::kRefused, fmt::format("a chunk of {} bytes cannot be", chunk_bytes),
                  "1 to 1073741824 bytes");
  }
}

Digest digest_of(const SourceFile& file) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(1U << 20, file.bytes()));
  Sha256 sha;
  for (std::uint64_t at = 0; at < file.bytes(); at += buffer.size()) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), file.bytes() - at));
    read_exactly_at(file.fd(), at, part, file.path());
    sha.update(part);
  }
  return sha.finish();
}

Plan survey(const SourceFile& file, const FeedDefinition& definition, const SurveyOptions& options) {
  options.validate();
  Plan plan;
  plan.feed = definition.name;
  plan.table = definition.table;
  plan.file.name = file.path().filename().string();
  plan.file.bytes = file.bytes();
  plan.business_date = options.business_date ? options.business_date : business_date_of(definition, plan.file.name);
  plan.definition = definition.digest;
  plan.planned_at = options.now;
  plan.framing = definition.framing_kind;
  if (definition.decoding == Decoding::kPositional)
    plan.record_bytes = definition.positional.record_bytes;
  else if (definition.framing_kind == FramingKind::kFixed)
    plan.record_bytes = definition.framing.max_record_bytes;
  plan.layout = definition.layout;
  if (definition.module) plan.module_rules = definition.module->rules;
  plan.limits = definition.limits;
  plan.declared = options.declared;
  if (!plan.declared.sum_field) plan.declared.sum_field = definition.declared.sum_field;
  std::optional<FileDigest> digest;
  if (options.digests) digest.emplace(file);
  Surveyor(file, definition, options, plan).survey();
  if (digest) plan.file.sha256 = digest->join();
  file.check_unchanged();
  check_contiguous(plan);
  return plan;
}

}  // namespace ledgermill::feed
