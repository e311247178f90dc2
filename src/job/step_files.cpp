// SPDX-License-Identifier: Apache-2.0
#include "job/step_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "base/file.h"
#include "job/file_blocks.h"
#include "job/generation.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

using Kind = RecordShape::Kind;

Failure refused(const std::string& what, const std::string& hint = {}) {
  return Failure(ReturnCode::kRefused, what, hint);
}

std::string_view source_name(const Binding& binding) {
  static constexpr std::array<std::string_view, 5> kNames{"path", "concat", "temporary", "data", "dummy"};
  return kNames.at(binding.source.index());
}

bool is_there(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

UniqueFd open_to_write(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!fd)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot write '{}': {}", path.string(), errno_text(errno)));
  return fd;
}

/// Adds the bytes of `from`; returns the last one, or LF for none.
std::byte add_file(const fs::path& from, int to, const fs::path& to_path) {
  const UniqueFd fd(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw refused(fmt::format("cannot open '{}': {}", from.string(), errno_text(errno)));
  std::byte last{'\n'};
  read_blocks(fd.get(), from, [&](std::span<const std::byte> block) {
    last = block.back();
    write_all(to, block, to_path);
  });
  return last;
}

/// The files of an indexed file's further keys, as GnuCOBOL with Berkeley DB names them (seen on 3.1.2).
std::vector<std::string> companion_endings(const fs::path& path) {
  std::vector<std::string> endings;
  for (int key = 1; is_there(path.string() + fmt::format(".{}", key)); ++key)
    endings.push_back(fmt::format(".{}", key));
  return endings;
}

/// A private copy; empty where there is nothing to copy.
void copy_to(const fs::path& from, const fs::path& to) {
  UniqueFd fd = open_to_write(to);
  if (is_there(from)) add_file(from, fd.get(), to);
  sync_and_close(std::move(fd), to);
}

FileRecord record_of(const fs::path& path, const FileFacts& facts) {
  return {path.string(), facts.bytes, facts.records, facts.digest.hex()};
}

}  // namespace

StepFiles::StepFiles(const PreparedStep& step, const fs::path& run_folder, Manifest& manifest, StepRecord& record)
    : step_(step), run_folder_(run_folder), manifest_(manifest), record_(record) {
  record_.dds.clear();
  record_.private_folders.clear();
  for (const PreparedDd& dd : step_.dds) {
    Lent lent;
    lent.dd = &dd;
    DdRecord found{dd.binding->dd,
                   std::string(role_name(dd.role)),
                   std::string(source_name(*dd.binding)),
                   std::string(disposition_name(dd.binding->disposition)),
                   "",
                   {},
                   0};
    find(lent, found);
    if (!lent.target.empty()) found.files.front().path = lent.target.string();
    record_.dds.push_back(std::move(found));
    all_.push_back(std::move(lent));
  }
  for (const Lent& lent : all_) {
    if (!lent.folder.empty() && std::find(record_.private_folders.begin(), record_.private_folders.end(),
                                          lent.folder.string()) == record_.private_folders.end())
      record_.private_folders.push_back(lent.folder.string());
  }
}

fs::path StepFiles::path_of(const Dataset& dataset) {
  if (!dataset.generation) return dataset.path;
  auto known = manifest_.generations.find(dataset.path.string());
  if (known == manifest_.generations.end()) {
    const std::vector<unsigned> numbers = generations_of(dataset.path);
    known = manifest_.generations.emplace(dataset.path.string(), numbers.empty() ? 0 : numbers.back()).first;
  }
  // As an input (+1) is what an earlier step of this run made.
  return resolve_generation(dataset.path, *dataset.generation, known->second);
}

void StepFiles::find(Lent& lent, DdRecord& record) {
  const Binding& binding = *lent.dd->binding;
  if (const auto* dataset = std::get_if<Dataset>(&binding.source)) {
    (lent.dd->role == Role::kInput ? lent.reads.emplace_back() : lent.target) = path_of(*dataset);
  } else if (const auto* all = std::get_if<Concatenation>(&binding.source)) {
    for (const Dataset& part : all->parts) lent.reads.push_back(path_of(part));
  } else if (const auto* temporary = std::get_if<Temporary>(&binding.source)) {
    (lent.dd->role == Role::kInput ? lent.reads.emplace_back() : lent.target) =
        run_folder_ / "temporaries" / temporary->name;
  }
  if (lent.dd->indexed && !lent.reads.empty()) {
    const fs::path first = lent.reads.front();
    for (const std::string& ending : companion_endings(first)) lent.reads.emplace_back(first.string() + ending);
  }
  for (const fs::path& read : lent.reads) {
    struct stat status {};
    if (::stat(read.c_str(), &status) != 0)
      throw refused(fmt::format("DD {}: cannot read '{}': {}", binding.dd, read.string(), errno_text(errno)),
                    "deliver the file, then run the same command");
    record.files.push_back({read.string(), 0, std::nullopt, ""});
  }
  if (!lent.target.empty()) {
    record.files.push_back({lent.target.string(), 0, std::nullopt, ""});
    find_target(lent);
  }
}

void StepFiles::find_target(Lent& lent) {
  const Binding& binding = *lent.dd->binding;
  const bool temporary = std::holds_alternative<Temporary>(binding.source);
  const fs::path parent = lent.target.parent_path();
  lent.folder = parent / fmt::format(".ledgermill-{}-{}", manifest_.run, step_.step->name);
  std::error_code error;
  if (temporary) return;
  if (!fs::is_directory(parent, error))
    throw refused(fmt::format("DD {}: there is no folder '{}'", binding.dd, parent.string()),
                  fmt::format("mkdir -p '{}'", parent.string()));
  if (::access(parent.c_str(), W_OK | X_OK) != 0)
    throw refused(
        fmt::format("DD {}: the folder '{}' cannot be written: {}", binding.dd, parent.string(), errno_text(errno)));
  struct stat status {};
  const bool there = ::stat(lent.target.c_str(), &status) == 0;
  if ((there || is_there(lent.target)) && !S_ISREG(status.st_mode))
    throw refused(fmt::format("DD {}: '{}' is there, and is no file", binding.dd, lent.target.string()));
  if (fs::is_symlink(lent.target, error)) {  // the file is replaced, not the link to it
    lent.target = fs::canonical(lent.target, error);
    lent.folder = lent.target.parent_path() / lent.folder.filename();
  }
  switch (binding.disposition) {
    case Disposition::kNew:
      if (there && !binding.replace)
        throw refused(
            fmt::format("DD {}: '{}' is there already, and its disp is new", binding.dd, lent.target.string()),
            "move it away, or say 'replace: true' at the DD");
      return;
    case Disposition::kOld:
      if (!there)
        throw refused(fmt::format("DD {}: there is no '{}', and its disp is old", binding.dd, lent.target.string()),
                      "a file that is made says disp: new");
      return;
    case Disposition::kAppend:
      lent.joins = lent.dd->role == Role::kOutput && there;
      return;
    case Disposition::kShared:
      return;
  }
}

void StepFiles::look_at_inputs() {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    Lent& lent = all_[i];
    DdRecord& record = record_.dds[i];
    for (std::size_t part = 0; part < lent.reads.size(); ++part) {
      const fs::path& path = lent.reads[part];
      struct stat status {};
      try {
        if (::stat(path.c_str(), &status) != 0)
          throw refused(fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
        pending_digests_.push_back({&record.files[part], std::make_unique<DigestProcess>(path)});
        record.files[part] = record_of(path, look_through(path, lent.dd->shape, lent.dd->rules));
        record.files[part].sha256.clear();  // until finish_digests
      } catch (const Failure& failure) {
        throw Failure(failure.code(), fmt::format("DD {}: {}", lent.dd->binding->dd, failure.fact()), failure.hint());
      }
      lent.seen.push_back(status);
    }
    if (lent.joins) {
      const FileFacts facts = examine_file(lent.target, lent.dd->shape, {});
      if (lent.dd->shape.kind == Kind::kLines && !facts.ends_in_newline)
        throw refused(fmt::format("DD {}: the last line of '{}' has no end; a record appended would become part of it",
                                  lent.dd->binding->dd, lent.target.string()),
                      "end the file with a newline");
      record.records_before = facts.records.value_or(0);
    }
  }
}

void StepFiles::finish_digests() {
  for (PendingDigest& pending : std::exchange(pending_digests_, {}))
    pending.record->sha256 = pending.digest->get().hex();
}

void StepFiles::lend(const fs::path& work) {
  for (const std::string& folder : record_.private_folders) {
    std::error_code error;
    fs::create_directories(fs::path(folder).parent_path(), error);  // of temporaries
    fs::create_directory(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error)
      throw refused(fmt::format("cannot make the private folder '{}': {}", folder, error.message()),
                    "outputs are written beside where they will lie");
  }
  for (Lent& lent : all_) {
    if (lent.dd->role == Role::kInput)
      lend_input(lent, work);
    else
      lend_output(lent, work);
  }
}

void StepFiles::lend_input(Lent& lent, const fs::path& work) {
  const Binding& binding = *lent.dd->binding;
  lent.lent = work / binding.dd;
  if (const auto* data = std::get_if<InlineData>(&binding.source)) {
    write_inline(lent, data->text);
  } else if (std::holds_alternative<Dummy>(binding.source)) {
    open_to_write(lent.lent);
  } else if (lent.reads.size() > 1 && !lent.dd->indexed) {
    join_parts(lent);
  } else {
    lent.lent = lent.reads.front();
  }
}

void StepFiles::lend_output(Lent& lent, const fs::path& work) {
  const Binding& binding = *lent.dd->binding;
  if (lent.target.empty()) {
    const bool sequential = lent.dd->shape.kind != Kind::kRelative && lent.dd->shape.kind != Kind::kUnknown;
    lent.lent = sequential ? fs::path("/dev/null") : work / binding.dd;
    return;
  }
  lent.lent = lent.folder / binding.dd;
  if (lent.dd->role == Role::kUpdate) {
    copy_to(lent.target, lent.lent);
    if (!lent.dd->indexed) return;
    for (const std::string& ending : companion_endings(lent.target))
      copy_to(lent.target.string() + ending, lent.lent.string() + ending);
  } else if (lent.dd->extends) {
    open_to_write(lent.lent);  // OPEN EXTEND of a file that is not there is an error
  }
}

void StepFiles::write_inline(const Lent& lent, const std::string& text) const {
  UniqueFd fd = open_to_write(lent.lent);
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t longest = lent.dd->shape.longest;
    if (lent.dd->shape.kind == Kind::kFixed || lent.dd->rules.longest_line) {
      if (line.size() > longest)
        throw refused(fmt::format("DD {}: a line of its data has {} bytes, the program's record {}",
                                  lent.dd->binding->dd, line.size(), longest));
    }
    if (lent.dd->shape.kind == Kind::kFixed)
      line.resize(longest, ' ');
    else
      line += '\n';
    bytes += line;
  }
  write_all(fd.get(), std::as_bytes(std::span(bytes)), lent.lent);
}

void StepFiles::join_parts(const Lent& lent) const {
  UniqueFd fd = open_to_write(lent.lent);
  for (const fs::path& part : lent.reads) {
    const std::byte last = add_file(part, fd.get(), lent.lent);
    constexpr std::byte kNewline{'\n'};
    if (lent.dd->shape.kind == Kind::kLines && last != kNewline)
      write_all(fd.get(), std::span(&kNewline, 1), lent.lent);
  }
}

std::vector<std::string> StepFiles::environment() const {
  std::vector<std::string> entries;
  for (const Lent& lent : all_) entries.push_back(fmt::format("DD_{}={}", lent.dd->binding->dd, lent.lent.string()));
  return entries;
}

const fs::path& StepFiles::lent_path(std::string_view dd) const {
  return std::find_if(all_.begin(), all_.end(), [&](const Lent& lent) { return lent.dd->binding->dd == dd; })->lent;
}

fs::path StepFiles::shown_path(std::string_view dd) const {
  const auto at = std::find_if(all_.begin(), all_.end(), [&](const Lent& lent) { return lent.dd->binding->dd == dd; });
  if (at->reads.empty()) return fmt::format("the data of DD {}", dd);
  if (at->reads.size() == 1) return at->reads.front();
  return fmt::format("{} + {} more", at->reads.front().string(), at->reads.size() - 1);
}

void StepFiles::refuse_changed_inputs() const {
  for (const Lent& lent : all_) {
    for (std::size_t part = 0; part < lent.seen.size(); ++part) {
      const struct stat& before = lent.seen[part];
      struct stat status {};
      const bool same = ::stat(lent.reads[part].c_str(), &status) == 0 && status.st_size == before.st_size &&
                        status.st_ino == before.st_ino && status.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                        status.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
      if (!same)
        throw refused(fmt::format("DD {}: '{}' was changed while the step read it", lent.dd->binding->dd,
                                  lent.reads[part].string()),
                      "run the same command when nobody writes the file");
    }
  }
}

void StepFiles::look_at_outputs() {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].dd->role != Role::kInput && !all_[i].target.empty()) look_at_output(all_[i], record_.dds[i]);
  }
  for (const std::string& folder : record_.private_folders) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto ours = [&](const Lent& lent) {
        const fs::path stem = entry.path().parent_path() / entry.path().stem();
        return lent.lent == entry.path() || (lent.dd->indexed && lent.lent == stem);
      };
      if (std::none_of(all_.begin(), all_.end(), ours))
        throw refused(
            fmt::format("the step made a file besides those of its DDs: '{}'", entry.path().filename().string()),
            "a file that is written needs a DD");
    }
  }
}

void StepFiles::follow_outputs() {
  for (Lent& lent : all_) {
    if (lent.dd->role == Role::kOutput && !lent.target.empty() && !lent.joins)
      lent.follower = std::make_unique<OutputFollower>(lent.lent);
  }
}

/// What was digested while the step wrote holds only if every block is still what it was then.
FileFacts StepFiles::examine_output(Lent& lent) {
  const auto followed = lent.follower ? lent.follower->finish() : std::nullopt;
  if (!followed) return examine_file(lent.lent, lent.dd->shape, {});
  std::vector<std::uint64_t> sums;
  FileFacts facts = look_through(lent.lent, lent.dd->shape, {}, &sums);
  facts.digest = facts.bytes == followed->bytes && sums == followed->sums ? followed->digest : digest_of(lent.lent);
  return facts;
}

void StepFiles::look_at_output(Lent& lent, DdRecord& record) {
  const Binding& binding = *lent.dd->binding;
  if (!is_there(lent.lent)) {
    record.end = "absent";
    if (binding.required)
      throw refused(
          fmt::format("DD {}: the program did not open it, so there is no '{}'", binding.dd, lent.target.string()),
          "look at the step's log; 'required: false' says that it may be so");
    return;
  }
  if (lent.joins) {
    const fs::path joined = lent.lent.string() + ".joined";
    UniqueFd fd = open_to_write(joined);
    add_file(lent.target, fd.get(), joined);
    add_file(lent.lent, fd.get(), joined);
    sync_and_close(std::move(fd), joined);
    fs::rename(joined, lent.lent);
  }
  try {
    record.files.front() = record_of(lent.target, examine_output(lent));
    if (lent.dd->indexed) {
      for (const std::string& ending : companion_endings(lent.lent))
        record.files.push_back(
            record_of(lent.target.string() + ending, examine_file(lent.lent.string() + ending, {}, {})));
    }
  } catch (const Failure& failure) {
    throw Failure(failure.code(), fmt::format("DD {}: {}", binding.dd, failure.fact()), failure.hint());
  }
}

/// Its bytes are on the disk, and whoever could read the file that is replaced can read the one that replaces it.
void StepFiles::make_ready(const Move& move) {
  struct stat before {};
  if (::stat(move.to.c_str(), &before) == 0 && ::chmod(move.from.c_str(), before.st_mode & 07777) != 0)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot set the mode of '{}': {}", move.from, errno_text(errno)));
  sync_file(move.from);
}

/// Whether the DD's private file gets its name; else what becomes of its files is in `moves`.
bool StepFiles::published(const Lent& lent, DdRecord& record, Ending ending, std::vector<Move>& moves) const {
  const Binding& binding = *lent.dd->binding;
  const Afterwards then = ending == Ending::kWell ? binding.success : binding.failure;
  const bool made = !lent.target.empty() && is_there(lent.lent);
  const bool is_new = binding.disposition == Disposition::kNew;
  if (then == Afterwards::kDelete) {
    std::vector<fs::path> gone = lent.reads;
    if (!lent.target.empty() && !is_new) {
      gone.push_back(lent.target);
      for (const std::string& key : companion_endings(lent.target)) {
        if (lent.dd->indexed) gone.emplace_back(lent.target.string() + key);
      }
    }
    for (const fs::path& path : gone) moves.push_back({Move::Kind::kDelete, "", path.string()});
    record.end = gone.empty() ? (made ? "discarded" : "absent") : "deleted";
    return false;
  }
  if (lent.dd->role == Role::kInput || lent.target.empty()) return false;
  // On failure, `keep` says of a new dataset that it is published all the same, and of others that nothing is changed.
  const bool keeps = made && (ending == Ending::kWell || is_new);
  record.end = keeps ? "published" : made ? "discarded" : "absent";
  return keeps;
}

std::vector<Move> StepFiles::moves(Ending ending) {
  std::vector<Move> moves;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Lent& lent = all_[i];
    const Binding& binding = *lent.dd->binding;
    if (!published(lent, record_.dds[i], ending, moves)) continue;
    const bool free = binding.disposition == Disposition::kNew && !binding.replace &&
                      !std::holds_alternative<Temporary>(binding.source);
    std::vector<std::string> endings{""};
    if (lent.dd->indexed) {
      for (const std::string& key : companion_endings(lent.lent)) endings.push_back(key);
    }
    for (const std::string& key : endings) {
      const Move move{free ? Move::Kind::kPlace : Move::Kind::kReplace, lent.lent.string() + key,
                      lent.target.string() + key};
      make_ready(move);
      moves.push_back(move);
    }
    sync_folder(lent.folder);
    const auto* dataset = std::get_if<Dataset>(&binding.source);
    if (binding.limit && dataset != nullptr && ending == Ending::kWell) {
      for (const fs::path& old : generations_beyond(dataset->path, *binding.limit, lent.target))
        moves.push_back({Move::Kind::kDelete, "", old.string()});
    }
  }
  return moves;
}

void remove_private_folders(StepRecord& record) {
  for (const std::string& folder : record.private_folders) {
    std::error_code ignored;  // it holds nothing that anybody waits for
    fs::remove_all(folder, ignored);
  }
  record.private_folders.clear();
}

}  // namespace ledgermill::job
