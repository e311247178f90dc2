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
  enum class Kind : std::uint8_t {
    kEmpty,
    kOneOf,
    kDay,
    kNumber,
    kPattern,
    kParts,
    kSequence,
    kPool
  } kind = Kind::kEmpty;
  std::vector<std::string> texts;  ///< kOneOf: as they will stand in the file, quoted where they must be
  std::int64_t from = 0;           ///< kDay: days since 1970-01-01; kNumber: minor units
  std::int64_t to = 0;
  std::vector<std::string> patterns;  ///< kPattern: one of them; # is a digit, @ a capital letter, all else itself
  std::vector<std::vector<std::string>> parts;  ///< kParts: one of each list, a space between
  std::string first;                            ///< kSequence: of the file's first record, in digits
  std::size_t pool = 0;                         ///< kPool: index in the catalogue; the row is the record's
};

/// Rows made once for a file, so that cells of several records belong together: a customer with one address.
struct Pool {
  std::string name;
  std::uint32_t rows = 1;
  std::vector<CellRecipe> cells;  ///< one for each field of the layout; kEmpty where the pool has none
};

/// The n-th text (from 0) of a sequence that begins with the digits `first` and keeps its width: numbers up to 9…9,
/// then A0…0 to Z…Z in base 36. Nothing behind its end: 1,222,056 texts from "1000" on.
std::optional<std::string> sequence_text(const std::string& first, std::uint64_t n);

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
  std::uint32_t cut = 0;              ///< so many bytes are left out at the record's end
  std::optional<std::string> record;  ///< the record is this text
  bool repeat_header = false;         ///< the record is the header line
  std::string code;                   ///< the reject code it must get; "" for none: it must be accepted
  std::string field;                  ///< label of the field the reason speaks of; "" for the whole record
};

struct SyntheticCatalogue {
  std::string newline = "\n";
  std::vector<Pool> pools;
  std::vector<RecordKind> kinds;
  std::vector<Fault> faults;
};

/// Reads the catalogue that the definition names. Failure (RC 8): none is named, or file, line and what is wrong in it.
SyntheticCatalogue load_catalogue(const FeedDefinition& definition);

}  // namespace ledgermill::feed
