// SPDX-License-Identifier: Apache-2.0
#include "job/step_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/failure.h"
#include "base/file.h"
#include "job/step_log.h"

namespace ledgermill::job {

namespace {

using Clock = std::chrono::steady_clock;
using How = ProcessEnd::How;

constexpr auto kLookEvery = std::chrono::milliseconds(100);
constexpr auto kGrace = std::chrono::seconds(2);  // between SIGTERM and SIGKILL
constexpr int kReportFd = 3;
constexpr std::size_t kMostReportBytes = 64U << 10;

struct Pipe {
  UniqueFd read, write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a pipe: {}", errno_text(errno)));
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// ---- the child ----------------------------------------------------------------------------------------------------

void say(const std::string& line) { [[maybe_unused]] const ssize_t n = ::write(kReportFd, line.data(), line.size()); }

[[noreturn]] void give_up(const std::string& what) {
  say("cannot " + what + "\n");
  ::_exit(0);
}

void move_to_own_group(pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);  // it died before the line above
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) std::signal(signal, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Standard output and error are the pipes, 3 is the report, and nothing else is open.
void keep_three_pipes(const std::filesystem::path& input, const Pipe& out, const Pipe& err, const Pipe& report) {
  const char* const path = input.empty() ? "/dev/null" : input.c_str();
  const std::array<int, 4> wanted{::open(path, O_RDONLY | O_CLOEXEC), out.write.get(), err.write.get(),
                                  report.write.get()};
  std::array<int, 4> high{};
  for (std::size_t i = 0; i < wanted.size(); ++i) high.at(i) = ::fcntl(wanted.at(i), F_DUPFD, 10);
  for (std::size_t i = 0; i < wanted.size(); ++i) ::dup2(high.at(i), static_cast<int>(i));
  ::close_range(kReportFd + 1, UINT_MAX, 0);
  ::fcntl(kReportFd, F_SETFD, FD_CLOEXEC);
}

void take_environment(const std::vector<std::string>& environment) {
  ::clearenv();
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
  }
}

[[noreturn]] void run_executable(const ExecutableLaunch& launch) {
  if (launch.memory_bytes) {
    const rlimit limit{*launch.memory_bytes, *launch.memory_bytes};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) give_up(fmt::format("memory: {}", errno_text(errno)));
  }
  std::string name = launch.path.string();
  std::string parm = launch.parm.value_or("");
  std::array<char*, 3> argv{name.data(), launch.parm ? parm.data() : nullptr, nullptr};
  ::execv(name.c_str(), argv.data());
  give_up(fmt::format("'{}' cannot be executed: {}", name, errno_text(errno)));
}

[[noreturn]] void do_own_work(const OwnWork& work) {
  try {
    work();
    say("done\n");
  } catch (const Failure& failure) {
    say(fmt::format("failed {} {}\n", static_cast<int>(failure.code()), failure.fact()));
  } catch (const std::exception& unforeseen) {
    say(fmt::format("failed {} {}\n", static_cast<int>(ReturnCode::kUnavailable), unforeseen.what()));
  }
  ::_exit(0);
}

[[noreturn]] void be_child(const StepProcess& process, const Pipe& out, const Pipe& err, const Pipe& report,
                           pid_t parent) {
  move_to_own_group(parent);
  keep_three_pipes(process.standard_input, out, err, report);
  take_environment(process.environment);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (::chdir(process.folder.c_str()) != 0)
    give_up(fmt::format("'{}' cannot be entered: {}", process.folder.string(), errno_text(errno)));
  if (const auto* module = std::get_if<ModuleLaunch>(&process.work)) launch_module(*module, kReportFd);
  if (const auto* executable = std::get_if<ExecutableLaunch>(&process.work)) run_executable(*executable);
  do_own_work(std::get<OwnWork>(process.work));
}

// ---- the parent ---------------------------------------------------------------------------------------------------

/// The child's report as it comes (job/launch/launch.h has its words).
struct Report {
  std::string text;

  /// What stands behind the first line that begins with `word`; nothing when there is none.
  std::optional<std::string> of(std::string_view word) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string_view line(text.data() + at, end - at);
      at = end + 1;
      if (line == word) return "";
      if (line.starts_with(word) && line.size() > word.size() && line[word.size()] == ' ')
        return std::string(line.substr(word.size() + 1));
    }
    return std::nullopt;
  }
  std::optional<int> number_of(std::string_view word) const {
    const auto found = of(word);
    int number = 0;
    if (!found || std::from_chars(found->data(), found->data() + found->size(), number).ec != std::errc())
      return std::nullopt;
    return number;
  }
};

/// A child in work: what it says is taken, its time is watched.
class Watch {
 public:
  Watch(const StepProcess& process, pid_t pid, StepLog& log, Pipe out, Pipe err, Pipe report)
      : process_(process), pid_(pid), log_(log) {
    pipes_ = {std::move(out.read), std::move(err.read), std::move(report.read)};
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (alive_) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, &status_, 0);
    }
  }

  ProcessEnd until_end() {
    while (alive_) {
      take_what_is_there(kLookEvery);
      look_at_time();
      take_end();
      if (process_.progress) process_.progress(seconds(), log_.lines());
    }
    const auto until = Clock::now() + kGrace;
    while (any_open() && Clock::now() < until) take_what_is_there(kLookEvery);
    log_.finish();
    return judge();
  }

 private:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begun_).count(); }
  bool any_open() const { return pipes_[0] || pipes_[1] || pipes_[2]; }

  void take_what_is_there(std::chrono::milliseconds patience) {
    std::array<pollfd, 3> polled{};
    for (std::size_t i = 0; i < polled.size(); ++i) polled.at(i) = {pipes_.at(i).get(), POLLIN, 0};
    if (!any_open()) {
      ::poll(nullptr, 0, 1);
      return;
    }
    if (::poll(polled.data(), polled.size(), static_cast<int>(patience.count())) <= 0) {
      log_.flush();
      return;
    }
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled.at(i).revents != 0) take(i);
    }
  }

  /// Whatever the step left behind must not go on after it, nor hold our pipes; killed while the child's id, which is
  /// the group's, cannot be another's yet.
  void take_end() {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid_)
      return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
    alive_ = false;
  }

  void take(std::size_t pipe) {
    std::array<char, 64 << 10> bytes{};
    const ssize_t n = ::read(pipes_.at(pipe).get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
      pipes_.at(pipe) = UniqueFd();
      return;
    }
    const std::string_view taken(bytes.data(), static_cast<std::size_t>(n));
    if (pipe == 2) {
      if (report_.text.size() < kMostReportBytes) report_.text += taken;
    } else {
      log_.feed(pipe == 0 ? Stream::kOut : Stream::kErr, taken);
    }
  }

  void look_at_time() {
    const auto now = Clock::now();
    if (!asked_to_end_) {
      const bool late = now - begun_ > process_.timeout;
      if (!late && !process_.interrupted()) return;
      ended_by_ = late ? How::kTimeout : How::kInterrupted;
      asked_to_end_ = now;
      ::kill(-pid_, SIGTERM);
    } else if (now - *asked_to_end_ > kGrace) {
      ::kill(-pid_, SIGKILL);
    }
  }

  ProcessEnd judge() const {
    ProcessEnd end;
    end.seconds = seconds();
    end.log_lines = log_.lines();
    end.log_lines_left_out = log_.lines_left_out();
    const auto set = [&](How how, std::string words) {
      end.how = how;
      end.words = std::move(words);
    };
    const auto error = report_.of("error");
    if (ended_by_) {
      set(*ended_by_, *ended_by_ == How::kTimeout ? fmt::format("not ended after {} s", process_.timeout.count())
                                                  : "stopped on request");
    } else if (const auto cannot = report_.of("cannot")) {
      set(How::kNotStarted, *cannot);
    } else if (std::holds_alternative<ModuleLaunch>(process_.work) && !report_.of("begun")) {
      set(How::kNotStarted, "GnuCOBOL's run time ended before the program began: " + log_.last_words());
    } else if (const auto failed = report_.of("failed")) {
      set(How::kFailed, failed->substr(failed->find(' ') + 1));
      end.return_code = report_.number_of("failed").value_or(12);
    } else if (report_.of("done")) {
      end.how = How::kReturned;
    } else if (error) {
      set(speaks_of_memory(*error) ? How::kMemory : How::kRuntimeError, *error);
    } else if (const auto signal = report_.number_of("signal")) {
      end.signal = *signal;
      set(How::kSignal, signal_words(*signal));
    } else if (WIFSIGNALED(status_)) {
      end.signal = WTERMSIG(status_);
      set(How::kSignal, signal_words(end.signal));
    } else if (const auto returned = report_.number_of("returned")) {
      end.how = How::kReturned;
      end.return_code = *returned;
    } else if (const auto stopped = report_.number_of("stopped")) {
      end.how = How::kStopRun;
      end.return_code = *stopped;
    } else if (std::holds_alternative<ExecutableLaunch>(process_.work)) {
      judge_executable(end);
    } else {
      set(How::kSignal, "its process ended without saying how; a program called _exit?");
    }
    return end;
  }

  /// Of an executable only 8 bits and its last words are known: a runtime error of libcob ends it with status 1.
  void judge_executable(ProcessEnd& end) const {
    end.return_code = WEXITSTATUS(status_);
    end.how = How::kExited;
    if (end.return_code == 0 || log_.runtime_error().empty()) return;
    end.how = speaks_of_memory(log_.runtime_error()) ? How::kMemory : How::kRuntimeError;
    end.words = log_.runtime_error();
  }

  bool has_memory_limit() const {
    if (const auto* module = std::get_if<ModuleLaunch>(&process_.work)) return module->memory_bytes.has_value();
    if (const auto* executable = std::get_if<ExecutableLaunch>(&process_.work))
      return executable->memory_bytes.has_value();
    return false;
  }
  bool speaks_of_memory(std::string_view words) const {
    return has_memory_limit() && words.find("memory") != std::string_view::npos;
  }
  std::string signal_words(int signal) const {
    const std::string last = log_.last_words();
    return fmt::format("signal {} ({}){}{}", signal, ::sigdescr_np(signal), last.empty() ? "" : ": ", last);
  }

  const StepProcess& process_;
  pid_t pid_;
  StepLog& log_;
  std::array<UniqueFd, 3> pipes_;
  Report report_;
  Clock::time_point begun_ = Clock::now();
  std::optional<Clock::time_point> asked_to_end_;
  std::optional<How> ended_by_;
  bool alive_ = true;
  int status_ = 0;
};

}  // namespace

std::string_view how_name(How how) {
  switch (how) {
    case How::kReturned:
      return "returned";
    case How::kStopRun:
      return "stop run";
    case How::kExited:
      return "exited";
    case How::kRuntimeError:
      return "runtime error";
    case How::kSignal:
      return "signal";
    case How::kTimeout:
      return "timeout";
    case How::kMemory:
      return "memory";
    case How::kInterrupted:
      return "interrupted";
    case How::kNotStarted:
      return "not started";
    case How::kFailed:
      return "failed";
  }
  return "";
}

ProcessEnd run_process(const StepProcess& process) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  Pipe report = make_pipe();
  StepLog log(process.log, process.most_log_bytes);
  std::signal(SIGCHLD, SIG_DFL);  // a caller that ignores it would leave us without statuses
  std::fflush(nullptr);           // else the child would write a second time what is buffered
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a process: {}", errno_text(errno)));
  if (pid == 0) be_child(process, out, err, report, parent);
  ::setpgid(pid, pid);  // both sides, so that neither runs before it is done
  for (Pipe* pipe : {&out, &err, &report}) pipe->write = UniqueFd();
  return Watch(process, pid, log, std::move(out), std::move(err), std::move(report)).until_end();
}

}  // namespace ledgermill::job
