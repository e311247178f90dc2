// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.h"
#include "base/file.h"
#include "rules/module_judge.h"

extern char** environ;

namespace ledgermill::rules {

namespace fs = std::filesystem;

namespace {

// -O2 and no binary truncation make the difference between 250 and 4 nanoseconds a record; -free since GnuCOBOL 3.1
// and 3.2 guess differently.
constexpr const char* kCompilerFlags = "-m -free -O2 -fno-binary-truncate";

void check_program_name(const std::string& program) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  bool all = !program.empty() && program.size() <= 31 && program.front() != '-';
  for (const char c : program) all = all && good(c);
  if (!all)
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no name of a rule module", program),
                  "letters, digits, - and _, at most 31");
}

/// Code is loaded only from folders that not everybody can write to.
void refuse_world_writable(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    throw Failure(
        ReturnCode::kRefused,
        fmt::format("folder '{}' can be written by everybody; no rule module is loaded from it", folder.string()),
        fmt::format("chmod o-w {}", folder.string()));
  }
}

std::string searched(const std::vector<fs::path>& folders) {
  std::string text;
  for (const fs::path& folder : folders) text += (text.empty() ? "" : ", ") + folder.string();
  return text.empty() ? "no folder" : text;
}

/// Runs cobc without a shell; returns its exit status, its words in `output`.
int run_compiler(const std::vector<std::string>& words, const fs::path& output_file) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, "cobc", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw Failure(
        ReturnCode::kRefused, fmt::format("the COBOL compiler 'cobc' cannot be run: {}", errno_text(error)),
        "install the package gnucobol3, or ship the compiled module beside its source ('ledgermill rules compile')");
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/// "IngestCSV.cbl:12: error: ..." and the source line it speaks of.
std::string with_source_lines(const std::string& words, const std::string& source) {
  std::string text;
  std::size_t shown_lines = 0;
  for (std::size_t at = 0; at < words.size() && shown_lines < 20; ++shown_lines) {
    const std::size_t end = std::min(words.find('\n', at), words.size());
    const std::string line = words.substr(at, end - at);
    at = end + 1;
    text += "\n  " + line;
    const std::size_t mark = line.find(".cbl:");
    if (mark == std::string::npos || line.find("error:") == std::string::npos) continue;
    std::size_t number = std::strtoul(line.c_str() + mark + 5, nullptr, 10);
    std::size_t begin = 0;
    for (; number > 1 && begin != std::string::npos; --number)
      begin = source.find('\n', begin) == std::string::npos ? std::string::npos : source.find('\n', begin) + 1;
    if (begin != std::string::npos) text += "\n      | " + source.substr(begin, source.find('\n', begin) - begin);
  }
  return text;
}

/// A private folder that is removed with all it holds.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent) {
    std::error_code error;
    fs::create_directories(parent, error);
    std::string path = (parent / "compile-XXXXXX").string();
    if (error || ::mkdtemp(path.data()) == nullptr) {
      throw Failure(
          ReturnCode::kUnavailable,
          fmt::format("cannot make a folder in '{}': {}", parent.string(), error ? error.message() : errno_text(errno)),
          "--cache names another folder for compiled rule modules");
    }
    path_ = path;
  }
  ~ScratchFolder() {
    std::error_code ignored;  // what stays is a folder in a cache
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Compiles into a private folder, then renames: two processes may compile the same module at once.
void compile(const fs::path& source, std::string_view feed, const std::string& linkage, const fs::path& library) {
  const ScratchFolder scratch(library.parent_path());
  const auto put = [&](const fs::path& name, std::string_view content) {
    if (!create_new_file(scratch.path() / name, content))
      throw Failure(ReturnCode::kUnavailable, "a scratch file exists already");
  };
  put(fmt::format("{}.cpy", feed), linkage);
  const fs::path output = scratch.path() / "output";
  const fs::path made = scratch.path() / "module.so";
  std::vector<std::string> words{"cobc"};
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    const std::string_view flags = kCompilerFlags;
    end = flags.find(' ', at);
    words.emplace_back(flags.substr(at, end - at));
  }
  words.insert(words.end(), {"-I", scratch.path().string(), "-I", source.parent_path().string(), "-o", made.string(),
                             source.string()});
  if (run_compiler(words, output) != 0 || !fs::exists(made)) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("rule module '{}' does not compile:{}", source.string(),
                              with_source_lines(read_small_file(output), read_small_file(source))),
                  fmt::format("ledgermill rules copybook {} prints the copybook it is compiled with", feed));
  }
  std::error_code error;
  fs::rename(made, library, error);
  if (error)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot keep the compiled module '{}': {}", library.string(), error.message()));
}

ModuleImage from_source(const fs::path& source, std::string_view feed, const std::string& linkage,
                        const RuleModule& module, const ModulePlaces& places) {
  Sha256 sha;
  sha.update(read_small_file(source));
  sha.update(linkage);
  sha.update(kCompilerFlags);
  ModuleImage image{{}, module.program, std::string(feed), sha.finish()};
  const std::string name = fmt::format("{}-{}.so", module.program, image.digest.hex12());
  for (const fs::path& folder : {source.parent_path(), places.cache}) {
    image.library = folder / name;
    if (fs::exists(image.library)) {
      refuse_world_writable(folder);
      return image;
    }
  }
  compile(source, feed, linkage, image.library);
  return image;
}

}  // namespace

ModuleImage resolve_module(std::string_view feed, const Layout& layout, const RuleModule& module,
                           const ModulePlaces& places) {
  check_program_name(module.program);
  const std::string linkage = copybook(feed, layout, module);
  for (const fs::path& folder : places.folders) {
    const fs::path source = fs::absolute(folder) / (module.program + ".cbl");
    const fs::path library = fs::absolute(folder) / (module.program + ".so");
    if (!fs::exists(source) && !fs::exists(library)) continue;
    refuse_world_writable(folder);
    if (fs::exists(source)) return from_source(source, feed, linkage, module, places);
    return {library, module.program, std::string(feed), Sha256::of(read_small_file(library, 64U << 20))};
  }
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("rule module '{}' of feed '{}' is not found in {}", module.program, feed, searched(places.folders)),
      fmt::format("put {0}.cbl (or a compiled {0}.so) in one of them, or name its folder by --modules",
                  module.program));
}

}  // namespace ledgermill::rules
