// SPDX-License-Identifier: Apache-2.0
#include "cobol/inspect.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/failure.h"
#include "cobol/source_text.h"

namespace ledgermill::cobol {

namespace {

constexpr std::array kOrganizations{std::string_view("sequential"), std::string_view("line sequential"),
                                    std::string_view("relative"), std::string_view("indexed")};
constexpr std::array kOpenModes{std::string_view("INPUT"), std::string_view("OUTPUT"), std::string_view("I-O"),
                                std::string_view("EXTEND")};

template <class List, class Value>
bool contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void add_once(std::vector<std::string>& list, const std::string& value) {
  if (!contains(list, value)) list.push_back(value);
}

/// What stands between `before` and `after` in a line; "" where it does not.
std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t begin = line.find(before);
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin + before.size());
  const std::size_t end = line.find(after);
  return end == std::string_view::npos ? std::string_view() : line.substr(0, end);
}

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// A file, and which of the source's programs has it, counted from 1: two programs may each have a file of one name.
struct FileOfProgram {
  ProgramFile file;
  std::size_t program = 0;
};

/// Constants, storage and first values of all programs, by cobc's names for them, which are never used twice.
struct CNames {
  std::map<std::string, std::string, std::less<>> constants;        ///< c_1 → its text
  std::map<std::string, std::string, std::less<>> field_store;      ///< f_22 → b_22, or b_20 + 8 within a group
  std::map<std::string, std::string, std::less<>> field_item;       ///< f_22 → name of the data item
  std::map<std::string, std::string, std::less<>> item;             ///< b_22 → name of the data item
  std::map<std::string, std::string, std::less<>> first_value;      ///< b_22 → its VALUE
  std::map<std::string, std::set<std::string>, std::less<>> moved;  ///< b_22 → the literals moved to it
  std::set<std::string, std::less<>> implicit;                      ///< b_25: made for a name in ASSIGN that is no item
};

template <class Each>
void for_each_line(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// A filling of storage: before the statements begin it is a VALUE, among them a MOVE.
void add_filling(std::string_view line, bool initialization, CNames& names) {
  const std::string store(between(line, "memcpy (", ", "));
  if (!store.starts_with("b_")) return;
  std::string_view value = between(line, ", \"", "\"");
  while (value.ends_with(' ')) value.remove_suffix(1);
  if (value.empty()) return;
  if (initialization) {
    names.first_value.try_emplace(store, value);
  } else {
    names.moved[store].insert(std::string(value));
  }
}

CNames names_in(std::string_view c_text) {
  CNames names;
  bool initialization = false;
  for_each_line(c_text, [&](std::string_view line) {
    if (line.starts_with("static const cob_field c_")) {
      names.constants[std::string(between(line, "cob_field ", "\t"))] = between(line, "(cob_u8_ptr)\"", "\"");
    } else if (line.starts_with("static cob_field f_")) {
      const std::string name(between(line, "cob_field ", "\t"));
      names.field_store[name] = between(line, ", ", ",");
      names.field_item[name] = between(line, "/* ", " */");
    } else if (line.starts_with("static cob_u8_t\tb_")) {
      const std::string name(between(line, "cob_u8_t\t", "["));
      names.item[name] = between(line, "/* ", " */");
      if (between(line, "[", "]") == "4095") names.implicit.insert(name);
    } else if (line == "  /* Program initialization */") {
      initialization = true;
    } else if (line.starts_with("/* End PROGRAM-ID ") || line.starts_with("/* End FUNCTION-ID ")) {
      initialization = false;
    } else {
      add_filling(line, initialization, names);
    }
  });
  return names;
}

/// What the run time opens for ASSIGN TO KEYBOARD and DISPLAY, whatever the environment says.
std::string standard_stream(std::string_view constant) {
  if (constant == "stdin") return "/dev/stdin";
  return constant == "stdout" ? "/dev/stdout" : std::string();
}

/// What a data item named in ASSIGN holds when the file is opened, as far as the source says it: its VALUE, or the one
/// literal that is moved to it.
std::string value_of(const std::string& store, const CNames& names) {
  if (const auto value = names.first_value.find(store); value != names.first_value.end()) return value->second;
  const auto moved = names.moved.find(store);
  return moved != names.moved.end() && moved->second.size() == 1 ? *moved->second.begin() : std::string();
}

/// `right` is what stands behind `assign =`: a constant, a field, or a field made on the spot over some storage.
void set_assign(ProgramFile& file, std::string_view right, const CNames& names) {
  const std::string name(between(right, "&", ";"));
  if (const auto constant = names.constants.find(name); constant != names.constants.end()) {
    file.assign = constant->second;
    return;
  }
  // GnuCOBOL 3.2 writes a space behind the macro's name, 3.1 none.
  std::string store(between(right.substr(std::min(right.find("COB_SET_FLD"), right.size())), "(", ")"));
  std::string item;
  if (!store.empty()) {
    store = between(between(store, ", ", "&"), ", ", ",");
    if (const auto found = names.item.find(store); found != names.item.end()) item = found->second;
  } else if (const auto field = names.field_store.find(name); field != names.field_store.end()) {
    store = field->second;
    item = names.field_item.at(name);
  }
  file.assign = value_of(store, names);
  if (!names.implicit.contains(store)) {
    file.item = item;
  } else if (file.assign.empty()) {
    file.assign = item;
  }
}

/// One line of what cobc writes for a file: `h_OUT_FILE->record_max = 80;`, the arrow left out.
void add_property(std::string_view right, const CNames& names, ProgramFile& file) {
  if (right.starts_with("assign =")) set_assign(file, right, names);
  if (right.starts_with("record_min =")) file.record_min = number_in(between(right, "= ", ";"));
  if (right.starts_with("record_max =")) file.record_max = number_in(between(right, "= ", ";"));
  if (right.starts_with("flag_optional = 1")) file.optional = true;
  // COB_SELECT_STDIN and COB_SELECT_STDOUT of libcob's common.h, which only tell these from a file called "stdin".
  constexpr std::size_t kStandardStream = 16U | 32U;
  if (right.starts_with("flag_select_features =") && (number_in(between(right, "= ", ";")) & kStandardStream) != 0)
    file.assign = standard_stream(file.assign);
}

/// The files of all programs of the source, sort work files left out.
std::vector<FileOfProgram> files_in(std::string_view c_text) {
  constexpr std::size_t kSortWork = 4;
  const CNames names = names_in(c_text);
  std::vector<FileOfProgram> files;
  std::set<std::size_t> sort_works;
  std::size_t program = 0;
  for_each_line(c_text, [&](std::string_view line) {
    if (line.starts_with("/* PROGRAM-ID '") || line.starts_with("/* FUNCTION-ID '")) ++program;
    const std::size_t arrow = line.find("->");
    if (!line.starts_with("  h_") || arrow == std::string_view::npos) return;
    const std::string_view right = line.substr(arrow + 2);
    if (right.starts_with("select_name")) {
      files.push_back({{}, program});
      files.back().file.select = between(right, "\"", "\"");
    }
    if (files.empty()) return;
    add_property(right, names, files.back().file);
    if (!right.starts_with("organization =")) return;
    const std::size_t organization = number_in(between(right, "= ", ";"));
    if (organization == kSortWork) {
      sort_works.insert(files.size() - 1);
    } else {
      files.back().file.organization = static_cast<Organization>(std::min(organization, kOrganizations.size() - 1));
    }
  });
  for (auto work = sort_works.rbegin(); work != sort_works.rend(); ++work)
    files.erase(files.begin() + static_cast<std::ptrdiff_t>(*work));
  return files;
}

bool same_name(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](unsigned char a, unsigned char b) { return std::toupper(a) == std::toupper(b); });
}

/// The file that `word` means in a program: its own, or a GLOBAL one of a program around it, which began earlier.
ProgramFile* file_named(const Token& word, std::size_t program, std::vector<FileOfProgram>& files) {
  if (word.literal) return nullptr;
  for (auto each = files.rbegin(); each != files.rend(); ++each) {
    if (each->program <= program && same_name(each->file.select, word.text)) return &each->file;
  }
  return nullptr;
}

/// OPEN INPUT a b OUTPUT c: the words up to one that is neither mode nor file nor option.
void add_open(const std::vector<Token>& tokens, std::size_t at, std::size_t program,
              std::vector<FileOfProgram>& files) {
  static const std::set<std::string, std::less<>> kOptions{"SHARING", "WITH",  "NO",   "LOCK", "REWIND",   "REVERSED",
                                                           "ALL",     "OTHER", "READ", "ONLY", "EXCLUSIVE"};
  std::string mode;
  for (; at < tokens.size() && !tokens[at].literal; ++at) {
    const std::string& word = tokens[at].text;
    if (contains(kOpenModes, word)) {
      mode = word;
    } else if (ProgramFile* file = file_named(tokens[at], program, files)) {
      add_once(file->opened, mode);
    } else if (!kOptions.contains(word) ||
               (word == "READ" && (at + 1 == tokens.size() || tokens[at + 1].text != "ONLY"))) {
      return;  // READ ONLY is an option; READ alone is the next statement
    }
  }
}

/// SORT and MERGE open files by USING and GIVING: each followed by files and nothing else. Without them (a table, or
/// procedures) the sentence goes on with other statements, whose USING opens nothing.
void add_sort(const std::vector<Token>& tokens, std::size_t at, std::size_t program,
              std::vector<FileOfProgram>& files) {
  static const std::set<std::string, std::less<>> kOthers{".", "CALL", "SORT", "MERGE", "OPEN", "CHAIN", "INVOKE"};
  std::string mode;
  for (; at < tokens.size() && !kOthers.contains(tokens[at].text); ++at) {
    if (tokens[at].text == "USING") {
      mode = "INPUT";
    } else if (tokens[at].text == "GIVING") {
      mode = "OUTPUT";
    } else if (!mode.empty()) {
      ProgramFile* file = file_named(tokens[at], program, files);
      if (file == nullptr && tokens[at].text != "OUTPUT") return;
      if (file == nullptr) mode.clear();  // USING files, then OUTPUT PROCEDURE
      if (file != nullptr) add_once(file->opened, mode);
    }
  }
}

std::vector<std::string> parameters_at(const std::vector<Token>& tokens, std::size_t at) {
  static const std::set<std::string, std::less<>> kHow{"BY", "REFERENCE", "VALUE", "OPTIONAL"};
  std::vector<std::string> parameters;
  if (at >= tokens.size() || (tokens[at].text != "USING" && tokens[at].text != "CHAINING")) return parameters;
  for (++at; at < tokens.size() && tokens[at].text != "." && tokens[at].text != "RETURNING"; ++at) {
    if (!kHow.contains(tokens[at].text)) parameters.push_back(tokens[at].text);
  }
  return parameters;
}

}  // namespace

std::string_view organization_name(Organization organization) {
  return kOrganizations.at(static_cast<std::size_t>(organization));
}

std::optional<Organization> organization_from_name(std::string_view name) {
  const auto at = std::find(kOrganizations.begin(), kOrganizations.end(), name);
  if (at == kOrganizations.end()) return std::nullopt;
  return static_cast<Organization>(at - kOrganizations.begin());
}

std::optional<std::string> ProgramFile::dd_name() const {
  if (assign.empty() || std::string_view("/-.$0123456789").find(assign.front()) != std::string_view::npos ||
      assign.find_first_of("/\\") != std::string::npos)
    return std::nullopt;
  std::string name = assign;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

bool ProgramFile::opened_for_output() const {
  return std::any_of(opened.begin(), opened.end(), [](const std::string& mode) { return mode != "INPUT"; });
}

Inspection inspection_of(std::string_view preprocessed, std::string_view c_text) {
  const std::vector<Token> tokens = tokens_of(preprocessed);
  Inspection found;
  std::vector<FileOfProgram> files = files_in(c_text);
  std::vector<std::string> own;
  bool first_division = true;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].literal) continue;
    const std::string& word = tokens[i].text;
    if (word == "PROGRAM-ID" || word == "FUNCTION-ID") {
      const std::size_t name = tokens[i + 1].text == "." && i + 2 < tokens.size() ? i + 2 : i + 1;
      own.push_back(tokens[name].text);
    } else if (word == "PROCEDURE" && tokens[i + 1].text == "DIVISION" && first_division) {
      found.parameters = parameters_at(tokens, i + 2);
      first_division = false;
    } else if (word == "OPEN") {
      add_open(tokens, i + 1, own.size(), files);
    } else if (word == "SORT" || word == "MERGE") {
      add_sort(tokens, i + 1, own.size(), files);
    } else if (word == "CALL") {
      if (tokens[i + 1].literal) {
        add_once(found.calls, tokens[i + 1].text);
      } else {
        found.calls_by_value = true;
      }
    }
  }
  for (FileOfProgram& each : files) found.files.push_back(std::move(each.file));
  std::erase_if(found.calls, [&](const std::string& call) {
    return std::any_of(own.begin(), own.end(), [&](const std::string& name) { return same_name(name, call); });
  });
  // The entry's name keeps the capitals of the source, which the tokens do not; cobc says it in its C text.
  found.program = between(c_text, "/* PROGRAM-ID '", "'");
  if (found.program.empty() && !own.empty()) found.program = own.front();
  return found;
}

std::string inspection_json(const Inspection& inspection) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const ProgramFile& file : inspection.files) {
    const auto dd = file.dd_name();
    files.push_back({{"select", file.select},
                     {"assign", file.assign},
                     {"item", file.item},
                     {"dd", dd ? nlohmann::ordered_json(*dd) : nlohmann::ordered_json()},
                     {"organization", organization_name(file.organization)},
                     {"record_min", file.record_min},
                     {"record_max", file.record_max},
                     {"optional", file.optional},
                     {"opened", file.opened}});
  }
  return nlohmann::ordered_json{{"program", inspection.program},
                                {"parameters", inspection.parameters},
                                {"calls", inspection.calls},
                                {"calls_by_value", inspection.calls_by_value},
                                {"files", files}}
      .dump();
}

Inspection inspection_from_json(std::string_view json) {
  try {
    const auto value = nlohmann::json::parse(json);
    Inspection inspection{
        value.at("program"), value.at("parameters"), value.at("calls"), value.at("calls_by_value"), {}};
    for (const auto& each : value.at("files")) {
      ProgramFile file;
      file.select = each.at("select");
      file.assign = each.at("assign");
      file.item = each.at("item");
      file.organization = organization_from_name(each.at("organization").get<std::string>()).value();
      file.record_min = each.at("record_min");
      file.record_max = each.at("record_max");
      file.optional = each.at("optional");
      file.opened = each.at("opened").get<std::vector<std::string>>();
      inspection.files.push_back(std::move(file));
    }
    return inspection;
  } catch (const std::exception& damaged) {
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("what is known of a compiled program is damaged: {}", damaged.what()),
                  "remove it from the cache of compiled modules; it is made again");
  }
}

}  // namespace ledgermill::cobol
