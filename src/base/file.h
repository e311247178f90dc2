// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ledgermill {

/// Owns a file descriptor. Closing in the destructor ignores the result: whoever wrote calls `close_checked`.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// Reads exactly `out.size()` bytes at `offset`. An I/O error or an early end of file is a Failure (RC 12, RC 8) that
/// names `path`: EIO is never end-of-file (design, invariant 10).
void read_exactly_at(int fd, std::uint64_t offset, std::span<std::byte> out, const std::filesystem::path& path);

/// Reads up to `out.size()` bytes at `offset`; fewer only at the end of the file. Failure (RC 12) on an I/O error.
std::size_t read_some_at(int fd, std::uint64_t offset, std::span<std::byte> out, const std::filesystem::path& path);

/// Writes all of `bytes` at the descriptor's position; Failure (RC 12) that names `path` (disk full, I/O error).
void write_all(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path);

/// fsync, then close, both results checked (Mountpoint for S3 tells of a lost object only here). Failure: RC 12.
void sync_and_close(UniqueFd fd, const std::filesystem::path& path);

/// The whole of a small regular file; Failure (RC 8) when it is missing, larger than `most_bytes` or not a file.
std::string read_small_file(const std::filesystem::path& path, std::size_t most_bytes = 16U << 20);

/// Creates `path` (which must not exist: O_EXCL), writes, syncs, closes. False when the file exists already.
[[nodiscard]] bool create_new_file(const std::filesystem::path& path, std::string_view content);

}  // namespace ledgermill
