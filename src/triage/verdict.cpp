// SPDX-License-Identifier: Apache-2.0
#include "triage/verdict.h"

#include <algorithm>
#include <array>

#include "triage/fix_parts.h"

namespace ledgermill::triage {

namespace {

constexpr std::size_t kMostOthers = 3;

Explanation explain(const Group& group, const Tried& tried) {
  Explanation explanation{tried.fix.cause, tried.fix.text, tried.passed, group.samples.size(), {}, {}};
  for (std::size_t i = 0; i < tried.outputs.size(); ++i) {
    if (tried.outputs[i].empty()) continue;
    explanation.before = group.samples[i].record;
    explanation.after = tried.outputs[i];
    break;
  }
  return explanation;
}

Verdict evident(const char* cause, const char* fix, const char* note) {
  return {Certainty::kProven, {cause, fix, 0, 0, {}, {}}, false, {}, note};
}

/// A last record that is none: a word that trailers begin with, or the count of the records before it.
bool is_trailer(const Group& group, const RecordForm& form) {
  if (!group.key.last_of_file || group.samples.empty()) return false;
  for (const Sample& sample : group.samples) {
    const std::size_t end = sample.record.find_first_of(std::string(" ,;|\t:=") + form.delimiter);
    std::string word = sample.record.substr(0, end);
    for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    constexpr std::array kWords{"T",     "TR",     "TRL", "TRLR",   "TRAILER", "EOF",  "END",
                                "TOTAL", "TOTALS", "SUM", "FOOTER", "RECORDS", "COUNT"};
    const bool named = std::find(kWords.begin(), kWords.end(), word) != kWords.end();
    const bool counted =
        all_digits(word) && word.size() <= 18 && group.file_records > 1 && std::stoull(word) == group.file_records - 1;
    if (!named && !counted) return false;
  }
  return true;
}

/// Whether the value could stand in the field, without the validator: for records whose cells are one place off.
bool looks_right(const Field& field, const std::string& value) {
  const std::vector<std::string>& listed = field.constraints.enumeration;
  if (!listed.empty()) return std::find(listed.begin(), listed.end(), value) != listed.end();
  const auto digits =
      static_cast<std::size_t>(std::count_if(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }));
  if (field.type == FieldType::kDate) return digits >= 6 && digits + 2 == value.size();
  if (field.is_number())
    return digits > 0 && digits + 2 >= value.size() && value.find('/') == std::string::npos &&
           std::count(value.begin(), value.end(), '-') <= 1;
  return false;  // a text says nothing
}

/// Most cells fit the field beside their own better: a cell was lost or came in.
bool is_shifted(const Group& group, const RecordForm& form) {
  if (!form.cells || group.samples.empty()) return false;
  std::size_t shifted = 0;
  for (const Sample& sample : group.samples) {
    const auto cells = split(sample.record, form.delimiter, form.quote);
    const auto fields = fields_of(form, sample.header);
    if (!cells) continue;
    std::array<std::size_t, 3> fits{};  // one to the left, in place, one to the right
    for (std::size_t i = 0; i < cells->size(); ++i) {
      for (std::size_t to = 0; to < fits.size(); ++to) {
        const std::size_t at = i + to;  // + 1: the field of place `i + to - 1`
        if (at < 1 || at > fields.size() || !fields[at - 1]) continue;
        if (looks_right(form.layout->fields[*fields[at - 1]], (*cells)[i])) ++fits.at(to);
      }
    }
    if (std::max(fits[0], fits[2]) >= 2 && std::max(fits[0], fits[2]) > fits[1]) ++shifted;
  }
  return shifted * 10 >= group.samples.size() * 8;
}

bool is_truncated(const Group& group) {
  constexpr std::array kCodes{"missing-cell",    "type-error",       "quote-error",    "record-length",
                              "separator-error", "constraint-error", "encoding-error", "blank-row"};
  return group.key.last_of_file && group.without_line_end == group.rejects &&
         std::find(kCodes.begin(), kCodes.end(), group.key.code) != kCodes.end();
}

Verdict without_fix(const Group& group, const RecordForm& form) {
  if (is_shifted(group, form))
    return {Certainty::kLikely,
            {"shifted-columns", "", 0, 0, {}, {}},
            false,
            {},
            "a cell was lost; ask for the file again"};
  const bool masked = group.complete == 0;
  Verdict verdict;
  const std::string& code = group.key.code;
  const bool form_error = code.find("-error") != std::string::npos || code.find("-cell") != std::string::npos ||
                          code.find("record-") == 0 || code == "nul-byte";
  verdict.best.cause = form_error && code != "constraint-error" ? "unknown" : "content";
  verdict.note = masked ? "the reject log has no bytes of these records, nothing was tried"
                        : (verdict.best.cause == "content" ? "well formed, and against a rule: ask the sender"
                                                           : "no known fix passes: ask the sender");
  return verdict;
}

bool differ(const Tried& a, const Tried& b) { return a.outputs != b.outputs; }

}  // namespace

const char* certainty_name(Certainty certainty) {
  switch (certainty) {
    case Certainty::kProven:
      return "proven";
    case Certainty::kLikely:
      return "likely";
    case Certainty::kAmbiguous:
      return "ambiguous";
    case Certainty::kUnknown:
      return "unknown";
  }
  return "";
}

Verdict verdict_of(const Group& group, const RecordForm& form, const std::vector<Tried>& tried) {
  if (group.key.code == "repeated-header")
    return evident("header-in-mid-file", "leave the line out", "files were put together");
  if (group.key.code == "blank-row") return evident("blank-line", "leave the line out", "");
  if (is_trailer(group, form))
    return evident("trailer", "leave the last record out", "compare its totals by --expect-records, --expect-sum");
  std::vector<const Tried*> ranked;
  for (const Tried& each : tried) {
    if (each.passed * 2 > group.samples.size()) ranked.push_back(&each);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Tried* a, const Tried* b) {
    return a->passed != b->passed ? a->passed > b->passed : a->fix.order < b->fix.order;
  });
  if (ranked.empty()) {
    if (is_truncated(group))
      return {Certainty::kLikely,
              {"truncated-file", "", 0, 0, {}, {}},
              false,
              {},
              "the file ends in mid-record; ask for the file again"};
    return without_fix(group, form);
  }
  Verdict verdict;
  verdict.best = explain(group, *ranked.front());
  for (const Tried* other : ranked) {
    if (other->passed == ranked.front()->passed && differ(*other, *ranked.front()) &&
        verdict.others.size() < kMostOthers)
      verdict.others.push_back(explain(group, *other));
  }
  if (is_truncated(group)) verdict.others.push_back({"truncated-file", "", 0, 0, {}, {}});
  const Tried& best = *ranked.front();
  const bool all_pass = best.passed == group.samples.size() && group.complete == group.rejects;
  if (!verdict.others.empty()) {
    verdict.certainty = Certainty::kAmbiguous;
    verdict.note = "these readings cannot be told apart by the records: ask the sender";
  } else {
    verdict.safe = all_pass && best.fix.keeps_values;
    verdict.certainty = verdict.safe ? Certainty::kProven : Certainty::kLikely;
    if (!best.fix.keeps_values) verdict.note = "the fix guesses, drops or changes a value: ask the sender";
  }
  return verdict;
}

}  // namespace ledgermill::triage
