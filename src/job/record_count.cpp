// SPDX-License-Identifier: Apache-2.0
#include "job/record_count.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/file.h"
#include "job/digest_process.h"
#include "job/file_blocks.h"

namespace ledgermill::job {

namespace {

/// Counts records in bytes as they come.
class Counter {
 public:
  Counter(const std::filesystem::path& path, const RecordShape& shape, const TextRules& rules)
      : path_(path), shape_(shape), rules_(rules) {}

  void feed(std::string_view bytes) {
    switch (shape_.kind) {
      case RecordShape::Kind::kLines:
        return feed_lines(bytes);
      case RecordShape::Kind::kVariable:
        return feed_headed(bytes, kVariableHeader);
      case RecordShape::Kind::kRelative:
        return feed_headed(bytes, kRelativeHeader);
      case RecordShape::Kind::kFixed:
      case RecordShape::Kind::kUnknown:
        return;
    }
  }

  std::optional<std::uint64_t> finish(std::uint64_t bytes) {
    switch (shape_.kind) {
      case RecordShape::Kind::kUnknown:
        return std::nullopt;
      case RecordShape::Kind::kLines:
        return records_ + (line_bytes_ > 0 ? 1 : 0);
      case RecordShape::Kind::kFixed:
        if (shape_.longest == 0 || bytes % shape_.longest != 0)
          throw torn(fmt::format("its {} bytes are no multiple of the record's {}", bytes, shape_.longest));
        return bytes / shape_.longest;
      case RecordShape::Kind::kVariable:
      case RecordShape::Kind::kRelative:
        if (body_left_ > 0 || header_.size() > 0)
          throw torn(fmt::format("it ends inside record {}", records_ + (header_.empty() ? 0 : 1)));
        return records_;
    }
    return std::nullopt;
  }

  bool ends_in_newline() const { return line_bytes_ == 0; }

 private:
  static constexpr std::size_t kVariableHeader = 4;
  static constexpr std::size_t kRelativeHeader = 8;

  Failure torn(const std::string& why) const {
    return Failure(ReturnCode::kRefused, fmt::format("'{}': {}", path_.string(), why),
                   "was it written with another record length, or cut?");
  }

  void feed_lines(std::string_view bytes) {
    // Asked of the whole block first: a search for one byte goes at some GB a second, one for a set of them does not.
    has_refused_ = std::any_of(rules_.refused_bytes.begin(), rules_.refused_bytes.end(),
                               [bytes](char refused) { return bytes.find(refused) != std::string_view::npos; });
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      look_at(part);
      line_bytes_ += part.size();
      if (end == std::string_view::npos) return;
      ++records_;
      line_bytes_ = 0;
      bytes.remove_prefix(end + 1);
    }
  }

  void look_at(std::string_view part) {
    const std::size_t at = has_refused_ ? part.find_first_of(rules_.refused_bytes) : std::string_view::npos;
    if (at != std::string_view::npos) {
      const bool is_cr = part[at] == '\r';
      throw Failure(
          ReturnCode::kRefused,
          fmt::format("'{}', line {}: byte {} is {}", path_.string(), records_ + 1, line_bytes_ + at + 1,
                      is_cr ? "a CR, which the program would not see" : "a NUL"),
          fmt::format("take it out of the file, or say 'bytes: {}' at the DD", is_cr ? "allow" : "allow_nul"));
    }
    if (!rules_.longest_line) return;
    const std::size_t kept = *rules_.longest_line - std::min<std::uint64_t>(*rules_.longest_line, line_bytes_);
    if (part.size() <= kept || part.find_first_not_of(' ', kept) == std::string_view::npos) return;
    throw Failure(ReturnCode::kRefused,
                  fmt::format("'{}', line {} is longer than the program's record of {} bytes; the rest would be lost",
                              path_.string(), records_ + 1, *rules_.longest_line),
                  "mend the file or the program, or say 'long_lines: cut' at the DD");
  }

  void feed_headed(std::string_view bytes, std::size_t header_bytes) {
    while (!bytes.empty()) {
      if (body_left_ > 0) {
        const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
        body_left_ -= part;
        bytes.remove_prefix(part);
        continue;
      }
      const std::size_t part = std::min(header_bytes - header_.size(), bytes.size());
      header_ += bytes.substr(0, part);
      bytes.remove_prefix(part);
      if (header_.size() == header_bytes) begin_body();
    }
  }

  void begin_body() {
    std::uint64_t length = 0;
    if (shape_.kind == RecordShape::Kind::kVariable) {
      length = static_cast<std::uint64_t>(static_cast<unsigned char>(header_[0])) << 8 |
               static_cast<unsigned char>(header_[1]);
      body_left_ = length;
    } else {
      std::memcpy(&length, header_.data(), sizeof length);
      body_left_ = shape_.longest;
    }
    if (length > shape_.longest ||
        (shape_.kind == RecordShape::Kind::kVariable && (header_[2] != 0 || header_[3] != 0)))
      throw torn(
          fmt::format("record {} has no length that can be: {} of at most {}", records_ + 1, length, shape_.longest));
    if (shape_.kind == RecordShape::Kind::kVariable || length > 0) ++records_;
    header_.clear();
  }

  const std::filesystem::path& path_;
  RecordShape shape_;
  TextRules rules_;
  std::uint64_t records_ = 0;
  std::uint64_t line_bytes_ = 0;
  bool has_refused_ = false;  // the block that is being fed
  std::uint64_t body_left_ = 0;
  std::string header_;
};

}  // namespace

RecordShape shape_of(const cobol::ProgramFile& file) {
  using Kind = RecordShape::Kind;
  switch (file.organization) {
    case cobol::Organization::kLineSequential:
      return {Kind::kLines, file.record_max};
    case cobol::Organization::kSequential:
      // Records of several lengths under one FD are written with their lengths, whatever RECORDING MODE says.
      return {file.record_min == file.record_max ? Kind::kFixed : Kind::kVariable, file.record_max};
    case cobol::Organization::kRelative:
      return {Kind::kRelative, file.record_max};
    case cobol::Organization::kIndexed:
      return {Kind::kUnknown, file.record_max};
  }
  return {};
}

FileFacts look_through(const std::filesystem::path& path, const RecordShape& shape, const TextRules& rules,
                       std::vector<std::uint64_t>* sums) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0)
    throw Failure(ReturnCode::kRefused, fmt::format("cannot open '{}': {}", path.string(), errno_text(errno)));
  if (!S_ISREG(status.st_mode))
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is {}, not a file", path.string(),
                                                    S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe"));
  FileFacts facts;
  Counter counter(path, shape, rules);
  facts.bytes = read_blocks(fd.get(), path, [&](std::span<const std::byte> block) {
    if (sums != nullptr) sums->push_back(block_sum(block));
    counter.feed({reinterpret_cast<const char*>(block.data()), block.size()});
  });
  facts.records = counter.finish(facts.bytes);
  facts.ends_in_newline = counter.ends_in_newline();
  return facts;
}

FileFacts examine_file(const std::filesystem::path& path, const RecordShape& shape, const TextRules& rules) {
  DigestProcess digest(path);
  FileFacts facts = look_through(path, shape, rules);
  facts.digest = digest.get();
  return facts;
}

}  // namespace ledgermill::job
