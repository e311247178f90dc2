// SPDX-License-Identifier: Apache-2.0
#include "triage/fixes.h"

#include <algorithm>

#include "triage/fix_parts.h"

namespace ledgermill::triage {

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Cells> split(std::string_view record, char delimiter, char quote) {
  if (record.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
  Cells cells(1);
  for (std::size_t i = 0; i < record.size(); ++i) {
    if (record[i] == delimiter) {
      cells.emplace_back();
    } else if (quote != 0 && record[i] == quote) {
      if (!cells.back().empty()) return std::nullopt;
      for (++i;; ++i) {
        if (i >= record.size()) return std::nullopt;
        if (record[i] == quote && (i + 1 >= record.size() || record[i + 1] != quote)) break;
        if (record[i] == quote) ++i;
        cells.back() += record[i];
      }
      if (i + 1 < record.size() && record[i + 1] != delimiter) return std::nullopt;
    } else {
      cells.back() += record[i];
    }
  }
  return cells;
}

std::string join(const Cells& cells, const RecordForm& form) {
  std::string record;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) record += form.delimiter;
    const bool needs_quotes =
        cells[i].find(form.delimiter) != std::string::npos || cells[i].find(form.quote) != std::string::npos;
    if (form.quote == 0 || !needs_quotes) {
      record += cells[i];
      continue;
    }
    record += form.quote;
    for (const char c : cells[i]) record.append(c == form.quote ? 2 : 1, c);
    record += form.quote;
  }
  return record;
}

std::vector<std::optional<std::size_t>> fields_of(const RecordForm& form, std::string_view header) {
  std::vector<std::optional<std::size_t>> fields;
  while (!header.empty() && (header.back() == '\n' || header.back() == '\r')) header.remove_suffix(1);
  const auto labels = form.header ? split(header, form.delimiter, form.quote) : std::nullopt;
  if (labels) {
    for (const std::string& label : *labels) fields.push_back(form.layout->find(label));
  } else {
    for (std::size_t i = 0; i < form.layout->fields.size(); ++i) fields.push_back(i);
  }
  return fields;
}

std::function<std::optional<std::string>(const Sample&)> on_cells(const RecordForm& form, CellChange change) {
  return [form, change = std::move(change)](const Sample& sample) -> std::optional<std::string> {
    auto cells = split(sample.record, form.delimiter, form.quote);
    const auto fields = fields_of(form, sample.header);
    if (!cells || cells->size() != fields.size()) return std::nullopt;
    bool changed = false;
    for (std::size_t i = 0; i < cells->size(); ++i) {
      if (!fields[i]) continue;
      if (auto better = change(form.layout->fields[*fields[i]], (*cells)[i]); better && *better != (*cells)[i]) {
        (*cells)[i] = std::move(*better);
        changed = true;
      }
    }
    if (!changed) return std::nullopt;
    return join(*cells, form);
  };
}

std::vector<Fix> fixes_for(const Group& group, const RecordForm& form) {
  std::vector<Fix> fixes;
  add_byte_fixes(fixes, form);
  if (!form.cells) return fixes;
  add_cell_fixes(fixes, form);
  add_date_fixes(fixes, form);
  add_value_fixes(fixes, group, form);
  return fixes;
}

Fix combined(const Fix& first, const Fix& second) {
  Fix both{first.cause + "+" + second.cause,
           first.text + "; " + second.text,
           first.keeps_values && second.keeps_values,
           first.order + second.order,
           first.stage,
           {}};
  both.apply = [one = first.apply, two = second.apply](const Sample& sample) -> std::optional<std::string> {
    const auto half = one(sample);
    return half ? two(Sample{sample.header, *half}) : std::nullopt;
  };
  return both;
}

}  // namespace ledgermill::triage
