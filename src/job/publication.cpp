// SPDX-License-Identifier: Apache-2.0
#include "job/publication.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <set>
#include <span>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

Failure failed(std::string_view doing, const std::string& path, int error) {
  return Failure(ReturnCode::kUnavailable, fmt::format("cannot {} '{}': {}", doing, path, errno_text(error)),
                 "the same command goes on from here when the storage answers");
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

Failure taken(const Move& move) {
  return Failure(ReturnCode::kRefused,
                 fmt::format("'{}' is there already; the step's output waits as '{}'", move.to, move.from),
                 "move it away, then run the same command; or say 'replace: true' at the DD");
}

/// renameat2 where the file system knows RENAME_NOREPLACE, else link and unlink: both refuse a name that is taken.
void place(const Move& move) {
  if (::renameat2(AT_FDCWD, move.from.c_str(), AT_FDCWD, move.to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EEXIST) throw taken(move);
  if (errno != EINVAL && errno != ENOSYS) throw failed("give its name to", move.to, errno);
  if (::link(move.from.c_str(), move.to.c_str()) != 0) {
    if (errno == EEXIST) throw taken(move);
    throw failed("give its name to", move.to, errno);
  }
  if (::unlink(move.from.c_str()) != 0) throw failed("remove", move.from, errno);
}

void complete(const Move& move) {
  if (move.kind == Move::Kind::kDelete) {
    if (::unlink(move.to.c_str()) != 0 && errno != ENOENT) throw failed("delete", move.to, errno);
    return;
  }
  if (!exists(move.from)) {
    if (exists(move.to)) return;  // moved before a kill
    throw Failure(ReturnCode::kRefused, fmt::format("neither '{}' nor '{}' is there any more", move.from, move.to),
                  "somebody removed the step's output; begin anew with --new");
  }
  if (move.kind == Move::Kind::kPlace) return place(move);
  if (::rename(move.from.c_str(), move.to.c_str()) != 0) throw failed("give its name to", move.to, errno);
}

}  // namespace

void complete_moves(const std::vector<Move>& moves) {
  for (const Move& move : moves) {  // all or none, as far as can be known beforehand
    if (move.kind == Move::Kind::kPlace && exists(move.from) && exists(move.to)) throw taken(move);
  }
  std::set<fs::path> folders;
  for (const Move& move : moves) {
    complete(move);
    folders.insert(fs::path(move.to).parent_path());
  }
  for (const fs::path& folder : folders) sync_folder(folder);
}

void sync_folder(const fs::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: a file system that keeps folders durable by itself.
  if (!fd || (::fsync(fd.get()) != 0 && errno != EINVAL)) throw failed("sync the folder", folder.string(), errno);
}

void sync_file(const fs::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw failed("open", file.string(), errno);
  sync_and_close(std::move(fd), file);
}

void write_atomically(const fs::path& path, std::string_view text) {
  const fs::path beside = path.string() + ".part";
  UniqueFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!fd) throw failed("write", beside.string(), errno);
  write_all(fd.get(), std::as_bytes(std::span(text)), beside);
  sync_and_close(std::move(fd), beside);
  if (::rename(beside.c_str(), path.c_str()) != 0) throw failed("write", path.string(), errno);
  sync_folder(path.parent_path());
}

}  // namespace ledgermill::job
