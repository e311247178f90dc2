// SPDX-License-Identifier: Apache-2.0
#include "job/step_log.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>

#include "base/failure.h"
#include "record/business_date.h"

namespace ledgermill::job {

namespace {

constexpr std::size_t kLongestPiece = 32U << 10;
constexpr std::size_t kBufferBytes = 64U << 10;
constexpr std::size_t kMostLastWords = 300;

/// "2025-03-30T10:00:00.123456Z"
std::string time_text() {
  const Timestamp now{
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
  std::string text = now.text();
  text.replace(text.size() - 4, 4, "Z");  // microseconds
  return text;
}

}  // namespace

StepLog::StepLog(std::filesystem::path path, std::uint64_t most_bytes)
    : path_(std::move(path)),
      most_bytes_(most_bytes),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)) {
  if (!fd_)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot write '{}': {}", path_.string(), errno_text(errno)));
}

void StepLog::feed(Stream stream, std::string_view bytes) {
  std::string& partial = partial_.at(static_cast<std::size_t>(stream));
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t room = kLongestPiece - partial.size();
    const std::size_t taken = std::min({bytes.size(), end, room});
    partial += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    const bool ended = !bytes.empty() && bytes.front() == '\n';
    if (ended) bytes.remove_prefix(1);
    if (ended || partial.size() == kLongestPiece) {
      line(stream, partial);
      partial.clear();
    }
  }
}

void StepLog::line(Stream stream, std::string_view text) {
  ++lines_;
  if (!text.empty()) last_.at(static_cast<std::size_t>(stream)) = text.substr(0, kMostLastWords);
  if (stream == Stream::kErr && text.starts_with("libcob: ") && text.find("error: ") != std::string_view::npos)
    runtime_error_ = text.substr(0, kMostLastWords);
  const std::string head = time_text() + (stream == Stream::kOut ? " out " : " err ");
  if (left_out_lines_ > 0 || bytes_ + head.size() + text.size() + 1 > most_bytes_) {
    ++left_out_lines_;
    left_out_bytes_ += text.size() + 1;
    return;
  }
  bytes_ += head.size() + text.size() + 1;
  buffer_ += head;
  buffer_ += text;
  buffer_ += '\n';
  if (buffer_.size() >= kBufferBytes) flush();
}

void StepLog::flush() {
  write_all(fd_.get(), std::as_bytes(std::span(buffer_)), path_);
  buffer_.clear();
}

void StepLog::finish() {
  for (const Stream stream : {Stream::kOut, Stream::kErr}) {
    std::string& partial = partial_.at(static_cast<std::size_t>(stream));
    if (!partial.empty()) line(stream, partial);
    partial.clear();
  }
  if (left_out_lines_ > 0)
    buffer_ += fmt::format("{} log the log is full at {} bytes: {} lines of {} bytes more are not kept\n", time_text(),
                           most_bytes_, left_out_lines_, left_out_bytes_);
  flush();
  sync_and_close(std::move(fd_), path_);
}

}  // namespace ledgermill::job
