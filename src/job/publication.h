// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ledgermill::job {

/// A file that gets its name, or is deleted, when its step has ended.
struct Move {
  enum class Kind : std::uint8_t {
    kPlace,    ///< `to` must not be there
    kReplace,  ///< `to` may be there, and is replaced at once
    kDelete,   ///< `to` goes
  };
  Kind kind = Kind::kPlace;
  std::string from;  ///< on the file system of `to`; "" for kDelete
  std::string to;
};

/// Does all moves, those left over from a killed run too: what was moved already is passed over. The files' bytes were
/// synced before; folders are synced here. Failure RC 8 when a name is taken that must be free, RC 12 on I/O errors;
/// then the same call may be made again.
void complete_moves(const std::vector<Move>& moves);

/// Failure RC 12 when its entries cannot be made durable.
void sync_folder(const std::filesystem::path& folder);
/// A file's bytes made durable. Failure RC 12.
void sync_file(const std::filesystem::path& file);

/// Writes `text` beside `path`, syncs, renames. Failure RC 12.
void write_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace ledgermill::job
