// SPDX-License-Identifier: Apache-2.0
#include "feed/header_line.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/failure.h"

namespace ledgermill::feed {

namespace {

std::string trimmed(std::string text) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  return text;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string shown_label(std::string_view label) {
  std::string safe;
  for (const char c : label.substr(0, 60)) safe += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return safe;
}

/// The label of the header that differs from `wanted` in case only, to be proposed.
std::string near_miss(const std::vector<std::string>& labels, const std::string& wanted) {
  for (const std::string& label : labels) {
    if (lower(label) == lower(wanted)) return fmt::format(" (the header has '{}')", shown_label(label));
  }
  return {};
}

}  // namespace

std::vector<std::string> split_cells(std::string_view record, const LineFraming& framing) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  bool at_start = true;
  for (std::size_t i = 0; i < record.size(); ++i) {
    const char c = record[i];
    const bool is_quote = framing.quote != 0 && c == framing.quote;
    if (quoted && framing.escape != 0 && c == framing.escape && c != framing.quote && i + 1 < record.size()) {
      cells.back() += record[++i];
    } else if (quoted && is_quote) {
      if (framing.double_quote && i + 1 < record.size() && record[i + 1] == framing.quote)
        cells.back() += record[++i];
      else
        quoted = false;
    } else if (quoted) {
      cells.back() += c;
    } else if (c == framing.delimiter) {
      cells.emplace_back();
      at_start = true;
      continue;
    } else if (at_start && is_quote) {
      quoted = true;
    } else if (at_start && framing.skip_initial_space && c == ' ') {
      continue;
    } else {
      cells.back() += c;
    }
    at_start = false;
  }
  return cells;
}

std::vector<std::uint16_t> match_header(std::string_view header, const FeedDefinition& definition, std::uint64_t line,
                                        const std::string& file) {
  std::vector<std::string> labels = split_cells(header, definition.framing);
  std::vector<std::uint16_t> fields;
  std::string mistakes;
  const auto add = [&mistakes](const std::string& mistake) { mistakes += (mistakes.empty() ? "" : "; ") + mistake; };
  constexpr std::size_t kMostLabels = 4096;
  if (labels.size() > kMostLabels) add(fmt::format("{} labels, at most {} are read", labels.size(), kMostLabels));
  for (std::size_t i = 0; i < labels.size() && i < kMostLabels; ++i) {
    labels[i] = trimmed(labels[i]);
    const auto field = definition.layout.find(labels[i]);
    if (labels[i].empty())
      add(fmt::format("blank-label: label {} is empty", i + 1));
    else if (std::find(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(i), labels[i]) !=
             labels.begin() + static_cast<std::ptrdiff_t>(i))
      add(fmt::format("duplicate-label: '{}' stands twice", shown_label(labels[i])));
    else if (!field)
      add(fmt::format("extra-label: '{}' is no field of the feed", shown_label(labels[i])));
    else
      fields.push_back(static_cast<std::uint16_t>(*field));
  }
  for (const Field& field : definition.layout.fields) {
    if (std::find(labels.begin(), labels.end(), field.name) == labels.end()) {
      add(fmt::format("missing-label: '{}'{}", field.name, near_miss(labels, field.name)));
    }
  }
  if (definition.decoding == Decoding::kPositional && !std::is_sorted(fields.begin(), fields.end()))
    add("the labels do not stand in the definition's order, which a positional feed needs");
  if (!mistakes.empty()) {
    throw Failure(ReturnCode::kRefused, fmt::format("header of '{}', line {}: {}", file, line, mistakes),
                  "the labels must be those of the feed definition, in any order; is this a file of another feed, or "
                  "of another delimiter?");
  }
  return fields;
}

}  // namespace ledgermill::feed
