// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "batch/file_report.h"
#include "batch/progress.h"

namespace ledgermill::cli {

/// "1,234,567"
std::string grouped(std::uint64_t number);
/// Groups the digits before the point of a decimal text: "-1,234.50".
std::string grouped(const std::string& decimal);

/// Text for a terminal: control characters (of file names, of cells) are shown as \xNN.
std::string shown(std::string_view text);

/// Columns aligned by the widest cell; numbers right when `right_from` or later.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t right_from);

/// A report for people, many lines, each with a line end.
std::string report_text(const batch::FileReport& report);
/// The same as one JSON object (docs/formats/json-output.md). `judged` for `check`, which has "accepted" for "posted".
enum class Judged : std::uint8_t { kOnly, kAndPosted };
std::string report_json(const batch::FileReport& report, Judged judged);

/// Prints a report to standard output in the form asked for; what went wrong goes to standard error as well.
void print_report(const batch::FileReport& report, Judged judged, bool json);

/// "ledgermill: <fact>" and "hint: <hint>" to standard error.
void print_failure(const Failure& failure);

/// Shows progress on one line of a terminal; says nothing when standard error is none.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  batch::ProgressObserver observer();

 private:
  void show(const batch::Progress& progress);
  bool terminal_;
  bool shown_ = false;
  std::string file_;
  std::int64_t begun_ms_ = 0;
  std::int64_t last_ms_ = 0;
};

}  // namespace ledgermill::cli
