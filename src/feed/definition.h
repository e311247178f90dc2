// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "feed/positional_layout.h"
#include "record/layout.h"
#include "record/plan.h"
#include "record/rule_module.h"

namespace ledgermill::feed {

/// How bytes split into records where they are lines; fixed framing takes `max_record_bytes` alone, as their length.
struct LineFraming {
  char quote = '"';                 ///< 0: no quoting
  char escape = 0;                  ///< 0: none; otherwise the byte after it is taken as it is, inside quotes
  bool double_quote = true;         ///< "" inside quotes is one quote
  char delimiter = ',';             ///< needed here too: a closing quote stands before one
  char comment = 0;                 ///< 0: none; otherwise a line that begins with it is a comment
  bool skip_initial_space = false;  ///< spaces after a delimiter do not count; a quote after them opens the field
  bool multiline = true;            ///< false: every line end ends a record, quoted or not
  std::uint32_t max_record_bytes = 1U << 20;
};

/// How the bytes of a record split into cells (Frictionless' CSV dialect, beyond what framing knows).
struct CsvDialect {
  bool header = true;                ///< the first line holds labels; cells are matched by label
  std::uint32_t preamble_lines = 0;  ///< lines before the header that are no records
  std::vector<std::string> missing_values{""};
};

/// How the bytes of a record split into cells.
enum class Decoding : std::uint8_t {
  kCsv,         ///< at delimiters, with quotes
  kPositional,  ///< at the places of `PositionalLayout`
};

enum class BlankLines : std::uint8_t { kSkip, kReject };

/// When a file in the inbox may be read.
struct Arrival {
  double settle_seconds = 2.0;             ///< two looks, so far apart, must find the same size and time
  std::optional<std::string> done_marker;  ///< name of the marker file; {name} is the feed file's name
  std::optional<std::string> manifest;     ///< name of a JSON file with {"records", "sum"}; {name} likewise
};

/// A feed definition (docs/formats/feed-definition.md). Valid by construction: only `parse_definition` makes one.
struct FeedDefinition {
  std::string name;  ///< [a-z][a-z0-9_]*
  std::string title;
  std::string files;                         ///< glob for file names in an inbox, e.g. "transactions*.csv"
  std::optional<std::string> business_date;  ///< pattern for file names: "transactions-{YYYY}-{MM}-{DD}*.csv"
  std::string table;                         ///< the readers' view; default: `name`
  FramingKind framing_kind = FramingKind::kLines;
  LineFraming framing;
  Decoding decoding = Decoding::kCsv;
  CsvDialect csv;               ///< positional: what it says of header, preamble and missing values holds
  PositionalLayout positional;  ///< empty unless `decoding` is kPositional
  BlankLines blank_lines = BlankLines::kSkip;
  Layout layout;
  std::optional<RuleModule> module;
  RejectLimits limits;
  DeclaredTotals declared;  ///< only sum_field can stand in a definition
  Arrival arrival;
  std::optional<std::string> archive;    ///< folder for published files of an inbox, relative to the inbox
  std::optional<std::string> synthetic;  ///< file with the generator's catalogue, relative to the definition

  Digest digest;               ///< of the definition's bytes
  std::filesystem::path path;  ///< where it was read from; "" when parsed from memory
};

/// Reads a definition. Every mistake (unknown key, wrong type, impossible value) is a Failure (RC 8) whose fact begins
/// "<path>:<line>: " and whose hint says how to mend it. `path` is for messages only.
FeedDefinition parse_definition(std::string_view yaml, const std::filesystem::path& path);
FeedDefinition load_definition(const std::filesystem::path& path);

/// Finds the feed named `name` (or the definition file at that path, when `name` ends in .yaml) in `folders`, first
/// match wins. Failure (RC 8) lists where was looked, and the nearest names.
FeedDefinition find_definition(std::string_view name, const std::vector<std::filesystem::path>& folders);

/// All definitions in `folders` (*.yaml with a `feed:` key), by name; of two with one name the first folder's.
std::vector<std::filesystem::path> list_definitions(const std::vector<std::filesystem::path>& folders);

/// The business date in a file's name, by the definition's pattern; nothing when the feed has no pattern or the name
/// does not fit it. Failure (RC 8) when the name fits but the day does not exist.
std::optional<BusinessDate> business_date_of(const FeedDefinition& definition, std::string_view file_name);

/// Whether `file_name` is one that the definition's `files` pattern names (glob: * ? [..]).
bool names_file(const FeedDefinition& definition, std::string_view file_name);

}  // namespace ledgermill::feed
