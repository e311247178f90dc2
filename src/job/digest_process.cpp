// SPDX-License-Identifier: Apache-2.0
#include "job/digest_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <span>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "job/file_blocks.h"

namespace ledgermill::job {

namespace {

constexpr std::uintmax_t kWorthAProcess = 4U << 20;

[[noreturn]] void be_child(const std::filesystem::path& file, int pipe, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  std::signal(SIGINT, SIG_IGN);  // a terminal's ^C reaches the parent, which ends us
  try {
    const Digest digest = digest_of(file);
    if (::write(pipe, digest.bytes.data(), digest.bytes.size()) != static_cast<ssize_t>(digest.bytes.size()))
      ::_exit(1);
  } catch (const std::exception&) {
    ::_exit(1);  // the parent sees that no digest came
  }
  ::_exit(0);
}

}  // namespace

DigestProcess::DigestProcess(const std::filesystem::path& file) : file_(file) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  if (error || bytes < kWorthAProcess) return;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a pipe: {}", errno_text(errno)));
  pipe_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a process: {}", errno_text(errno)));
  if (pid_ == 0) be_child(file_, theirs.get(), parent);
}

DigestProcess::~DigestProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Digest DigestProcess::get() {
  if (pid_ == 0) return digest_of(file_);
  Digest digest;
  std::size_t have = 0;
  while (have < digest.bytes.size()) {
    const ssize_t n = ::read(pipe_.get(), digest.bytes.data() + have, digest.bytes.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw Failure(ReturnCode::kUnavailable, fmt::format("cannot read '{}' to its end", file_.string()),
                    "run the same command again when the storage answers");
    have += static_cast<std::size_t>(n);
  }
  const pid_t ended = std::exchange(pid_, 0);
  while (::waitpid(ended, nullptr, 0) < 0 && errno == EINTR) {
  }
  return digest;
}

}  // namespace ledgermill::job
