// SPDX-License-Identifier: Apache-2.0
#include "cobol/compile.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/failure.h"
#include "base/file.h"
#include "cobol/source_text.h"

extern char** environ;

namespace ledgermill::cobol {

namespace fs = std::filesystem;

namespace {

/// Runs cobc without a shell; returns its exit status, its words in `output_file`. It works in `folder`, which is
/// empty, and all paths are absolute: cobc looks for a copybook in its working folder before any other, and what the
/// caller's holds is none of the program's.
int run_compiler(const std::vector<std::string>& words, const fs::path& output_file, const fs::path& folder) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, "cobc", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw Failure(ReturnCode::kRefused, fmt::format("the COBOL compiler 'cobc' cannot be run: {}", errno_text(error)),
                  "install the package gnucobol3, or ship the compiled module beside its source");
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/// Line `number`, from 1, of the file that an error speaks of; nothing where it cannot be read.
std::string source_line(const fs::path& file, std::size_t number) {
  std::error_code error;
  if (number == 0 || !fs::is_regular_file(file, error)) return {};
  const std::string text = read_small_file(file);
  std::size_t begin = 0;
  for (; number > 1; --number) {
    begin = text.find('\n', begin);
    if (begin == std::string::npos) return {};
    ++begin;
  }
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// cobc's lines ("IngestCSV.cbl:12: error: ..."), each error followed by the source line it speaks of.
std::string with_source_lines(const std::string& words) {
  std::string text;
  constexpr std::size_t kMostLines = 20;
  std::size_t shown_lines = 0;
  for (std::size_t at = 0; at < words.size() && shown_lines < kMostLines; ++shown_lines) {
    const std::size_t end = std::min(words.find('\n', at), words.size());
    const std::string line = words.substr(at, end - at);
    at = end + 1;
    text += "\n  " + line;
    const std::size_t mark = line.find(": error:");
    const std::size_t colon = mark == std::string::npos || mark == 0 ? mark : line.rfind(':', mark - 1);
    if (colon == std::string::npos || mark == 0) continue;
    const std::string shown = source_line(line.substr(0, colon), std::strtoul(line.c_str() + colon + 1, nullptr, 10));
    if (!shown.empty()) text += "\n      | " + shown;
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
          "--cache names another folder for compiled modules");
    }
    path_ = fs::absolute(path);
    fs::create_directory(empty());
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;  // what stays is a folder in a cache
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  fs::path empty() const { return path_ / "empty"; }

 private:
  fs::path path_;
};

/// The compiler's file, its size and its time: cheaper than asking it for its version on every run.
std::string compiler_identity() {
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "/usr/bin" : path;
  while (!folders.empty()) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    const fs::path candidate = fs::path(folders.substr(0, end)) / "cobc";
    folders.remove_prefix(std::min(end + 1, folders.size()));
    struct stat status {};
    if (::access(candidate.c_str(), X_OK) == 0 && ::stat(candidate.c_str(), &status) == 0) {
      return fmt::format("{} {} {}.{}", candidate.string(), status.st_size, status.st_mtim.tv_sec,
                         status.st_mtim.tv_nsec);
    }
  }
  return "no compiler";
}

std::string compiler_version(const ScratchFolder& scratch) {
  const fs::path output = scratch.path() / "version";
  run_compiler({"cobc", "--version"}, output, scratch.empty());
  const std::string words = read_small_file(output);
  return words.substr(0, words.find('\n'));
}

/// What is fed to the digest that names a library: each part with its length, so that no two lists look alike.
void add_part(Sha256& sha, std::string_view part) {
  sha.update(fmt::format("{}:", part.size()));
  sha.update(part);
}

std::vector<std::string> with_folders(std::vector<std::string> words, const Compilation& compilation,
                                      const std::vector<fs::path>& first) {
  for (const fs::path& folder : first) words.insert(words.end(), {"-I", folder.string()});
  words.insert(words.end(), {"-I", fs::absolute(compilation.source).parent_path().string()});
  for (const fs::path& folder : compilation.copybook_folders)
    words.insert(words.end(), {"-I", fs::absolute(folder).string()});
  return words;
}

/// What cobc makes of the source on the way to a library: its preprocessed and its C text.
Inspection inspect(const Compilation& compilation, const ScratchFolder& scratch) {
  const fs::path& folder = scratch.path();
  const auto run = [&](const char* way, const fs::path& made) {
    std::vector<std::string> words{"cobc", way};
    for (const std::string& word : compilation.words) {
      if (word != "-m") words.push_back(word);
    }
    words = with_folders(std::move(words), compilation, {});
    words.insert(words.end(), {"-o", made.string(), fs::absolute(compilation.source).string()});
    const fs::path output = folder / "output";
    if (run_compiler(words, output, scratch.empty()) != 0 || !fs::exists(made))
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' does not compile:{}", compilation.source.string(),
                                                      with_source_lines(read_small_file(output))));
  };
  constexpr std::size_t kMostBytes = 256U << 20;
  run("-E", folder / "text");
  run("-C", folder / "text.c");
  // text.c, text.c.h, and text.c.l.h or, of several programs, text.c.l1.h and so on: any order will do.
  std::string c_text;
  for (const fs::directory_entry& each : fs::directory_iterator(folder)) {
    if (each.path().filename().string().starts_with("text.c")) c_text += read_small_file(each.path(), kMostBytes);
  }
  return inspection_of(read_small_file(folder / "text", kMostBytes), c_text);
}

/// What is known of a compiled program, in a file beside its library.
std::string note_text(const std::string& compiler, const Inspection& inspection) {
  return compiler + "\n" + inspection_json(inspection) + "\n";
}

/// Makes library and note: whoever finds the library finds the note, which is put in place first.
void compile_with_note(const Compilation& compilation, const fs::path& library, const fs::path& note) {
  const ScratchFolder scratch(library.parent_path());
  const Inspection inspection = inspect(compilation, scratch);
  if (inspection.program.empty())
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' has no PROGRAM-ID", compilation.source.string()),
                  "is it a copybook, or written in the other source format (fixed, free)?");
  const fs::path made = scratch.path() / "note";
  if (!create_new_file(made, note_text(compiler_version(scratch), inspection)))
    throw Failure(ReturnCode::kUnavailable, fmt::format("'{}' exists already", made.string()));
  fs::rename(made, note);
  compile(compilation, library);
}

}  // namespace

void refuse_world_writable(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("folder '{}' can be written by everybody; no program is taken from it", folder.string()),
                  fmt::format("chmod o-w {}", folder.string()));
  }
}

void compile(const Compilation& compilation, const fs::path& library) {
  const ScratchFolder scratch(library.parent_path());
  for (const GeneratedCopybook& copybook : compilation.generated) {
    if (!create_new_file(scratch.path() / copybook.name, copybook.text))
      throw Failure(ReturnCode::kUnavailable, fmt::format("copybook '{}' is there twice", copybook.name));
  }
  const fs::path output = scratch.path() / "output";
  const fs::path made = scratch.path() / "module.so";
  std::vector<std::string> words{"cobc"};
  words.insert(words.end(), compilation.words.begin(), compilation.words.end());
  words = with_folders(std::move(words), compilation, {scratch.path()});
  words.insert(words.end(), {"-o", made.string(), fs::absolute(compilation.source).string()});
  if (run_compiler(words, output, scratch.empty()) != 0 || !fs::exists(made)) {
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' does not compile:{}", compilation.source.string(),
                                                    with_source_lines(read_small_file(output))));
  }
  std::error_code error;
  fs::rename(made, library, error);
  if (error)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot keep the compiled module '{}': {}", library.string(), error.message()));
}

CompiledProgram compile_program(const fs::path& source, const Dialect& dialect,
                                const std::vector<fs::path>& copybook_folders, const fs::path& cache) {
  dialect.validate();
  const fs::path where = fs::absolute(source);
  std::vector<fs::path> folders{where.parent_path()};
  for (const fs::path& folder : copybook_folders) folders.push_back(fs::absolute(folder));
  const std::string text = read_small_file(where);

  CompiledProgram compiled;
  compiled.words = dialect.words();
  compiled.words.insert(compiled.words.begin(), "-m");
  compiled.copybooks = copybooks_of(where, folders);
  compiled.source_digest = Sha256::of(text);
  // As for rule modules: whoever can write the source, or a copybook of it, says what is run.
  refuse_world_writable(where.parent_path());
  for (const fs::path& copybook : compiled.copybooks) refuse_world_writable(copybook.parent_path());
  Sha256 sha;
  add_part(sha, text);
  for (const fs::path& copybook : compiled.copybooks) add_part(sha, read_small_file(copybook));
  for (const std::string& word : compiled.words) add_part(sha, word);
  add_part(sha, compiler_identity());
  compiled.digest = sha.finish();

  constexpr int kInspector = 2;  // counts up when inspection_of finds other things in the same source
  const std::string name = fmt::format("{}-{}-{}", where.stem().string(), compiled.digest.hex12(), kInspector);
  compiled.library = cache / (name + ".so");
  const fs::path note = cache / (name + ".note");
  if (!fs::exists(compiled.library))
    compile_with_note({where, compiled.words, copybook_folders, {}}, compiled.library, note);
  refuse_world_writable(cache);
  const std::string known = read_small_file(note);
  const std::size_t first_line = known.find('\n');
  compiled.compiler = known.substr(0, first_line);
  compiled.inspection = inspection_from_json(std::string_view(known).substr(std::min(first_line, known.size())));
  return compiled;
}

}  // namespace ledgermill::cobol
