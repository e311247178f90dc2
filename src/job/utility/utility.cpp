// SPDX-License-Identifier: Apache-2.0
#include "job/utility/utility.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "base/failure.h"
#include "job/utility/record_stream.h"

extern char** environ;

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

constexpr char kKeyEnd = '\t';

/// A failure of one record, with its place.
template <class Work>
auto at_record(const RecordReader& reader, const Work& work) {
  try {
    return work();
  } catch (const Failure& failure) {
    throw Failure(failure.code(),
                  fmt::format("'{}', record {}: {}", reader.path().string(), reader.number(), failure.fact()),
                  failure.hint());
  }
}

bool is_selected(const Selection& selection, std::string_view record) {
  return (!selection.include || selection.include->holds(record)) &&
         (!selection.omit || !selection.omit->holds(record));
}

/// The form of what is written: fixed records of an `output` are as long as its parts.
RecordForm output_form(const Selection& selection) {
  if (selection.form.fixed_length == 0 || selection.output.empty()) return selection.form;
  return {rebuilt(selection.output, "").size()};
}

void write_record(const Selection& selection, std::string_view record, RecordWriter& writer) {
  if (selection.output.empty())
    writer.add(record);
  else
    writer.add(rebuilt(selection.output, record));
}

/// A fixed record is filled with spaces; of a line they are left out. What does not fit is never cut.
void fit(std::string& record, std::size_t length) {
  if (length == 0) {
    if (record.find('\n') != std::string::npos)
      throw Failure(ReturnCode::kRefused, "it holds a line end, so it cannot be a line");
    record.resize(record.find_last_not_of(' ') + 1);
    return;
  }
  if (record.size() > length && record.find_first_not_of(' ', length) != std::string::npos)
    throw Failure(ReturnCode::kRefused, fmt::format("it has {} bytes, a record of OUT {}", record.size(), length),
                  "say another length under 'to'");
  record.resize(length, ' ');
}

bool translates(const CopyStep& step, Translation::Direction direction) {
  return step.translation && step.translation->direction == direction;
}

/// The record as OUT's form and code page want it.
std::string converted(const CopyStep& step, std::string_view record) {
  std::string made = step.selection.output.empty() ? std::string(record) : rebuilt(step.selection.output, record);
  if (step.to) fit(made, step.to->fixed_length);
  return translates(step, Translation::Direction::kTo) ? step.translation->applied(made) : made;
}

/// Keys of decimal numbers are digits behind a sign; of a descending key, the complement of each.
void add_decimal_key(const std::string& key, bool descending, std::string& line) {
  if (!descending) {
    line += key;
    return;
  }
  line += key.front() == '-' ? '1' : '0';
  for (const char digit : std::string_view(key).substr(1)) line += static_cast<char>('0' + ('9' - digit));
}

/// Other keys are bytes: as hex digits they compare as they do, and hold neither tab nor line end.
void add_key(const SortKey& key, std::string_view record, std::string& line) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string bytes = comparable(key.field, record);
  if (key.field.kind != FieldKind::kText && key.field.kind != FieldKind::kBinary)
    return add_decimal_key(bytes, key.descending, line);
  for (const char c : bytes) {
    const unsigned byte = static_cast<unsigned char>(c) ^ (key.descending ? 0xffU : 0U);
    line += kDigits[byte >> 4];
    line += kDigits[byte & 15];
  }
}

/// Fixed records may hold line ends, which sort takes for the end of the record.
void add_escaped(std::string_view record, std::string& line) {
  for (const char c : record) {
    if (c == '\n')
      line += "\\n";
    else if (c == '\\')
      line += "\\\\";
    else
      line += c;
  }
}

std::string unescaped(std::string_view text) {
  std::string record;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\')
      record += text[i];
    else
      record += text[++i] == 'n' ? '\n' : '\\';
  }
  return record;
}

/// coreutils' sort, between two pipes. It writes nothing before it has read all.
class SortProcess {
 public:
  explicit SortProcess(const fs::path& work) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
      throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make a pipe: {}", errno_text(errno)));
    const UniqueFd read_end(in[0]);
    const UniqueFd write_end(out[1]);
    to_ = UniqueFd(in[1]);
    from_ = UniqueFd(out[0]);
    std::vector<std::string> words{"sort",
                                   "--stable",
                                   "--field-separator=\t",
                                   "--key=1,1",
                                   "--buffer-size=256M",
                                   "--parallel=2",
                                   "--temporary-directory=" + work.string()};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, read_end.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
    ::setenv("LC_ALL", "C", 1);  // bytes, not words of a language; this process is the step's own
    const int error = ::posix_spawnp(&pid_, "sort", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
      throw Failure(ReturnCode::kRefused, fmt::format("the program 'sort' cannot be run: {}", errno_text(error)),
                    "install the package coreutils");
  }

  UniqueFd take_input() { return std::move(to_); }
  UniqueFd take_output() { return std::move(from_); }

  void wait() const {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      throw Failure(ReturnCode::kUnavailable, "the program 'sort' did not end well", "its words are in the step's log");
  }

 private:
  UniqueFd to_, from_;
  pid_t pid_ = 0;
};

void feed(const SortStep& step, RecordReader& reader, UniqueFd pipe) {
  RecordWriter lines(std::move(pipe), "sort");
  const bool fixed = step.selection.form.fixed_length != 0;
  std::string line;
  while (const auto record = reader.next()) {
    line.clear();
    const bool selected = at_record(reader, [&] {
      if (!is_selected(step.selection, *record)) return false;
      for (const SortKey& key : step.keys) add_key(key, *record, line);
      return true;
    });
    if (!selected) continue;
    line += kKeyEnd;
    if (fixed)
      add_escaped(*record, line);
    else
      line += *record;
    lines.add(line);
  }
  lines.finish();
}

void take_sorted(const SortStep& step, UniqueFd pipe, const fs::path& out) {
  RecordReader lines(std::move(pipe), "sort", {});
  RecordWriter writer(out, output_form(step.selection));
  const bool fixed = step.selection.form.fixed_length != 0;
  std::string former_key;
  bool first = true;
  while (const auto line = lines.next()) {
    const std::size_t end = line->find(kKeyEnd);
    const std::string_view key = line->substr(0, end);
    if (step.unique && !first && key == former_key) continue;
    if (step.unique) former_key = key;
    first = false;
    const std::string_view record = line->substr(end + 1);
    if (fixed)
      write_record(step.selection, unescaped(record), writer);
    else
      write_record(step.selection, record, writer);
  }
  writer.finish();
}

}  // namespace

void copy_records(const CopyStep& step, const UtilityInput& in, const fs::path& out) {
  RecordReader reader(in.lent, step.selection.form, in.shown);
  const bool converts = step.to || translates(step, Translation::Direction::kTo);
  RecordWriter writer(out, step.to.value_or(output_form(step.selection)));
  std::uint64_t written = 0;
  std::string translated;
  while (!step.records || written < *step.records) {
    auto record = reader.next();
    if (!record) break;
    if (reader.number() <= step.skip) continue;
    if (translates(step, Translation::Direction::kFrom)) record = translated = step.translation->applied(*record);
    if (!at_record(reader, [&] { return is_selected(step.selection, *record); })) continue;
    if (converts)
      writer.add(at_record(reader, [&] { return converted(step, *record); }));
    else
      write_record(step.selection, *record, writer);
    ++written;
  }
  writer.finish();
}

void sort_records(const SortStep& step, const UtilityInput& in, const fs::path& out, const fs::path& work) {
  RecordReader reader(in.lent, step.selection.form, in.shown);
  std::signal(SIGPIPE, SIG_IGN);  // a sort that ends early is told by its status
  SortProcess sort(work);
  feed(step, reader, sort.take_input());
  take_sorted(step, sort.take_output(), out);
  sort.wait();
}

}  // namespace ledgermill::job
