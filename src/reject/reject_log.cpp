// SPDX-License-Identifier: Apache-2.0
#include "reject/reject_log.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/failure.h"
#include "base/file.h"
#include "reject/json_text.h"
#include "reject/reason_text.h"

namespace ledgermill::reject {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostRowBytes = 64U << 10;
constexpr std::size_t kMostValueBytes = 1U << 10;  // of a cell in a reason; the row holds it whole
constexpr std::string_view kMask = "****";

bool is_sensitive(const Plan& plan) {
  return std::any_of(plan.layout.fields.begin(), plan.layout.fields.end(),
                     [](const Field& field) { return field.sensitive; });
}

/// The value of a reason as it may be shown.
std::string_view shown_value(const Plan& plan, const StagedChunk& chunk, const Reason& reason) {
  if (reason.field == kNoField) return {};
  const std::string_view value = chunk.text.at(reason.value);
  if (plan.layout.fields.at(reason.field).sensitive) return value.empty() ? value : kMask;
  return value.substr(0, kMostValueBytes);
}

void append_number(std::string& out, std::string_view key, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out += ",\"";
  out += key;
  out += "\":";
  out.append(digits.data(), end);
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
  out += ",\"";
  out += key;
  out += "\":";
  append_json_string(out, value);
}

/// One reject to be written: from the chunk, or made of an accepted record that the database refused.
struct Entry {
  std::uint32_t record = 0;
  Frame frame;
  std::uint64_t length = 0;
  std::span<const Reason> reasons;
  std::string_view refusal;  // the database's words; empty for a record refused for its content
};

class LineWriter {
 public:
  LineWriter(const Plan& plan, const BatchId& batch, const StagedChunk& chunk)
      : plan_(plan), chunk_(chunk), place_(plan.chunk(chunk.number)), masked_(is_sensitive(plan)) {
    head_ = "{\"timestamp\":\"" + plan.planned_at.text() + "\"";
    append_text(head_, "file", plan.file.name);
    append_text(middle_, "ingested_file", fmt::format("{}-{:06}", plan.staged_stem(), to_int(chunk.number)));
    append_text(middle_, "batch", batch.text);
    append_text(tail_, "file_sha256", plan.file.sha256.hex());
  }

  void append(std::string& out, const Entry& entry) const {
    const std::string_view row =
        std::string_view(chunk_.text.source)
            .substr(entry.frame.offset, std::min<std::size_t>(entry.frame.length, kMostRowBytes));
    out += head_;
    out += ",\"row\":";
    const bool replaced = append_json_string(out, masked_ ? std::string_view() : row);
    append_text(out, "reason", headline(entry));
    append_text(out, "classification", entry.refusal.empty() ? "validation_error" : "ingestion_error");
    out += middle_;
    append_number(out, "record_number", place_.first_record + entry.record);
    append_number(out, "line", place_.first_line + entry.frame.line);
    append_number(out, "byte_offset", place_.first_byte + entry.frame.offset);
    append_number(out, "length", entry.length);
    append_reasons(out, entry);
    if (masked_) out += ",\"masked\":true";
    if (!masked_ && row.size() < entry.length) out += ",\"row_truncated\":true";
    if (replaced) append_text(out, "row_base64", base64(row));
    out += tail_;
    out += '}';
  }

 private:
  /// With cells too many or too few, or places that have shifted, a sensitive value may stand in any field.
  std::string_view value_of(const Entry& entry, const Reason& reason) const {
    const auto shifts = [](const Reason& each) {
      return each.code == ReasonCode::kExtraCell || each.code == ReasonCode::kMissingCell ||
             each.code == ReasonCode::kRecordLength || each.code == ReasonCode::kSeparatorError;
    };
    const std::string_view value = shown_value(plan_, chunk_, reason);
    if (!masked_ || value.empty() || std::none_of(entry.reasons.begin(), entry.reasons.end(), shifts)) return value;
    return kMask;
  }

  std::string headline(const Entry& entry) const {
    std::string text;
    for (const Reason& reason : entry.reasons) {
      if (!text.empty()) text += "; ";
      text += reason_headline(plan_, reason, value_of(entry, reason));
    }
    return text;
  }

  void append_reasons(std::string& out, const Entry& entry) const {
    out += ",\"reasons\":[";
    bool first = true;
    for (const Reason& reason : entry.reasons) {
      const std::string_view value = value_of(entry, reason);
      out += first ? "{\"code\":" : ",{\"code\":";
      first = false;
      append_json_string(out, reason_code(plan_, reason));
      append_text(
          out, "field",
          reason.field == kNoField ? std::string_view() : std::string_view(plan_.layout.fields.at(reason.field).name));
      append_text(out, "value", value);
      append_text(
          out, "message",
          reason_message(plan_, reason, value, masked_ ? "its words may hold a sensitive value" : entry.refusal));
      if (const std::string_view constraint = reason_constraint(reason.code); !constraint.empty())
        append_text(out, "constraint", constraint);
      out += '}';
    }
    out += ']';
  }

  const Plan& plan_;
  const StagedChunk& chunk_;
  const ChunkPlan& place_;
  bool masked_;
  std::string head_, middle_, tail_;  // the parts that are the same in every line of a chunk
};

Entry entry_of(const StagedChunk& chunk, const StagedReject& reject) {
  return {reject.record,
          reject.frame,
          reject.length,
          std::span(chunk.reasons).subspan(reject.first_reason, reject.reasons),
          {}};
}

const Reason kRefusedByDatabase{ReasonCode::kDatabaseRefused, kNoField, {}};

/// Rejects and the database's refusals, in record order.
std::vector<Entry> entries_of(const StagedChunk& chunk, std::span<const DatabaseRefusal> refusals) {
  std::vector<Entry> entries;
  entries.reserve(chunk.rejects.size() + refusals.size());
  for (const StagedReject& reject : chunk.rejects) entries.push_back(entry_of(chunk, reject));
  for (const DatabaseRefusal& refusal : refusals) {
    const StagedRecord& record = chunk.accepted.at(refusal.accepted_index);
    entries.push_back(
        {record.record, record.frame, record.frame.length, std::span(&kRefusedByDatabase, 1),
         refusal.message.empty() ? std::string_view("no reason given") : std::string_view(refusal.message)});
  }
  if (!refusals.empty())
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.record < b.record; });
  return entries;
}

/// A part being written: buffered, digested, and never looked at again.
class PartFile {
 public:
  PartFile(const PartPlace& place, ChunkNumber chunk, std::uint64_t epoch) {
    std::error_code error;
    fs::create_directories(place.root / place.folder, error);
    if (error)
      throw Failure(ReturnCode::kUnavailable,
                    fmt::format("cannot make '{}': {}", (place.root / place.folder).string(), error.message()), kHint);
    constexpr int kMostNames = 1000;
    for (int other = 1; !fd_ && other <= kMostNames; ++other) {
      name_ = fmt::format("{}/{:06}-e{}{}.jsonl", place.folder, to_int(chunk), epoch,
                          other == 1 ? "" : fmt::format("-{}", other));
      path_ = place.root / name_;
      fd_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
      if (!fd_ && errno != EEXIST) break;
    }
    if (!fd_)
      throw Failure(ReturnCode::kUnavailable, fmt::format("cannot create '{}': {}", path_.string(), errno_text(errno)),
                    kHint);
  }

  std::string& buffer() { return buffer_; }
  void flush_if_full() {
    constexpr std::size_t kFull = 1U << 20;
    if (buffer_.size() >= kFull) flush();
  }
  RejectPart close(std::uint64_t rejects) {
    flush();
    sync_and_close(std::move(fd_), path_);
    return {name_, rejects, bytes_, sha_.finish()};
  }

 private:
  static constexpr const char* kHint =
      "the folder of the reject log must be writable, and have room; --rejects names another";

  void flush() {
    const auto bytes = std::as_bytes(std::span(buffer_));
    write_all(fd_.get(), bytes, path_);
    sha_.update(bytes);
    bytes_ += buffer_.size();
    buffer_.clear();
  }

  std::string name_;
  fs::path path_;
  UniqueFd fd_;
  std::string buffer_;
  Sha256 sha_;
  std::uint64_t bytes_ = 0;
};

// --- reading -----------------------------------------------------------------------------------------------------

/// Feeds the lines of a file to `take`, without their line ends, in constant memory but for the longest line.
void each_line(const fs::path& path, const std::function<bool(std::string_view)>& take) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd)
    throw Failure(ReturnCode::kRefused,
                  fmt::format("reject part '{}' cannot be opened: {}", path.string(), errno_text(errno)));
  std::vector<std::byte> buffer(1U << 20);
  std::string line;
  std::uint64_t at = 0;
  while (const std::size_t size = read_some_at(fd.get(), at, buffer, path)) {
    at += size;
    std::string_view bytes(reinterpret_cast<const char*>(buffer.data()), size);
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      line += bytes.substr(0, end);
      if (!take(line)) return;
      line.clear();
    }
    line += bytes;
  }
  if (!line.empty()) take(line);
}

void check_part(const fs::path& path, const RejectPart& part) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto refuse = [&](const std::string& what) {
    return Failure(ReturnCode::kRefused, fmt::format("reject part '{}' {}", path.string(), what),
                   "bring the part back from a backup; the ledger says what it must hold");
  };
  if (!fd) throw refuse("cannot be opened: " + errno_text(errno));
  std::vector<std::byte> buffer(1U << 20);
  Sha256 sha;
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  while (const std::size_t size = read_some_at(fd.get(), bytes, buffer, path)) {
    const auto piece = std::span(buffer).first(size);
    sha.update(piece);
    bytes += size;
    lines += static_cast<std::uint64_t>(std::count(piece.begin(), piece.end(), std::byte{'\n'}));
  }
  if (bytes != part.bytes || lines != part.rejects) {
    throw refuse(
        fmt::format("has {} rejects in {} bytes, the ledger says {} in {}", lines, bytes, part.rejects, part.bytes));
  }
  if (!(sha.finish() == part.sha256)) throw refuse("is not as it was written: its SHA-256 differs from the ledger's");
}

LoggedReject parse_line(std::string_view line) {
  using Json = nlohmann::json;
  const Json json = Json::parse(line);
  LoggedReject reject;
  const auto text = [&json](const char* key) { return json.at(key).get<std::string>(); };
  reject.timestamp = text("timestamp");
  reject.file = text("file");
  reject.row = text("row");
  reject.reason = text("reason");
  reject.classification = text("classification");
  reject.ingested_file = text("ingested_file");
  reject.batch = text("batch");
  reject.file_sha256 = text("file_sha256");
  reject.record_number = json.at("record_number").get<std::uint64_t>();
  reject.line = json.at("line").get<std::uint64_t>();
  reject.byte_offset = json.at("byte_offset").get<std::uint64_t>();
  reject.length = json.at("length").get<std::uint64_t>();
  for (const Json& reason : json.at("reasons")) {
    reject.reasons.push_back({reason.at("code").get<std::string>(), reason.at("field").get<std::string>(),
                              reason.at("value").get<std::string>(), reason.at("message").get<std::string>(),
                              reason.value("constraint", "")});
  }
  reject.raw = json.contains("row_base64") ? from_base64(text("row_base64")) : reject.row;
  reject.complete = !json.value("row_truncated", false) && !json.value("masked", false);
  reject.json = line;
  return reject;
}

}  // namespace

std::optional<RejectPart> write_part(const PartPlace& place, const Plan& plan, const BatchId& batch,
                                     const StagedChunk& chunk, std::uint64_t epoch,
                                     std::span<const DatabaseRefusal> refusals) {
  if (chunk.rejects.empty() && refusals.empty()) return std::nullopt;
  PartFile part(place, chunk.number, epoch);
  const LineWriter writer(plan, batch, chunk);
  const std::vector<Entry> entries = entries_of(chunk, refusals);
  for (const Entry& entry : entries) {
    writer.append(part.buffer(), entry);
    part.buffer() += '\n';
    part.flush_if_full();
  }
  return part.close(entries.size());
}

std::string render(const Plan& plan, const BatchId& batch, const StagedChunk& chunk, const StagedReject& reject) {
  std::string line;
  LineWriter(plan, batch, chunk).append(line, entry_of(chunk, reject));
  return line;
}

void read_part(const fs::path& root, const RejectPart& part, const std::function<bool(LoggedReject&&)>& take) {
  const fs::path path = root / part.name;
  check_part(path, part);
  each_line(path, [&](std::string_view line) {
    LoggedReject reject;
    try {
      reject = parse_line(line);
    } catch (const nlohmann::json::exception& mistake) {
      throw Failure(ReturnCode::kRefused,
                    fmt::format("reject part '{}' holds a line that is no reject: {}", path.string(), mistake.what()));
    }
    return take(std::move(reject));
  });
}

namespace {

/// A part opened to be looked at in places.
class OpenPart {
 public:
  OpenPart(const fs::path& root, const RejectPart& part)
      : path_(root / part.name), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)), bytes_(part.bytes) {
    if (!fd_) throw refuse("cannot be opened: " + errno_text(errno));
    if (fs::file_size(path_) != bytes_) throw refuse("does not have the size that the ledger says");
  }

  /// The line that begins at `begin`, without its end; `begin` moves to the next.
  std::string line(std::uint64_t& begin) {
    std::string text;
    std::array<std::byte, 16U << 10> piece;
    for (std::uint64_t at = begin; at < bytes_;) {
      const std::size_t size = read_some_at(fd_.get(), at, piece, path_);
      if (size == 0) throw refuse("ends early");
      const std::string_view bytes(reinterpret_cast<const char*>(piece.data()), size);
      const std::size_t end = bytes.find('\n');
      text += bytes.substr(0, end);
      if (end != std::string_view::npos) {
        begin = at + end + 1;
        return text;
      }
      at += size;
    }
    throw refuse("ends within a line");
  }

  void check_line_begins_at(std::uint64_t at) {
    if (at == 0 || at == bytes_) return;
    std::array<std::byte, 1> before;
    if (at > bytes_) throw refuse("is shorter than that page");
    read_exactly_at(fd_.get(), at - 1, before, path_);
    if (before[0] != std::byte{'\n'}) throw refuse("has no reject that begins there");
  }

  LoggedReject parse(std::string_view line) const {
    try {
      return parse_line(line);
    } catch (const nlohmann::json::exception&) {
      throw refuse("holds a line that is no reject");
    }
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  Failure refuse(const std::string& what) const {
    return Failure(ReturnCode::kRefused, fmt::format("reject part '{}' {}", path_.string(), what),
                   "'ledgermill verify BATCH' compares every part with the ledger; bring it back from a backup");
  }

  fs::path path_;
  UniqueFd fd_;
  std::uint64_t bytes_;
};

bool is_wanted(const LoggedReject& reject, const RejectFilter& filter) {
  return std::any_of(reject.reasons.begin(), reject.reasons.end(), [&filter](const LoggedReason& reason) {
    return (filter.code.empty() || reason.code == filter.code) &&
           (filter.field.empty() || reason.field == filter.field);
  });
}

}  // namespace

RejectPage read_page(const fs::path& root, const RejectPart& part, std::uint64_t from_byte, std::size_t most,
                     const RejectFilter& filter, std::uint64_t most_bytes) {
  OpenPart open(root, part);
  open.check_line_begins_at(from_byte);
  RejectPage page;
  page.next_byte = from_byte;
  while (page.next_byte < open.bytes() && page.rejects.size() < most && page.next_byte - from_byte < most_bytes) {
    LoggedReject reject = open.parse(open.line(page.next_byte));
    if ((filter.code.empty() && filter.field.empty()) || is_wanted(reject, filter))
      page.rejects.push_back(std::move(reject));
  }
  return page;
}

std::optional<LoggedReject> find_reject(const fs::path& root, const RejectPart& part, RecordNumber record) {
  OpenPart open(root, part);
  // The line sought begins in [low, high).
  std::uint64_t low = 0;
  std::uint64_t high = open.bytes();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    std::uint64_t begin = middle;
    if (middle > low) open.line(begin);  // to the first line that begins behind `middle`
    if (begin >= high) begin = low;      // none: the rest is one line, or few
    std::uint64_t next = begin;
    LoggedReject reject = open.parse(open.line(next));
    if (reject.record_number == to_int(record)) return reject;
    if (reject.record_number < to_int(record))
      low = next;
    else if (begin == low)
      return std::nullopt;
    else
      high = middle;
  }
  return std::nullopt;
}

}  // namespace ledgermill::reject
