// SPDX-License-Identifier: Apache-2.0
#include "job/output_follower.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <utility>

#include "base/failure.h"
#include "job/file_blocks.h"

namespace ledgermill::job {

namespace {

constexpr int kPauseMilliseconds = 10;
constexpr std::uint64_t kWorthFollowing = 4U << 20;

/// The child's work: what is full is digested, the rest when the step has ended.
class Following {
 public:
  Following(const std::filesystem::path& file, int control) : file_(file), control_(control), block_(kBlockBytes) {}

  /// False where there is nothing to tell.
  bool run(OutputFollower::Followed& followed) {
    while (!ended(kPauseMilliseconds)) {
      while (open_when_large() && take_block(false) && !ended(0)) {
      }
    }
    if (!open_when_large()) return false;
    while (take_block(true)) {
    }
    followed = {sha_.finish(), at_, std::move(sums_)};
    return true;
  }

 private:
  bool ended(int milliseconds) const {
    pollfd control{control_, POLLIN, 0};
    return ::poll(&control, 1, milliseconds) > 0;
  }

  bool open_when_large() {
    if (fd_) return true;
    struct stat status {};
    if (::stat(file_.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
        static_cast<std::uint64_t>(status.st_size) < kWorthFollowing)
      return false;
    fd_ = UniqueFd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    return static_cast<bool>(fd_);
  }

  /// False when there is no full block yet; `last`: what is left is taken too.
  bool take_block(bool last) {
    if (!last) {
      struct stat status {};
      if (::fstat(fd_.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < at_ + kBlockBytes)
        return false;
    }
    const std::size_t n = read_some_at(fd_.get(), at_, block_, file_);
    if (n == 0 || (!last && n < kBlockBytes)) return false;
    const auto bytes = std::span<const std::byte>(block_).first(n);
    sha_.update(bytes);
    sums_.push_back(block_sum(bytes));
    // Only begun, not waited for: fsync at the end then has less to do. Where it cannot be, fsync does it all.
    ::sync_file_range(fd_.get(), static_cast<off_t>(at_), static_cast<off_t>(n), SYNC_FILE_RANGE_WRITE);
    at_ += n;
    return n == kBlockBytes;
  }

  const std::filesystem::path& file_;
  int control_;
  UniqueFd fd_;
  Sha256 sha_;
  std::vector<std::byte> block_;
  std::vector<std::uint64_t> sums_;
  std::uint64_t at_ = 0;
};

[[noreturn]] void be_child(const std::filesystem::path& file, int control, int result, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  std::signal(SIGINT, SIG_IGN);  // a terminal's ^C reaches the parent, which ends us
  try {
    OutputFollower::Followed followed;
    if (!Following(file, control).run(followed)) ::_exit(0);
    write_all(result, std::as_bytes(std::span(followed.digest.bytes)), file);
    write_all(result, std::as_bytes(std::span(&followed.bytes, 1)), file);
    write_all(result, std::as_bytes(std::span(followed.sums)), file);
  } catch (const std::exception&) {
    ::_exit(1);  // the parent sees that not all came
  }
  ::_exit(0);
}

std::string read_to_end(int fd) {
  std::string all;
  std::array<char, 1 << 16> part{};
  while (true) {
    const ssize_t n = ::read(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return all;
    all.append(part.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

OutputFollower::OutputFollower(const std::filesystem::path& file) {
  std::array<int, 2> control{};
  std::array<int, 2> result{};
  // A byte says the end, not that our side is closed: followers begun later hold copies of it. A socket, so that a
  // follower that was killed does not kill us by SIGPIPE.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control.data()) != 0)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a socket: {}", errno_text(errno)));
  const UniqueFd theirs(control[0]);
  control_ = UniqueFd(control[1]);
  if (::pipe2(result.data(), O_CLOEXEC) != 0)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a pipe: {}", errno_text(errno)));
  result_ = UniqueFd(result[0]);
  const UniqueFd results(result[1]);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a process: {}", errno_text(errno)));
  if (pid_ > 0) return;
  be_child(file, theirs.get(), results.get(), parent);
}

OutputFollower::~OutputFollower() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<OutputFollower::Followed> OutputFollower::finish() {
  constexpr char kEnd = 'e';
  ::send(control_.get(), &kEnd, 1, MSG_NOSIGNAL);  // one that is gone is seen below
  const std::string text = read_to_end(result_.get());
  int status = 0;
  const pid_t ended = std::exchange(pid_, 0);
  while (::waitpid(ended, &status, 0) < 0 && errno == EINTR) {
  }
  Followed followed;
  const std::size_t head = followed.digest.bytes.size() + sizeof followed.bytes;
  if (text.size() < head || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  std::memcpy(followed.digest.bytes.data(), text.data(), followed.digest.bytes.size());
  std::memcpy(&followed.bytes, text.data() + followed.digest.bytes.size(), sizeof followed.bytes);
  followed.sums.resize((text.size() - head) / sizeof(std::uint64_t));
  std::memcpy(followed.sums.data(), text.data() + head, followed.sums.size() * sizeof(std::uint64_t));
  if (followed.sums.size() != (followed.bytes + kBlockBytes - 1) / kBlockBytes) return std::nullopt;
  return followed;
}

}  // namespace ledgermill::job
