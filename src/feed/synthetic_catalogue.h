// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "feed/definition.h"

namespace ledgermill::feed {

/// How the cells of one field are made. Private to the room; docs/formats/synthetic.md describes the file.
struct CellRecipe {
  enum class Kind : std::uint8_t { kEmpty, kOneOf, kDay, kNumber, kPattern } kind = Kind::kEmpty;
  std::vector<std::string> texts;  ///< kOneOf: as they will stand in the file, quoted where they must be
  std::int64_t from = 0;           ///< kDay: days since 1970-01-01; kNumber: minor units
  std::int64_t to = 0;
  std::string pattern;  ///< kPattern: # is a digit, @ a capital letter, all else itself
};

/// One kind of good record.
struct RecordKind {
  std::string name;
  std::uint32_t weight = 1;
  std::vector<CellRecipe> cells;  ///< one for each field of the layout
};

/// One kind of fault: what it changes in a good record, and what must come of it.
struct Fault {
  struct CellChange {
    std::size_t field = 0;
    std::vector<std::string> texts;  ///< one of them becomes the cell, as it stands in the file
  };
  std::string name;
  std::uint32_t weight = 1;
  std::vector<std::size_t> kinds;  ///< records it may befall, by index; all when empty
  std::vector<CellChange> cells;
  std::optional<std::size_t> remove;  ///< this cell and a delimiter are left out
  std::string before;                 ///< put before the record, e.g. a line that is none
  std::string append;                 ///< put behind its last cell
  bool repeat_header = false;         ///< the record is the header line
  std::string code;                   ///< the reject code it must get; "" for none: it must be accepted
  std::string field;                  ///< label of the field the reason speaks of; "" for the whole record
};

struct SyntheticCatalogue {
  std::string newline = "\n";
  std::vector<RecordKind> kinds;
  std::vector<Fault> faults;
};

/// Reads the catalogue that the definition names. Failure (RC 8): none is named, or file, line and what is wrong in it.
SyntheticCatalogue load_catalogue(const FeedDefinition& definition);

}  // namespace ledgermill::feed
