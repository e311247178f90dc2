// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.h"

namespace ledgermill {

namespace {
Failure io_failure(std::string_view doing, const std::filesystem::path& path, int error) {
  const char* hint = error == ENOSPC || error == EDQUOT ? "make room on the disk, then run the same command again"
                                                        : "run the same command again when the storage answers";
  return Failure(ReturnCode::kUnavailable, fmt::format("{} '{}': {}", doing, path.string(), errno_text(error)), hint);
}
}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t read_some_at(int fd, std::uint64_t offset, std::span<std::byte> out, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n == 0) break;
    if (n < 0) {
      if (errno == EINTR) continue;
      throw io_failure("cannot read", path, errno);
    }
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void read_exactly_at(int fd, std::uint64_t offset, std::span<std::byte> out, const std::filesystem::path& path) {
  const std::size_t done = read_some_at(fd, offset, out, path);
  if (done != out.size()) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("'{}' ends at byte {}, {} bytes earlier than when it was surveyed", path.string(),
                              offset + done, out.size() - done),
                  "the file was cut while it was read; deliver it again, its bytes are a new batch");
  }
}

void write_all(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      throw io_failure("cannot write", path, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void sync_and_close(UniqueFd fd, const std::filesystem::path& path) {
  if (::fsync(fd.get()) != 0) throw io_failure("cannot sync", path, errno);
  if (::close(fd.release()) != 0) throw io_failure("cannot close", path, errno);
}

std::string read_small_file(const std::filesystem::path& path, std::size_t most_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    throw Failure(ReturnCode::kRefused, fmt::format("cannot open '{}': {}", path.string(), errno_text(errno)));
  }
  if (!S_ISREG(status.st_mode))
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is not a regular file", path.string()));
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > most_bytes) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("'{}' has {} bytes; at most {} are read", path.string(), size, most_bytes));
  }
  std::string content(size, '\0');
  content.resize(read_some_at(fd.get(), 0, std::as_writable_bytes(std::span(content)), path));
  return content;
}

bool create_new_file(const std::filesystem::path& path, std::string_view content) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (!fd) {
    if (errno == EEXIST) return false;
    throw io_failure("cannot create", path, errno);
  }
  write_all(fd.get(), std::as_bytes(std::span(content)), path);
  sync_and_close(std::move(fd), path);
  return true;
}

}  // namespace ledgermill
