// SPDX-License-Identifier: Apache-2.0
#include "feed/draft.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/failure.h"
#include "base/file.h"
#include "feed/cell_decoder.h"
#include "feed/framer.h"
#include "feed/header_line.h"
#include "feed/source_file.h"

namespace ledgermill::feed {

namespace {

constexpr std::size_t kMostBytes = 1U << 20;
constexpr std::size_t kMostEnum = 20;

using Rows = std::vector<std::vector<std::string>>;

/// The rows of a sample as a dialect would split them.
Rows rows_of(std::string_view bytes, const LineFraming& framing) {
  Framer framer(bytes, framing, MoreBytes::kNone);
  std::array<FramedSpan, 256> spans;
  Rows rows;
  while (const std::size_t count = framer.next(spans)) {
    for (std::size_t i = 0; i < count && spans[i].kind != FrameKind::kTooLong; ++i) {
      if (spans[i].kind == FrameKind::kRecord)
        rows.push_back(split_cells(bytes.substr(spans[i].frame.offset, spans[i].frame.length), framing));
    }
    if (spans[count - 1].kind == FrameKind::kTooLong) break;
  }
  return rows;
}

/// Rows that have as many cells as the first; 0 where the first has one only.
std::size_t rows_alike(const Rows& rows) {
  if (rows.empty() || rows[0].size() < 2) return 0;
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row.size() == rows[0].size(); }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,-") == std::string::npos &&
         text.find_first_of("0123456789") != std::string::npos;
}

/// The first row holds labels when they differ from each other, none is empty, and none looks like a value.
bool looks_like_header(const std::vector<std::string>& row) {
  const std::set<std::string> distinct(row.begin(), row.end());
  return distinct.size() == row.size() && !distinct.contains("") && std::none_of(row.begin(), row.end(), is_number);
}

std::string yaml_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

/// How many of the values the field can hold.
std::size_t fitting(const Field& field, const std::vector<std::string>& values) {
  const Layout layout{{field}};
  RecordBlock block(layout, false);
  const std::vector<std::string> none;
  const CellDecoder decoder(layout.fields[0], 0, none);
  return static_cast<std::size_t>(std::count_if(
      values.begin(), values.end(), [&](const std::string& value) { return decoder.decode(value, block, 0); }));
}

/// Writes the lines of one field: what it may be, each guess with its evidence.
class FieldGuess {
 public:
  FieldGuess(std::string name, const std::vector<std::string>& cells) : name_(std::move(name)), cells_(cells) {
    for (const std::string& cell : cells) {
      if (!cell.empty()) values_.push_back(cell);
    }
  }

  std::string lines() {
    std::string text = fmt::format("    - name: {}\n", yaml_text(name_));
    text += type_lines();
    std::string constraints;
    if (is_most(values_.size(), cells_.size()))
      constraints =
          fmt::format("        required: true   # guess: {} of {} are not empty\n", values_.size(), cells_.size());
    if (is_string_) constraints += string_constraints();
    return text + (constraints.empty() ? "" : "      constraints:\n" + constraints);
  }

 private:
  /// A sample has bad values too: what holds for 19 of 20 is the rule.
  static bool is_most(std::size_t part, std::size_t whole) { return whole > 0 && part * 20 >= whole * 19; }

  std::string type_lines() {
    if (values_.empty()) return "      type: string   # guess: the sample has no value\n";
    Field field;
    field.type = FieldType::kInteger;
    if (fits(field)) return evidence("      type: integer");
    field.type = FieldType::kDecimal;
    for (field.scale = 1; field.scale <= 6; ++field.scale) {
      if (fits(field)) return evidence(fmt::format("      type: decimal(18,{})", field.scale));
    }
    field.scale = 0;
    for (const char* format : {"%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d-%m-%Y"}) {
      field.type = FieldType::kDate;
      field.format = format;
      if (fits(field)) return evidence("      type: date") + fmt::format("      format: {}\n", yaml_text(format));
    }
    for (const char* format : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"}) {
      field.type = FieldType::kDatetime;
      field.format = format;
      if (fits(field)) return evidence("      type: datetime") + fmt::format("      format: {}\n", yaml_text(format));
    }
    field.type = FieldType::kBoolean;
    if (fits(field)) return evidence("      type: boolean");
    is_string_ = true;
    fitting_ = values_.size();
    return evidence("      type: string");
  }

  bool fits(const Field& field) {
    fitting_ = fitting(field, values_);
    return is_most(fitting_, values_.size());
  }
  std::string evidence(const std::string& line) const {
    return fmt::format("{}   # guess: {} of {} values fit\n", line, fitting_, values_.size());
  }

  /// A few values that nearly all cells have are an enum.
  std::string string_constraints() const {
    std::map<std::string, std::size_t> counts;
    for (const std::string& value : values_) ++counts[value];
    std::string list;
    std::size_t listed = 0;
    std::size_t covered = 0;
    for (const auto& [value, count] : counts) {
      if (count * 200 < values_.size() || count < 2) continue;
      list += (list.empty() ? "" : ", ") + yaml_text(value);
      ++listed;
      covered += count;
    }
    if (listed > 0 && listed <= kMostEnum && values_.size() >= 5 * listed && is_most(covered, values_.size())) {
      return fmt::format("        enum: [{}]   # guess: {} of {} values\n", list, covered, values_.size());
    }
    std::size_t longest = 1;
    for (const std::string& value : values_) longest = std::max(longest, value.size());
    return fmt::format("        maxLength: {}   # guess: twice the longest of {} values\n", 2 * longest,
                       values_.size());
  }

  std::string name_;
  const std::vector<std::string>& cells_;
  std::vector<std::string> values_;
  std::size_t fitting_ = 0;
  bool is_string_ = false;
};

}  // namespace

std::string draft_definition(const std::filesystem::path& sample, std::string_view feed_name) {
  const SourceFile file(sample);
  std::string bytes(std::min<std::size_t>(file.bytes(), kMostBytes), '\0');
  bytes.resize(read_some_at(file.fd(), 0, std::as_writable_bytes(std::span(bytes)), sample));
  if (bytes.rfind("\xEF\xBB\xBF", 0) == 0) bytes.erase(0, 3);
  if (file.bytes() > bytes.size()) bytes.erase(bytes.find_last_of('\n') + 1);  // the last line may be torn

  LineFraming best;
  std::size_t best_alike = 0;
  for (const char delimiter : {',', ';', '\t', '|'}) {
    LineFraming framing;
    framing.delimiter = delimiter;
    if (const std::size_t alike = rows_alike(rows_of(bytes, framing)); alike > best_alike) {
      best_alike = alike;
      best = framing;
    }
  }
  Rows rows = rows_of(bytes, best);
  if (rows.empty())
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' has no lines of cells to learn from", sample.string()));
  const bool header = looks_like_header(rows[0]);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows[0].size(); ++i)
    names.push_back(header ? rows[0][i] : fmt::format("column {}", i + 1));
  if (header) rows.erase(rows.begin());

  std::string text = fmt::format("# A draft from '{}': every line marked 'guess' wants a person's look.\n",
                                 sample.filename().string());
  text += fmt::format("feed: {}\nfiles: {}\n\ndialect:\n", feed_name, yaml_text("*" + sample.extension().string()));
  text +=
      fmt::format("  delimiter: {}   # guess: {} of {} lines then have {} cells\n",
                  yaml_text(std::string(1, best.delimiter)), best_alike, rows.size() + (header ? 1 : 0), names.size());
  text += fmt::format("  header: {}   # guess: the first line {} labels\n\nschema:\n  fields:\n", header,
                      header ? "looks like" : "does not look like");
  for (std::size_t f = 0; f < names.size(); ++f) {
    std::vector<std::string> cells;
    for (const auto& row : rows) {
      if (row.size() == names.size()) cells.push_back(row[f]);
    }
    text += FieldGuess(names[f], cells).lines();
  }
  parse_definition(text, "draft");  // a draft that does not parse is a defect, or a sample that cannot be described
  return text;
}

}  // namespace ledgermill::feed
