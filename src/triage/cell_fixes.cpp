// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "triage/fix_parts.h"

namespace ledgermill::triage {

namespace {

using Stage = Fix::Stage;
/// Changes the cells of a record; `fields`: of each cell that it should have.
using Rearrange = std::function<bool(Cells&, const std::vector<std::optional<std::size_t>>& fields)>;

std::function<std::optional<std::string>(const Sample&)> on_record(const RecordForm& form, Rearrange rearrange) {
  return [form, rearrange = std::move(rearrange)](const Sample& sample) -> std::optional<std::string> {
    auto cells = split(sample.record, form.delimiter, form.quote);
    const auto fields = fields_of(form, sample.header);
    if (!cells || !rearrange(*cells, fields) || cells->size() != fields.size()) return std::nullopt;
    std::string fixed = join(*cells, form);
    if (fixed == sample.record) return std::nullopt;
    return fixed;
  };
}

void add_delimiter(std::vector<Fix>& fixes, const RecordForm& form, char delimiter, const char* name) {
  if (delimiter == form.delimiter) return;
  fixes.push_back({"delimiter", std::string("read with ") + name + " between the cells", true, 1, Stage::kStructure,
                   [form, delimiter](const Sample& sample) -> std::optional<std::string> {
                     const auto cells = split(sample.record, delimiter, form.quote);
                     if (!cells || cells->size() != fields_of(form, sample.header).size()) return std::nullopt;
                     return join(*cells, form);
                   }});
}

/// Cell i and the one behind it were one, which the delimiter in it cut in two. What stood between them, by field.
void add_joins(std::vector<Fix>& fixes, const RecordForm& form, std::size_t i) {
  const auto joined = [i](const std::function<std::optional<std::string>(const Field&, const Cells&)>& between,
                          const Layout* layout) -> Rearrange {
    return [=](Cells& cells, const auto& fields) {
      if (cells.size() != fields.size() + 1 || i >= fields.size() || !fields[i]) return false;
      const auto glue = between(layout->fields[*fields[i]], cells);
      if (!glue) return false;
      cells[i] += *glue + cells[i + 1];
      cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      return true;
    };
  };
  const std::string which = " (cell " + std::to_string(i + 1) + ")";
  const auto comma = [i](const Field& field, const Cells& cells) -> std::optional<std::string> {
    if (field.type != FieldType::kDecimal || !all_digits(cells[i + 1]) || cells[i + 1].size() > field.scale)
      return std::nullopt;
    return std::string(1, field.decimal_char);
  };
  const auto thousands = [i](const Field& field, const Cells& cells) -> std::optional<std::string> {
    if (!field.is_number() || !all_digits(std::string_view(cells[i + 1]).substr(0, 3)) || cells[i + 1].size() < 3)
      return std::nullopt;
    if (cells[i + 1].size() > 3 && cells[i + 1][3] != field.decimal_char) return std::nullopt;
    return "";
  };
  const auto text = [form](const Field& field, const Cells&) -> std::optional<std::string> {
    if (field.type != FieldType::kString || field.is_code()) return std::nullopt;
    return std::string(1, form.delimiter);
  };
  fixes.push_back({"decimal-comma", "the delimiter in a number is its decimal comma" + which, true, 1,
                   Stage::kStructure, on_record(form, joined(comma, form.layout))});
  fixes.push_back({"thousands-mark", "the delimiter in a number is a thousands mark" + which, true, 2,
                   Stage::kStructure, on_record(form, joined(thousands, form.layout))});
  fixes.push_back({"unquoted-delimiter", "the delimiter belongs to the text" + which, true, 3, Stage::kStructure,
                   on_record(form, joined(text, form.layout))});
}

void add_column_changes(std::vector<Fix>& fixes, const RecordForm& form, std::size_t count) {
  for (std::size_t k = 0; k <= count; ++k) {
    const std::string which = std::to_string(k + 1);
    fixes.push_back({"extra-column", "leave cell " + which + " out", false, 5, Stage::kStructure,
                     on_record(form, [k](Cells& cells, const auto& fields) {
                       if (cells.size() != fields.size() + 1 || k >= cells.size()) return false;
                       cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(k));
                       return true;
                     })});
    fixes.push_back({"missing-column", "put an empty cell at " + which, false, 5, Stage::kStructure,
                     on_record(form, [k](Cells& cells, const auto& fields) {
                       if (cells.size() + 1 != fields.size() || k > cells.size()) return false;
                       cells.insert(cells.begin() + static_cast<std::ptrdiff_t>(k), "");
                       return true;
                     })});
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      fixes.push_back({"column-order", "swap cells " + std::to_string(i + 1) + " and " + std::to_string(j + 1), true, 4,
                       Stage::kStructure, on_record(form, [i, j](Cells& cells, const auto& fields) {
                         if (cells.size() != fields.size() || j >= cells.size()) return false;
                         std::swap(cells[i], cells[j]);
                         return true;
                       })});
    }
  }
  fixes.push_back({"column-order", "move the last cell to the front", true, 4, Stage::kStructure,
                   on_record(form, [](Cells& cells, const auto& fields) {
                     if (cells.size() != fields.size() || cells.size() < 3) return false;
                     std::rotate(cells.begin(), cells.end() - 1, cells.end());
                     return true;
                   })});
  fixes.push_back({"column-order", "move the first cell to the end", true, 4, Stage::kStructure,
                   on_record(form, [](Cells& cells, const auto& fields) {
                     if (cells.size() != fields.size() || cells.size() < 3) return false;
                     std::rotate(cells.begin(), cells.begin() + 1, cells.end());
                     return true;
                   })});
}

}  // namespace

void add_cell_fixes(std::vector<Fix>& fixes, const RecordForm& form) {
  add_delimiter(fixes, form, ',', "a comma");
  add_delimiter(fixes, form, ';', "a semicolon");
  add_delimiter(fixes, form, '\t', "a tab");
  add_delimiter(fixes, form, '|', "a bar");
  fixes.push_back({"trailing-delimiter", "leave the empty last cell out", true, 1, Stage::kStructure,
                   on_record(form, [](Cells& cells, const auto& fields) {
                     if (cells.size() != fields.size() + 1 || !cells.back().empty()) return false;
                     cells.pop_back();
                     return true;
                   })});
  constexpr std::size_t kMostColumns = 12;  // pairs of more columns would be tried for minutes
  const std::size_t count = form.layout->fields.size();
  for (std::size_t i = 0; i < count; ++i) add_joins(fixes, form, i);
  if (count <= kMostColumns) add_column_changes(fixes, form, count);
}

}  // namespace ledgermill::triage
