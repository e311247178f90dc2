// SPDX-License-Identifier: Apache-2.0
#include "rules/judge/judge_process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#if defined(__SANITIZE_ADDRESS__)
#define LEDGERMILL_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#define LEDGERMILL_ADDRESS_SANITIZER __has_feature(address_sanitizer)
#else
#define LEDGERMILL_ADDRESS_SANITIZER 0
#endif

namespace ledgermill::rules {

namespace {

long futex(JudgeChannel& channel, int operation, std::uint32_t value, const timespec* timeout) {
  return ::syscall(SYS_futex, &channel.state, operation, value, timeout, nullptr, 0);
}

/// No descriptors, no environment, no core file, no debugger, little memory: the module is somebody else's code.
void drop_privileges(const JudgeTask& task, int parent_pid) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent_pid) ::_exit(0);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE})
    std::signal(signal, SIG_IGN);  // the worker decides when a judge ends
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
  ::close_range(3, UINT_MAX, 0);
  ::clearenv();
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::prctl(PR_SET_DUMPABLE, 0);
#if !LEDGERMILL_ADDRESS_SANITIZER  // it reserves terabytes
  constexpr rlim_t kMostData = rlim_t{2} << 30;
  const rlimit data{kMostData, kMostData};
  ::setrlimit(RLIMIT_DATA, &data);
#endif
  ::mprotect(task.columns.data(), task.columns.size(), PROT_READ);
}

[[noreturn]] void give_up(JudgeChannel& channel, const char* what, const char* detail) {
  std::snprintf(channel.words.data(), channel.words.size(), "%s: %s", what,
                detail == nullptr ? "no further words" : detail);
  set_state(channel, JudgeChannel::State::kUnusable);
  ::_exit(0);
}

/// cobc's name for a program's entry: '-' becomes "__", a leading digit gets a '_'.
std::string entry_name(const std::string& program) {
  std::string name;
  if (!program.empty() && program[0] >= '0' && program[0] <= '9') name += '_';
  for (const char c : program) c == '-' ? name += "__" : name += c;
  return name;
}

using Entry = int (*)(void* block, void* columns, void* flags);

Entry load(const JudgeTask& task) {
  void* libcob = ::dlopen("libcob.so.4", RTLD_NOW | RTLD_GLOBAL);
  if (libcob == nullptr)
    give_up(*task.channel, "GnuCOBOL's run time cannot be loaded; install the package libcob4 (or gnucobol3)",
            ::dlerror());
  const auto init = reinterpret_cast<void (*)(int, char**)>(::dlsym(libcob, "cob_init"));
  if (init == nullptr) give_up(*task.channel, "libcob has no cob_init", ::dlerror());
  init(0, nullptr);
  void* module = ::dlopen(task.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) give_up(*task.channel, "the module cannot be loaded", ::dlerror());
  const auto entry = reinterpret_cast<Entry>(::dlsym(module, entry_name(task.program).c_str()));
  if (entry == nullptr) give_up(*task.channel, "the library holds no program of the module's name", ::dlerror());
  return entry;
}

}  // namespace

void wait_while(JudgeChannel& channel, JudgeChannel::State from, int timeout_ms) {
  const timespec timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1'000'000L};
  futex(channel, FUTEX_WAIT, static_cast<std::uint32_t>(from), timeout_ms < 0 ? nullptr : &timeout);
}

void set_state(JudgeChannel& channel, JudgeChannel::State to) {
  channel.state.store(to, std::memory_order_release);
  futex(channel, FUTEX_WAKE, INT_MAX, nullptr);
}

void run_judge(const JudgeTask& task, int parent_pid) {
  drop_privileges(task, parent_pid);
  const Entry judge = load(task);
  JudgeChannel& channel = *task.channel;
  set_state(channel, JudgeChannel::State::kIdle);
  while (true) {
    while (channel.state.load(std::memory_order_acquire) != JudgeChannel::State::kWork)
      wait_while(channel, JudgeChannel::State::kIdle, -1);
    judge(&channel.call, task.columns.data(), task.flags.data());
    set_state(channel, JudgeChannel::State::kIdle);
  }
}

}  // namespace ledgermill::rules
