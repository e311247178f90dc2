// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledgermill::cobol {

enum class Organization : std::uint8_t { kSequential, kLineSequential, kRelative, kIndexed };
std::string_view organization_name(Organization organization);  ///< "sequential", "line sequential", ...
std::optional<Organization> organization_from_name(std::string_view name);

/// A file that a program may open: a SELECT with its FD.
struct ProgramFile {
  std::string select;  ///< the name inside the program
  std::string assign;  ///< what is looked up when it is opened, as the dialect makes it of ASSIGN
  /// The data item whose value is looked up instead; `assign` is then its VALUE, or the one literal moved to it, if
  /// any.
  std::string item;
  Organization organization = Organization::kSequential;
  std::size_t record_min = 0;  ///< bytes
  std::size_t record_max = 0;
  bool optional = false;            ///< SELECT OPTIONAL
  std::vector<std::string> opened;  ///< INPUT, OUTPUT, I-O, EXTEND: the modes of its OPEN statements

  /// The name that a DD is bound by: DD_<name> is what the run time looks for, with '_' where `assign` has '.'. Nothing
  /// for what is never mapped as a whole: it begins with '/', '-', '.', '$' or a digit, or has folders; the standard
  /// streams of ASSIGN TO KEYBOARD and DISPLAY. Seen on GnuCOBOL 3.1.2.
  std::optional<std::string> dd_name() const;
  bool opened_for_output() const;
};

/// What a program asks of its surroundings.
struct Inspection {
  std::string program;                  ///< PROGRAM-ID of the first program
  std::vector<std::string> parameters;  ///< PROCEDURE DIVISION USING, of the first program
  std::vector<std::string> calls;       ///< programs called by a literal, without those of the same source
  bool calls_by_value = false;          ///< there is a CALL whose program's name is in a data item
  std::vector<ProgramFile> files;       ///< sort work files left out
};

/// Reads what cobc made of a source: its preprocessed text (-E), and its C text with all storage headers (-C),
/// since only the compiler knows for certain what ASSIGN means in a dialect and how long a record is.
Inspection inspection_of(std::string_view preprocessed, std::string_view c_text);

std::string inspection_json(const Inspection& inspection);
/// The inverse; Failure (RC 12) on text that is none.
Inspection inspection_from_json(std::string_view json);

}  // namespace ledgermill::cobol
