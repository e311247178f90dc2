// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/sha256.h"
#include "cobol/inspect.h"

namespace ledgermill::job {

/// How a file's records lie in it, as GnuCOBOL writes them (seen on 3.1.2; docs/formats/job.md has the table).
struct RecordShape {
  enum class Kind : std::uint8_t {
    kLines,     ///< each ended by LF, the last perhaps not
    kFixed,     ///< `longest` bytes each
    kVariable,  ///< before each: length as two big-endian bytes, and two NUL bytes (COB_VARSEQ_FORMAT 0)
    kRelative,  ///< slots: eight bytes of length (0 empty), `longest` bytes
    kUnknown,   ///< indexed files, and files of programs that nobody looked into
  };
  Kind kind = Kind::kUnknown;
  std::size_t longest = 0;  ///< bytes of a record
};
RecordShape shape_of(const cobol::ProgramFile& file);

/// What is refused in a text input.
struct TextRules {
  std::optional<std::size_t> longest_line;  ///< bytes; spaces beyond it are nothing lost and allowed
  std::string refused_bytes;
};

struct FileFacts {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> records;  ///< nothing for kUnknown
  Digest digest;
  bool ends_in_newline = true;  ///< or is empty
};

/// Reads the whole file, all but its digest. Failure RC 8, naming file and line or record, when it is no regular file,
/// cannot be read, breaks `rules`, or does not end where a record ends. `sums` gets the block_sum of each block.
FileFacts look_through(const std::filesystem::path& path, const RecordShape& shape, const TextRules& rules,
                       std::vector<std::uint64_t>* sums = nullptr);

/// The same with the digest, which a process of its own makes meanwhile where the file is large.
FileFacts examine_file(const std::filesystem::path& path, const RecordShape& shape, const TextRules& rules);

}  // namespace ledgermill::job
