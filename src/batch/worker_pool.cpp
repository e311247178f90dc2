// SPDX-License-Identifier: Apache-2.0
#include "batch/worker_pool.h"

#include <fmt/core.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>

#include "base/check.h"
#include "base/failure.h"
#include "base/file.h"
#include "batch/interruption.h"

namespace ledgermill::batch {

namespace {

constexpr int kTickMs = 200;
constexpr int kMostDeathsOnOneChunk = 3;
constexpr int kMostDeathsOfWorkers = 20;  // of workers that claim for themselves, in one run

/// What a worker sends: this header, then `bytes` bytes.
struct Message {
  enum class Kind : std::uint32_t { kResult, kFailure, kDone } kind{};
  std::uint32_t chunk = 0;
  std::int32_t return_code = 0;  // kFailure
  std::uint32_t fact_bytes = 0;  // kFailure: the payload is fact, then hint
  std::uint64_t bytes = 0;
};

bool send_all(int fd, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::send(fd, at, bytes, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

/// False at the end of the stream: the other side is gone.
bool receive_all(int fd, void* data, std::size_t bytes) {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::recv(fd, at, bytes, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

struct Worker {
  pid_t pid = 0;
  UniqueFd socket;
  std::optional<ChunkNumber> chunk;  // in its hands now
};

std::string ending_text(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

void send_failure(int fd, const Failure& failure) {
  const std::string text = failure.fact() + failure.hint();
  Message message;
  message.kind = Message::Kind::kFailure;
  message.return_code = static_cast<std::int32_t>(failure.code());
  message.fact_bytes = static_cast<std::uint32_t>(failure.fact().size());
  message.bytes = text.size();
  if (send_all(fd, &message, sizeof message)) send_all(fd, text.data(), text.size());
}

/// Runs `body(socket)` in a new process. What `body` throws is sent as a message; a defect (LM_CHECK) aborts.
Worker start_worker(const std::function<void(int)>& body, int signal_when_parent_dies) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Failure(ReturnCode::kUnavailable, "cannot make a worker's channel: " + errno_text(errno));
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  std::fflush(nullptr);  // or the child would print the parent's buffered text again
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw Failure(ReturnCode::kUnavailable, "cannot start a worker: " + errno_text(errno));
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, signal_when_parent_dies);
    if (::getppid() != parent) ::_exit(0);
    ours = UniqueFd();
    // A chunk's columns are as large as the last chunk's: their pages are kept, not given back and faulted in again.
    ::mallopt(M_MMAP_THRESHOLD, 256 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
    std::signal(SIGINT, SIG_IGN);  // a terminal's ^C reaches the parent, which tells its workers
    int status = 0;
    try {
      body(theirs.get());
    } catch (const Failure& failure) {
      send_failure(theirs.get(), failure);
    } catch (const std::exception& unforeseen) {
      send_failure(theirs.get(),
                   Failure(ReturnCode::kDefect, fmt::format("a worker met a defect: {}", unforeseen.what())));
      status = 1;
    }
    ::_exit(status);
  }
  return {pid, std::move(ours), std::nullopt};
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// Ends workers that are still alive; runs however the parent leaves.
class WorkerSet {
 public:
  std::vector<Worker> workers;
  ~WorkerSet() {
    for (Worker& worker : workers) {
      if (worker.pid > 0) ::kill(worker.pid, SIGKILL);
    }
    for (Worker& worker : workers) {
      if (worker.pid > 0) reap(worker.pid);
    }
  }
};

[[noreturn]] void rethrow_failure(Worker& worker, const Message& message) {
  std::string text(message.bytes, '\0');
  if (!receive_all(worker.socket.get(), text.data(), text.size())) text = "a worker ended while telling why";
  const std::size_t cut = std::min<std::size_t>(message.fact_bytes, text.size());
  throw Failure(static_cast<ReturnCode>(message.return_code), text.substr(0, cut), text.substr(cut));
}

/// Waits until a worker has something to say, or a tick has passed.
std::vector<pollfd> wait_for_workers(const std::vector<Worker>& workers) {
  std::vector<pollfd> polled;
  for (const Worker& worker : workers) polled.push_back({worker.socket.get(), POLLIN, 0});
  if (::poll(polled.data(), polled.size(), kTickMs) < 0) {
    LM_CHECK(errno == EINTR, "poll fails only when a signal came");
    for (pollfd& entry : polled) entry.revents = 0;
  }
  return polled;
}

/// The worker's side of deal_chunks: work on the chunks that the parent names until it closes the channel.
void serve_chunks(int fd, const MakeChunkWork& make_work) {
  ChunkWork work;
  std::uint32_t number = 0;
  while (receive_all(fd, &number, sizeof number)) {
    if (!work) work = make_work();
    const std::vector<std::byte> result = work(ChunkNumber{number});
    Message message;
    message.kind = Message::Kind::kResult;
    message.chunk = number;
    message.bytes = result.size();
    if (!send_all(fd, &message, sizeof message) || !send_all(fd, result.data(), result.size())) return;
  }
}

class Dealer {
 public:
  Dealer(unsigned workers, const MakeChunkWork& make_work, const ChunkFlow& flow) : make_work_(make_work), flow_(flow) {
    for (unsigned i = 0; i < workers; ++i) set_.workers.push_back(start());
  }

  void run() {
    for (Worker& worker : set_.workers) deal(worker);
    while (std::any_of(set_.workers.begin(), set_.workers.end(), [](const Worker& w) { return w.chunk.has_value(); })) {
      const std::vector<pollfd> polled = wait_for_workers(set_.workers);
      for (std::size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents != 0) hear(set_.workers[i]);
      }
      if (flow_.tick) flow_.tick();
      stop_if_interrupted();
    }
  }

 private:
  Worker start() {
    return start_worker([this](int fd) { serve_chunks(fd, make_work_); }, SIGKILL);
  }

  void deal(Worker& worker) {
    if (!returned_.empty()) {
      worker.chunk = returned_.back();
      returned_.pop_back();
    } else {
      worker.chunk = flow_.next();
    }
    if (!worker.chunk) return;
    const std::uint32_t number = to_int(*worker.chunk);
    if (!send_all(worker.socket.get(), &number, sizeof number)) replace(worker);
  }

  void hear(Worker& worker) {
    Message message;
    if (!receive_all(worker.socket.get(), &message, sizeof message)) return replace(worker);
    if (message.kind == Message::Kind::kFailure) rethrow_failure(worker, message);
    result_.resize(message.bytes);
    if (!receive_all(worker.socket.get(), result_.data(), result_.size())) return replace(worker);
    const ChunkNumber chunk = *std::exchange(worker.chunk, std::nullopt);
    LM_CHECK(to_int(chunk) == message.chunk, "a worker answers for the chunk it was dealt");
    deal(worker);  // first, so that it works while the parent takes
    flow_.take(chunk, result_);
  }

  void replace(Worker& worker) {
    const int status = reap(std::exchange(worker.pid, 0));
    const std::optional<ChunkNumber> chunk = std::exchange(worker.chunk, std::nullopt);
    if (chunk) {
      if (++deaths_[*chunk] >= kMostDeathsOnOneChunk) {
        throw Failure(ReturnCode::kDefect,
                      fmt::format("{} workers died on chunk {}, the last one {}", deaths_[*chunk], to_int(*chunk),
                                  ending_text(status)),
                      "nothing of the chunk was posted; please report this with the feed definition");
      }
      returned_.push_back(*chunk);
    }
    worker = start();
    deal(worker);
  }

  const MakeChunkWork& make_work_;
  const ChunkFlow& flow_;
  WorkerSet set_;
  std::vector<ChunkNumber> returned_;  // of workers that died
  std::map<ChunkNumber, int> deaths_;
  std::vector<std::byte> result_;
};

}  // namespace

void deal_chunks(unsigned workers, const MakeChunkWork& make_work, const ChunkFlow& flow) {
  LM_CHECK(workers > 0, "work needs a worker");
  Dealer(workers, make_work, flow).run();
}

void run_workers(unsigned workers, const std::function<void()>& body, const std::function<void()>& tick) {
  LM_CHECK(workers > 0, "work needs a worker");
  const auto serve = [&body](int fd) {
    body();
    Message done;
    done.kind = Message::Kind::kDone;
    send_all(fd, &done, sizeof done);
  };
  WorkerSet set;
  for (unsigned i = 0; i < workers; ++i) set.workers.push_back(start_worker(serve, SIGTERM));
  int deaths = 0;
  bool told_to_stop = false;
  while (!set.workers.empty()) {
    const std::vector<pollfd> polled = wait_for_workers(set.workers);
    for (std::size_t i = polled.size(); i-- > 0;) {
      if (polled[i].revents == 0) continue;
      Worker& worker = set.workers[i];
      Message message;
      const bool spoke = receive_all(worker.socket.get(), &message, sizeof message);
      if (spoke && message.kind == Message::Kind::kFailure && !told_to_stop) rethrow_failure(worker, message);
      const int status = reap(std::exchange(worker.pid, 0));
      if (spoke || told_to_stop) {
        set.workers.erase(set.workers.begin() + static_cast<std::ptrdiff_t>(i));
      } else if (++deaths >= kMostDeathsOfWorkers) {
        throw Failure(ReturnCode::kDefect, fmt::format("{} workers died, the last one {}", deaths, ending_text(status)),
                      "the ledger holds whole chunks only; please report this");
      } else {
        worker = start_worker(serve, SIGTERM);
      }
    }
    if (tick) tick();
    if (interrupted() && !told_to_stop) {
      told_to_stop = true;
      for (const Worker& worker : set.workers) ::kill(worker.pid, SIGTERM);
    }
  }
  stop_if_interrupted();
}

unsigned usable_processors() {
  cpu_set_t set;
  unsigned count = 1;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) count = static_cast<unsigned>(CPU_COUNT(&set));
  std::ifstream limit("/sys/fs/cgroup/cpu.max");  // "200000 100000", or "max 100000"
  double quota = 0;
  double period = 0;
  if (limit >> quota >> period && quota > 0 && period > 0) {
    count = std::min(count, static_cast<unsigned>(std::max(1.0, quota / period)));
  }
  return std::max(1U, count);
}

}  // namespace ledgermill::batch
