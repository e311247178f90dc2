// SPDX-License-Identifier: Apache-2.0
#include "batch/trial.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "base/failure.h"
#include "batch/load.h"
#include "triage/fixes.h"

namespace ledgermill::batch {

namespace {

/// A folder that only we can look into, with all in it gone at the end: records are money data.
class PrivateFolder {
 public:
  explicit PrivateFolder(const std::filesystem::path& under) {
    std::string pattern = (under / "ledgermill-triage-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw Failure(ReturnCode::kUnavailable,
                    fmt::format("cannot make a folder in '{}': {}", under.string(), errno_text(errno)));
    path_ = pattern;
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

Trial::Trial(const Feed& feed, std::string header, std::uint32_t record_bytes)
    : feed_(feed), header_(std::move(header)), record_bytes_(record_bytes) {
  // What holds for a delivered file, and not for a handful of its records.
  feed_.definition.limits = {};
  feed_.definition.declared = {};
  feed_.definition.csv.preamble_lines = 0;
}

std::optional<std::size_t> Trial::add(const std::string& record) {
  const feed::LineFraming& framing = feed_.definition.framing;
  if (record.find_first_not_of(" \t") == std::string::npos) return std::nullopt;
  if (feed_.definition.framing_kind == FramingKind::kFixed) {
    if (record.size() != record_bytes_) return std::nullopt;
    records_ += record;
    return count_++;
  }
  if (record.find_first_of("\r\n") != std::string::npos || record.size() > framing.max_record_bytes)
    return std::nullopt;
  if (framing.comment != 0 && record.front() == framing.comment) return std::nullopt;
  if (framing.escape != 0 && record.find(framing.escape) != std::string::npos) return std::nullopt;
  if (framing.quote != 0 && !triage::split(record, framing.delimiter, framing.quote)) return std::nullopt;
  records_ += record + '\n';
  return count_++;
}

std::vector<bool> Trial::verdicts(const std::filesystem::path& scratch, Timestamp now) const {
  std::vector<bool> accepted(count_, true);
  if (count_ == 0) return accepted;
  const PrivateFolder folder(scratch);
  const std::filesystem::path path = folder.path() / "trial";
  std::ofstream file(path, std::ios::binary);
  file << header_ << records_;
  file.close();
  if (!file) throw Failure(ReturnCode::kUnavailable, fmt::format("cannot write '{}'", path.string()));
  JudgeOptions options;
  options.workers = 1;
  options.now = now;
  const FileReport report = check_file(feed_, path, options, count_);
  if (report.return_code > ReturnCode::kRejects)
    throw Failure(report.return_code, fmt::format("fixes cannot be tried: {}", report.fact), report.hint);
  if (report.totals.records != count_)
    throw Failure(ReturnCode::kDefect,
                  fmt::format("{} records tried were judged as {}", count_, report.totals.records));
  for (const ShownReject& reject : report.first_rejects) accepted.at(reject.record_number - 1) = false;
  return accepted;
}

}  // namespace ledgermill::batch
