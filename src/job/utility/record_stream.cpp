// SPDX-License-Identifier: Apache-2.0
#include "job/utility/record_stream.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/failure.h"

namespace ledgermill::job {

namespace {
constexpr std::size_t kBlockBytes = 1U << 20;
constexpr std::size_t kLongestLine = 16U << 20;
}  // namespace

RecordReader::RecordReader(const std::filesystem::path& path, RecordForm form, const std::filesystem::path& shown)
    : RecordReader(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), shown.empty() ? path : shown, form) {}

RecordReader::RecordReader(UniqueFd pipe, std::filesystem::path path, RecordForm form)
    : path_(std::move(path)), fd_(std::move(pipe)), form_(form), buffer_(kBlockBytes) {
  if (!fd_) throw Failure(ReturnCode::kRefused, fmt::format("cannot open '{}': {}", path_.string(), errno_text(errno)));
}

bool RecordReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kLongestLine)
      throw Failure(ReturnCode::kRefused,
                    fmt::format("'{}', line {} has more than {} bytes", path_.string(), number_ + 1, kLongestLine));
    buffer_.resize(buffer_.size() * 2);
  }
  while (true) {
    const ssize_t n = ::read(fd_.get(), buffer_.data() + end_, buffer_.size() - end_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw Failure(ReturnCode::kUnavailable, fmt::format("cannot read '{}': {}", path_.string(), errno_text(errno)));
    end_ += static_cast<std::size_t>(n);
    return n > 0;
  }
}

std::optional<std::string_view> RecordReader::next() {
  std::size_t searched = 0;
  while (true) {
    const std::string_view held(buffer_.data() + begin_, end_ - begin_);
    if (form_.fixed_length != 0 && held.size() >= form_.fixed_length) {
      begin_ += form_.fixed_length;
      ++number_;
      return held.substr(0, form_.fixed_length);
    }
    const std::size_t newline = form_.fixed_length != 0 ? std::string_view::npos : held.find('\n', searched);
    if (newline != std::string_view::npos) {
      begin_ += newline + 1;
      ++number_;
      return held.substr(0, newline);
    }
    searched = held.size();
    if (fill()) continue;
    if (begin_ == end_) return std::nullopt;
    if (form_.fixed_length != 0)
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' ends inside record {}", path_.string(), number_ + 1));
    const std::string_view last(buffer_.data() + begin_, end_ - begin_);
    begin_ = end_;
    ++number_;
    return last;
  }
}

RecordWriter::RecordWriter(const std::filesystem::path& path, RecordForm form)
    : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)), form_(form) {
  if (!fd_)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot write '{}': {}", path_.string(), errno_text(errno)));
}

RecordWriter::RecordWriter(UniqueFd pipe, std::filesystem::path path)
    : path_(std::move(path)), fd_(std::move(pipe)), file_(false) {}

void RecordWriter::add(std::string_view record) {
  buffer_ += record;
  if (form_.fixed_length == 0) buffer_ += '\n';
  if (buffer_.size() < kBlockBytes) return;
  write_all(fd_.get(), std::as_bytes(std::span(buffer_)), path_);
  buffer_.clear();
}

void RecordWriter::finish() {
  write_all(fd_.get(), std::as_bytes(std::span(buffer_)), path_);
  buffer_.clear();
  if (file_ && path_ != "/dev/null")
    sync_and_close(std::move(fd_), path_);
  else
    fd_ = UniqueFd();
}

}  // namespace ledgermill::job
