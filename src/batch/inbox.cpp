// SPDX-License-Identifier: Apache-2.0
#include "batch/inbox.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;

namespace {

/// {"records": 1204, "sum": "99.50"}; both may be absent, other keys are the sender's own.
DeclaredTotals read_manifest(const fs::path& path) {
  const auto refuse = [&](std::string_view what) {
    return Failure(ReturnCode::kRefused, fmt::format("manifest '{}': {}", path.string(), what),
                   R"(it is a JSON object such as {"records": 1204, "sum": "99.50"})");
  };
  const nlohmann::json json = nlohmann::json::parse(read_small_file(path, 1U << 20), nullptr, false);
  if (!json.is_object()) throw refuse("is no JSON object");
  DeclaredTotals declared;
  if (const auto records = json.find("records"); records != json.end()) {
    if (!records->is_number_unsigned()) throw refuse("'records' is no whole number");
    declared.records = records->get<std::uint64_t>();
  }
  if (const auto sum = json.find("sum"); sum != json.end()) {
    if (!sum->is_string()) throw refuse("'sum' is no string: money is written as text, so that no digit is lost");
    declared.sum = sum->get<std::string>();
  }
  return declared;
}

bool same_time(const std::timespec& a, const std::timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

Inbox::Inbox(const feed::FeedDefinition& definition, fs::path folder)
    : definition_(definition), folder_(std::move(folder)) {
  if (!fs::is_directory(folder_)) {
    throw Failure(ReturnCode::kRefused, fmt::format("inbox '{}' is not a folder", folder_.string()),
                  "--inbox takes the folder that the feed's files are delivered to");
  }
}

fs::path Inbox::companion(const std::string& pattern, const std::string& name) const {
  std::string text = pattern;
  if (const auto at = text.find("{name}"); at != std::string::npos) text.replace(at, 6, name);
  return folder_ / text;
}

std::vector<ArrivedFile> Inbox::look() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> settle(definition_.arrival.settle_seconds);
  std::vector<ArrivedFile> arrived;
  std::map<std::string, Seen> seen_now;
  waiting_.clear();
  settling_ = false;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    struct stat status {};
    if (!feed::names_file(definition_, name) || ::lstat(entry->path().c_str(), &status) != 0 || S_ISDIR(status.st_mode))
      continue;
    Seen seen{static_cast<std::uintmax_t>(status.st_size), status.st_mtim, status.st_ino, now, false};
    if (const auto before = seen_.find(name); before != seen_.end() && before->second.bytes == seen.bytes &&
                                              same_time(before->second.modified, seen.modified)) {
      seen.since = before->second.since;
      seen.left = before->second.left;
    }
    seen_now[name] = seen;
    if (seen.left) continue;
    const auto& marker = definition_.arrival.done_marker;
    const auto& manifest = definition_.arrival.manifest;
    if (marker && !fs::exists(companion(*marker, name))) {
      waiting_[name] = fmt::format("its marker '{}' is not there", companion(*marker, name).filename().string());
    } else if (manifest && !fs::exists(companion(*manifest, name))) {
      waiting_[name] = fmt::format("its manifest '{}' is not there", companion(*manifest, name).filename().string());
    } else if (seen.since + std::chrono::duration_cast<std::chrono::steady_clock::duration>(settle) > now) {
      waiting_[name] = fmt::format("it was not the same for {} seconds yet", definition_.arrival.settle_seconds);
      settling_ = true;
    } else {
      arrived.push_back({entry->path(), manifest ? read_manifest(companion(*manifest, name)) : DeclaredTotals{}});
    }
  }
  if (error) {
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot list inbox '{}': {}", folder_.string(), error.message()));
  }
  seen_ = std::move(seen_now);
  std::sort(arrived.begin(), arrived.end(), [](const ArrivedFile& a, const ArrivedFile& b) { return a.path < b.path; });
  return arrived;
}

void Inbox::leave(const fs::path& path) {
  if (const auto seen = seen_.find(path.filename().string()); seen != seen_.end()) seen->second.left = true;
}

fs::path Inbox::archive(const fs::path& path, const std::string& digest12) {
  if (!definition_.archive) return {};
  const fs::path folder = (folder_ / *definition_.archive).lexically_normal();
  const auto check = [&](const std::error_code& error, std::string_view doing) {
    if (error) {
      throw Failure(ReturnCode::kUnavailable,
                    fmt::format("cannot {} '{}' to '{}': {}", doing, path.string(), folder.string(), error.message()),
                    "the file is posted; it stays in the inbox, and is recognised when it is seen again");
    }
  };
  std::error_code error;
  fs::create_directories(folder, error);
  check(error, "make the archive folder for");
  fs::path target = folder / path.filename();
  if (fs::exists(target)) target = folder / (path.stem().string() + "-" + digest12 + path.extension().string());
  fs::rename(path, target, error);
  check(error, "move");
  struct stat status {};
  const auto seen = seen_.find(path.filename().string());
  if (seen != seen_.end() && (::stat(target.c_str(), &status) != 0 || status.st_ino != seen->second.inode ||
                              static_cast<std::uintmax_t>(status.st_size) != seen->second.bytes)) {
    fs::rename(target, path, error);
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("'{}' was replaced by another file before it was archived", path.string()),
                  "the new file lies in the inbox; the next look takes it as a new one");
  }
  for (const auto& pattern : {definition_.arrival.done_marker, definition_.arrival.manifest}) {
    if (!pattern) continue;
    const fs::path beside = companion(*pattern, path.filename().string());
    fs::rename(beside, folder / beside.filename(), error);
    check(error, "move the marker or manifest of");
  }
  return target;
}

}  // namespace ledgermill::batch
