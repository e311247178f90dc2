// SPDX-License-Identifier: Apache-2.0
#include "feed/source_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/failure.h"

namespace ledgermill::feed {

namespace {

/// A file name for a message: control characters cannot reach the terminal.
std::string shown(const std::filesystem::path& path) {
  std::string safe;
  for (const char c : path.string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      safe += fmt::format("\\x{:02x}", byte);
    else
      safe += c;
  }
  return safe;
}

Failure refuse(const std::filesystem::path& path, std::string_view what, std::string hint) {
  return Failure(ReturnCode::kRefused, fmt::format("'{}' {}", shown(path), what), std::move(hint));
}

void refuse_unless_regular(const struct stat& status, const std::filesystem::path& path) {
  if (S_ISREG(status.st_mode)) return;
  const char* what = S_ISDIR(status.st_mode)    ? "is a folder"
                     : S_ISFIFO(status.st_mode) ? "is a pipe"
                     : S_ISLNK(status.st_mode)  ? "is a symbolic link"
                                                : "is a device or socket";
  throw refuse(path, what,
               S_ISDIR(status.st_mode) ? "name the files in it, or use --inbox"
                                       : "a feed file is a regular file: it is read twice, and must not change");
}

struct Magic {
  std::string_view bytes;
  const char* what;
  const char* hint;
};
constexpr const char* kUnpack = "unpack it first; compressed feed files are not read";
constexpr const char* kRecode = "convert it to UTF-8 first, e.g. with iconv";
using namespace std::string_view_literals;
constexpr std::array<Magic, 9> kMagics{{{"\x1f\x8b"sv, "is compressed by gzip", kUnpack},
                                        {"PK\x03\x04"sv, "is a zip archive", kUnpack},
                                        {"\x28\xb5\x2f\xfd"sv, "is compressed by zstd", kUnpack},
                                        {"BZh"sv, "is compressed by bzip2", kUnpack},
                                        {"\xfd"
                                         "7zXZ"sv,
                                         "is compressed by xz", kUnpack},
                                        {"\xff\xfe\x00\x00"sv, "is UTF-32 text", kRecode},
                                        {"\x00\x00\xfe\xff"sv, "is UTF-32 text", kRecode},
                                        {"\xff\xfe"sv, "is UTF-16 text", kRecode},
                                        {"\xfe\xff"sv, "is UTF-16 text", kRecode}}};

/// Text without a byte-order mark whose every second byte is NUL.
bool looks_like_utf16(std::string_view head) {
  if (head.size() < 4) return false;
  std::size_t even_nuls = 0;
  std::size_t odd_nuls = 0;
  for (std::size_t i = 0; i < head.size(); ++i) (i % 2 == 0 ? even_nuls : odd_nuls) += head[i] == 0 ? 1U : 0U;
  const std::size_t pairs = head.size() / 2;
  return (even_nuls >= pairs * 9 / 10 && odd_nuls == 0) || (odd_nuls >= pairs * 9 / 10 && even_nuls == 0);
}

}  // namespace

SourceFile::SourceFile(std::filesystem::path path) : path_(std::move(path)) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) {
    const int error = errno;
    const bool missing =
        error == ENOENT || error == ENOTDIR || error == EACCES || error == ENAMETOOLONG || error == ELOOP;
    throw Failure(missing ? ReturnCode::kRefused : ReturnCode::kUnavailable,
                  fmt::format("cannot open '{}': {}", shown(path_), errno_text(error)));
  }
  refuse_unless_regular(status, path_);
  fd_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd_ || ::fstat(fd_.get(), &status) != 0) {
    throw Failure(errno == EACCES || errno == ELOOP ? ReturnCode::kRefused : ReturnCode::kUnavailable,
                  fmt::format("cannot open '{}': {}", shown(path_), errno_text(errno)));
  }
  refuse_unless_regular(status, path_);
  bytes_ = static_cast<std::uint64_t>(status.st_size);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  modified_ = status.st_mtim;
  if (bytes_ == 0) {
    throw refuse(path_, "is empty (0 bytes)",
                 "a file without records still has its header line; was it cut on its way?");
  }
  std::array<char, 256> buffer{};
  const std::size_t size = read_some_at(fd_.get(), 0, std::as_writable_bytes(std::span(buffer)), path_);
  const std::string_view head(buffer.data(), size);
  for (const Magic& magic : kMagics) {
    if (head.substr(0, magic.bytes.size()) == magic.bytes) throw refuse(path_, magic.what, magic.hint);
  }
  if (looks_like_utf16(head)) throw refuse(path_, "looks like UTF-16 text", kRecode);
}

void SourceFile::check_unchanged() const {
  struct stat by_descriptor {};
  struct stat by_name {};
  const bool there = ::fstat(fd_.get(), &by_descriptor) == 0 && ::lstat(path_.c_str(), &by_name) == 0;
  const auto same = [&](const struct stat& now) {
    return static_cast<std::uint64_t>(now.st_size) == bytes_ && now.st_mtim.tv_sec == modified_.tv_sec &&
           now.st_mtim.tv_nsec == modified_.tv_nsec && now.st_ino == inode_ && now.st_dev == device_;
  };
  if (!there || !same(by_descriptor) || !same(by_name)) {
    throw refuse(path_, "changed while it was read",
                 "is it still being written? deliver it whole, then run the same command again");
  }
}

}  // namespace ledgermill::feed
