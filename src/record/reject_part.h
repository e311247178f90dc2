// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/sha256.h"

namespace ledgermill {

/// A closed part of a reject log: the rejects of one chunk, one JSON object a line (docs/formats/reject-log.md).
/// The ledger's chunk row holds these four values, and only a part named there counts.
struct RejectPart {
  std::string name;  ///< relative to the root: <the batch's folder>/<chunk, 6 digits>-e<epoch>.jsonl
  std::uint64_t rejects = 0;
  std::uint64_t bytes = 0;
  Digest sha256;

  bool operator==(const RejectPart&) const = default;
};

/// An accepted record that the database refused (a constraint, an encoding): it joins its chunk's rejects.
struct DatabaseRefusal {
  std::uint32_t accepted_index = 0;  ///< in StagedChunk::accepted
  std::string message;               ///< the database's words, one line
};

}  // namespace ledgermill
