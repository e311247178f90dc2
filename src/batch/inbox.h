// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "feed/definition.h"
#include "record/plan.h"

namespace ledgermill::batch {

/// A feed file that has arrived whole, as far as the feed's arrival rules can tell.
struct ArrivedFile {
  std::filesystem::path path;
  DeclaredTotals declared;  ///< of its manifest, where the feed has one
};

/// A folder that a feed's files are delivered to. Keeps what it saw at its last look, to tell a settled file from one
/// still being written.
class Inbox {
 public:
  /// Failure (RC 8) when `folder` is no folder.
  Inbox(const feed::FeedDefinition& definition, std::filesystem::path folder);

  /// Looks at the folder: files that the definition's `files` pattern names, that were the same (size, time) at a look
  /// at least settle_seconds ago, and whose done-marker and manifest are there if the feed has them. By name.
  /// Failure (RC 8) on a manifest that cannot be read; RC 12 on an I/O error.
  std::vector<ArrivedFile> look();

  /// Files that fit the pattern but have not arrived whole yet, as of the last look, with the reason; for messages.
  const std::map<std::string, std::string>& waiting() const { return waiting_; }
  /// True while a file waits only for its second look.
  bool settling() const { return settling_; }

  /// Leaves this file out of later looks while it stays as it is: it was refused, and a person has to see to it.
  void leave(const std::filesystem::path& path);

  /// Moves a published file (with its marker and manifest) to the archive folder of the definition, under its name, or
  /// with `digest12` put before the extension when the name is taken. Checks after the move that it is the file that
  /// was read (size, inode). Returns where it lies; "" when the feed has no archive. Failure RC 12.
  std::filesystem::path archive(const std::filesystem::path& path, const std::string& digest12);

 private:
  struct Seen {
    std::uintmax_t bytes = 0;
    std::timespec modified{};
    std::uint64_t inode = 0;
    std::chrono::steady_clock::time_point since;
    bool left = false;
  };
  std::filesystem::path companion(const std::string& pattern, const std::string& name) const;

  const feed::FeedDefinition& definition_;
  std::filesystem::path folder_;
  std::map<std::string, Seen> seen_;
  std::map<std::string, std::string> waiting_;
  bool settling_ = false;
};

}  // namespace ledgermill::batch
