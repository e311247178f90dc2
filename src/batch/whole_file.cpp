// SPDX-License-Identifier: Apache-2.0
#include "batch/whole_file.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/failure.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kBufferBytes = 1U << 20;
}  // namespace

WholeFile::WholeFile(fs::path path) : path_(std::move(path)), partial_(path_.string() + ".partial") {
  if (!path_.parent_path().empty()) {
    std::error_code error;
    fs::create_directories(path_.parent_path(), error);
  }
  fd_ = UniqueFd(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!fd_)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot create '{}': {}", partial_.string(), errno_text(errno)));
}

WholeFile::~WholeFile() {
  std::error_code error;
  if (fd_) fs::remove(partial_, error);
}

void WholeFile::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
}

void WholeFile::finish() {
  flush();
  sync_and_close(std::move(fd_), partial_);
  std::error_code error;
  fs::rename(partial_, path_, error);
  if (error)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot rename '{}': {}", partial_.string(), error.message()));
}

void WholeFile::flush() {
  write_all(fd_.get(), std::as_bytes(std::span(buffer_)), partial_);
  buffer_.clear();
}

}  // namespace ledgermill::batch
