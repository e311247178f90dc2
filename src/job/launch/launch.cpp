// SPDX-License-Identifier: Apache-2.0
#include "job/launch/launch.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace ledgermill::job {

namespace {

constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

/// What handlers of libcob and of the process reach: they are given no argument of ours.
struct {
  int report_fd = -1;
  std::array<struct sigaction, kSignals.size()> libcob_actions{};
} child;

/// Safe in a signal handler: no allocation, one write.
void report(std::string_view word, std::string_view text) {
  std::array<char, 1024> line{};
  std::size_t size = 0;
  const auto add = [&](std::string_view part) {
    for (const char c : part) {
      if (size + 1 < line.size()) line[size++] = c == '\n' ? ' ' : c;
    }
  };
  add(word);
  add(" ");
  add(text);
  line[size++] = '\n';
  [[maybe_unused]] const ssize_t written = ::write(child.report_fd, line.data(), size);
}

void report(std::string_view word, int number) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  report(word, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

/// _exit: exit() would run the parent's exit handlers, and cut the status to 8 bits.
[[noreturn]] void end_child() {
  std::fflush(nullptr);
  ::_exit(0);
}

[[noreturn]] void give_up(const char* what, const char* detail) {
  report("cannot", std::string(what) + ": " + (detail == nullptr ? "no further words" : detail));
  end_child();
}

/// STOP RUN and libcob's own end call exit(status); on_exit hands over all 32 bits (glibc).
void on_exit_called(int status, void*) {
  report("stopped", status);
  end_child();
}

int on_runtime_error(char* text) {
  report("error", text == nullptr ? "" : text);
  return 1;  // libcob goes on with its own handling
}

void on_signal(int number, siginfo_t* info, void* context) {
  report("signal", number);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals.at(i) != number) continue;
    const struct sigaction& before = child.libcob_actions.at(i);
    if ((before.sa_flags & SA_SIGINFO) != 0)
      before.sa_sigaction(number, info, context);
    else
      before.sa_handler(number);
  }
}

/// libcob's handlers close files and say where the program was: they stay, behind ours.
void stand_before_libcobs_handlers() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction& before = child.libcob_actions.at(i);
    ::sigaction(kSignals.at(i), nullptr, &before);
    if ((before.sa_flags & SA_SIGINFO) == 0 && (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)) continue;
    struct sigaction ours = before;
    ours.sa_flags |= SA_SIGINFO;
    ours.sa_sigaction = on_signal;
    ::sigaction(kSignals.at(i), &ours, nullptr);
  }
}

template <class Function>
Function find(void* libcob, const char* name) {
  void* const found = ::dlsym(libcob, name);
  if (found == nullptr) give_up(name, ::dlerror());
  return reinterpret_cast<Function>(found);
}

/// Counted from what stands now: libcob's own mappings differ from version to version.
void limit_memory(std::uint64_t bytes) {
  std::array<char, 64> statm{};
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::read(fd, statm.data(), statm.size() - 1) <= 0) give_up("memory", "cannot read /proc/self/statm");
  ::close(fd);
  const std::uint64_t pages = std::strtoull(statm.data(), nullptr, 10);
  const rlim_t most = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + bytes;
  const rlimit limit{most, most};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) give_up("memory", std::strerror(errno));
}

/// PARM as z/OS gives it. What lies behind is spaces: programs move the whole of their LINKAGE item.
std::vector<char> parameter(const std::string& parm) {
  constexpr std::size_t kLargestItem = 64U << 10;
  std::vector<char> bytes(kLargestItem, ' ');
  bytes[0] = static_cast<char>(parm.size() >> 8);
  bytes[1] = static_cast<char>(parm.size() & 255);
  std::copy(parm.begin(), parm.end(), bytes.begin() + 2);
  return bytes;
}

/// cobc's name for a program's entry: '-' becomes "__", a leading digit gets a '_'.
std::string entry_name(const std::string& program) {
  std::string name;
  if (!program.empty() && program[0] >= '0' && program[0] <= '9') name += '_';
  for (const char c : program) c == '-' ? name += "__" : name += c;
  return name;
}

/// CALL "UP" finds the function UP of a C library that is loaded before it looks for UP.so (seen on 3.1.2), and crashes
/// there: so such a name is refused.
void refuse_hidden(const std::vector<std::string>& called) {
  for (const std::string& name : called) {
    if (::dlsym(RTLD_DEFAULT, entry_name(name).c_str()) != nullptr)
      give_up(("a program cannot be called by the name '" + name + "'").c_str(),
              "a C library has a function of that name; rename the program");
  }
}

using Entry = int (*)(void* parameter);

Entry load(const ModuleLaunch& launch) {
  // Global: other programs of the same source are called by name, and libcob looks among what is loaded.
  void* const module = ::dlopen(launch.library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (module == nullptr) give_up("the program cannot be loaded", ::dlerror());
  // From the library itself: libcob would look among the C libraries first.
  const auto entry = reinterpret_cast<Entry>(::dlsym(module, entry_name(launch.program).c_str()));
  if (entry == nullptr) give_up("the module holds no program of its name", ::dlerror());
  return entry;
}

}  // namespace

void launch_module(const ModuleLaunch& launch, int report_fd) {
  child.report_fd = report_fd;
  void* const libcob = ::dlopen("libcob.so.4", RTLD_NOW | RTLD_GLOBAL);
  if (libcob == nullptr)
    give_up("GnuCOBOL's run time cannot be loaded; install the package libcob4 (or gnucobol3)", ::dlerror());
  ::on_exit(on_exit_called, nullptr);

  std::string parm = launch.parm.value_or("");
  std::string program = launch.program;
  std::array<char*, 3> argv{program.data(), launch.parm && !launch.has_parameters ? parm.data() : nullptr, nullptr};
  find<void (*)(int, char**)>(libcob, "cob_init")(argv[1] == nullptr ? 1 : 2, argv.data());
  stand_before_libcobs_handlers();
  if (launch.memory_bytes) limit_memory(*launch.memory_bytes);

  const auto call = find<int (*)(const char*, int, void**)>(libcob, "cob_call");
  // CBL_ERROR_PROC by its C name: cob_call finds it among the symbols loaded, and sets the count of parameters that it
  // asks for. Without it a runtime error could not be told from STOP RUN 1.
  unsigned char install = 0;
  auto handler = on_runtime_error;
  std::array<void*, 2> error_proc{&install, static_cast<void*>(&handler)};
  if (call("cob_sys_error_proc", 2, error_proc.data()) != 0) give_up("libcob", "refuses a handler of runtime errors");

  refuse_hidden(launch.called);
  const Entry entry = load(launch);
  std::vector<char> first = parameter(parm);
  std::array<void*, 1> parameters{first.data()};
  // The program takes as many parameters as the last cob_call passed; this one does nothing else.
  call("cob_get_global_ptr", launch.has_parameters ? 1 : 0, parameters.data());
  report("begun", "");
  const int return_code = entry(first.data());
  find<void (*)()>(libcob, "cob_tidy")();  // closes what the program left open
  report("returned", return_code);
  end_child();
}

}  // namespace ledgermill::job
