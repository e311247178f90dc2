// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/sha256.h"
#include "cobol/dialect.h"
#include "job/code_page.h"
#include "job/condition.h"
#include "job/field.h"
#include "record/business_date.h"

namespace ledgermill::job {

/// A file, or a generation of a group of files: +1 the next, 0 the newest, -1 the one before.
struct Dataset {
  std::filesystem::path path;  ///< absolute; of a generation: the group's name
  std::optional<int> generation;
};

struct Concatenation {
  std::vector<Dataset> parts;
};
/// A dataset of the run: made by one step, read by later ones.
struct Temporary {
  std::string name;
};
struct InlineData {
  std::string text;
};
/// Reads as empty, writes to nowhere.
struct Dummy {};

enum class Disposition : std::uint8_t { kShared, kOld, kNew, kAppend };
std::string_view disposition_name(Disposition disposition);
/// What becomes of a dataset when its step has ended.
enum class Afterwards : std::uint8_t { kKeep, kDelete };

/// Where a key lies in the records of an indexed file that `copy` reads or makes.
struct IndexKey {
  std::size_t at = 1;  ///< from 1
  std::size_t length = 1;
  bool duplicates = false;
};

/// What a step binds to a DD name.
struct Binding {
  std::string dd;
  int line = 0;  ///< of the definition
  std::variant<Dataset, Concatenation, Temporary, InlineData, Dummy> source;
  Disposition disposition = Disposition::kShared;
  Afterwards success = Afterwards::kKeep;
  Afterwards failure = Afterwards::kKeep;
  bool replace = false;                  ///< a new dataset may take the place of one that is there
  std::optional<unsigned> limit;         ///< of generations
  bool required = true;                  ///< an output must be there when the step has ended
  bool cut_long_lines = false;           ///< a line longer than the program's record is allowed
  std::string refused_bytes{"\r\0", 2};  ///< what no text input may hold: what the program would not see as it is
  std::vector<IndexKey> keys;            ///< of an indexed file that `copy` reads or writes; the first is the primary
  bool unused = false;                   ///< no file of the program needs to have this name
};

struct ProgramStep {
  std::filesystem::path program;  ///< absolute: a source, a compiled module (.so) or an executable
  cobol::Dialect dialect;
  std::vector<std::filesystem::path> copybooks;
  std::vector<std::filesystem::path> libraries;
  std::optional<std::string> parm;
};

/// Which of IN's records come to OUT, and what is written of each.
struct Selection {
  RecordForm form;
  std::optional<FieldCondition> include;
  std::optional<FieldCondition> omit;
  std::vector<OutputPart> output;  ///< empty: the record as it is
};

struct SortStep {
  Selection selection;
  std::vector<SortKey> keys;
  bool unique = false;
};

struct CopyStep {
  Selection selection;
  std::optional<RecordForm> to;            ///< what OUT's records are, where not as IN's
  std::optional<Translation> translation;  ///< from: of the record read, before all else; to: of the record written
  std::uint64_t skip = 0;
  std::optional<std::uint64_t> records;  ///< at most so many
};

/// Records read from `in` must be those written to `out` and `rejects`.
struct Balance {
  std::vector<std::string> in, out, rejects;
};

struct Step {
  std::string name;
  int line = 0;
  std::variant<ProgramStep, SortStep, CopyStep> work;
  std::map<std::string, std::string> environment;
  Condition condition;
  std::int32_t max_rc = 4;
  std::chrono::seconds timeout{3600};
  std::optional<std::uint64_t> memory_bytes;
  std::vector<Binding> bindings;
  std::optional<Balance> balance;

  /// Nothing where no DD of the step has the name.
  const Binding* binding(std::string_view dd) const;
};

/// A job as docs/formats/job.md describes it. Once made it is valid: what could be wrong has been said.
struct JobDefinition {
  std::string name;
  std::string title;
  std::filesystem::path file;
  Digest digest;  ///< of the text, the variables set from outside and the run date asked for
  BusinessDate run_date;
  bool run_date_given = false;  ///< programs then see it as the current date
  std::vector<Step> steps;
};

/// What the command says besides the definition.
struct DefinitionWords {
  std::filesystem::path folder;                  ///< relative paths are relative to it; absolute
  std::map<std::string, std::string> variables;  ///< override the definition's
  std::optional<BusinessDate> run_date;          ///< overrides the definition's
  BusinessDate today;                            ///< the run date where nobody gives one
};

/// Failure RC 8, "<file>:<line>: ...", on the first mistake.
JobDefinition parse_definition(std::string_view yaml, const std::filesystem::path& file, const DefinitionWords& words);

/// "90s", "10m", "2h"; nothing for other text or more than 30 days.
std::optional<std::chrono::seconds> duration_from_text(std::string_view text);
/// "512M", "2G", "65536K"; nothing for other text.
std::optional<std::uint64_t> size_from_text(std::string_view text);
/// `${NAME}` replaced by its value; the name of one that has none, as an error, in `unknown`.
std::string with_variables(std::string_view text, const std::map<std::string, std::string>& variables,
                           std::string& unknown);

}  // namespace ledgermill::job
