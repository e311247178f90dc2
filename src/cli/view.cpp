// SPDX-License-Identifier: Apache-2.0
#include "cli/view.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace ledgermill::cli {

using Json = nlohmann::ordered_json;

namespace {

std::int64_t milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string rate(std::uint64_t records, double seconds) {
  if (seconds <= 0) return "";
  return fmt::format("{} records/s", grouped(static_cast<std::uint64_t>(static_cast<double>(records) / seconds)));
}

std::string skipped_text(const SkippedSpans& skipped) {
  std::string text;
  const auto add = [&](const SkippedSpans::Kind& kind, std::string_view name) {
    if (kind.spans > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(kind.spans), name);
  };
  add(skipped.byte_order_mark, "byte-order mark");
  add(skipped.preamble, "preamble");
  add(skipped.header, "header");
  add(skipped.comment, "comment");
  add(skipped.blank, "blank");
  return text;
}

std::vector<std::vector<std::string>> balance_rows(const batch::FileReport& report) {
  const ControlTotals& totals = report.totals;
  std::vector<std::vector<std::string>> rows{{"", "records"},
                                             {"in", grouped(totals.records)},
                                             {report.published ? "posted" : "accepted", grouped(totals.accepted)},
                                             {"rejected", grouped(totals.rejected)}};
  for (const FieldSum& sum : totals.sums) {
    rows[0].push_back(sum.field);
    rows[1].push_back(grouped(sum.in.text(sum.scale)));
    rows[2].push_back(grouped(sum.posted.text(sum.scale)));
    rows[3].push_back(grouped(sum.rejected.text(sum.scale)));
    if (sum.unreadable > 0) rows[3].push_back(fmt::format("+ {} unreadable", grouped(sum.unreadable)));
  }
  return rows;
}

std::string ending_text(const batch::FileReport& report) {
  if (report.duplicate_of)
    return fmt::format("  posted before, as batch {}; nothing was posted again\n", *report.duplicate_of);
  std::string text;
  if (report.published)
    text += fmt::format("  published as batch {}", report.batch);
  else if (!report.batch.empty() && report.return_code < ReturnCode::kRefused)
    text += fmt::format("  staged for batch {}", report.batch);
  if (!text.empty())
    text += fmt::format(", {:.2f} s, {}\n", report.seconds, rate(report.totals.records, report.seconds));
  if (!report.archived_to.empty()) text += fmt::format("  archived to {}\n", shown(report.archived_to));
  return text;
}

/// `visible`: false for a batch that is not published, of which nothing counts as posted.
Json sums_json(const ControlTotals& totals, const char* out_key, bool visible) {
  Json sums = Json::object();
  for (const FieldSum& sum : totals.sums) {
    sums[sum.field] = {{"in", sum.in.text(sum.scale)},
                       {out_key, (visible ? sum.posted : ExactSum{}).text(sum.scale)},
                       {"rejected", sum.rejected.text(sum.scale)},
                       {"unreadable", sum.unreadable}};
  }
  return sums;
}

}  // namespace

std::string grouped(std::uint64_t number) { return grouped(std::to_string(number)); }

std::string grouped(const std::string& decimal) {
  const std::size_t begin = !decimal.empty() && decimal.front() == '-' ? 1 : 0;
  const std::size_t point = std::min(decimal.find('.'), decimal.size());
  std::string text = decimal;
  for (std::size_t at = point; at > begin + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string shown(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      safe += fmt::format("\\x{:02x}", byte);
    else
      safe += c;
  }
  return safe;
}

std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t right_from) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i >= right_from ? fmt::format(" {:>{}} ", row[i], widths[i]) : fmt::format(" {:<{}} ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string report_text(const batch::FileReport& report) {
  std::string text = shown(report.file);
  if (report.identity) {
    text += fmt::format("  {} bytes  sha256 {}", grouped(report.identity->bytes), report.identity->sha256.hex12());
  }
  text += "\n";
  if (report.totals.bytes > 0) {
    text += table(balance_rows(report), 1);
    const std::string skipped = skipped_text(report.totals.skipped);
    text +=
        fmt::format("  {} bytes in records, {} in lines that are no records{}\n", grouped(report.totals.record_bytes),
                    grouped(report.totals.skipped.bytes()), skipped.empty() ? "" : " (" + skipped + ")");
  }
  if (!report.reasons.empty()) {
    std::vector<std::pair<std::string, std::uint64_t>> reasons(report.reasons.begin(), report.reasons.end());
    std::sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::vector<std::vector<std::string>> rows{{"rejected for", "records"}};
    for (const auto& [code, count] : reasons) rows.push_back({code, grouped(count)});
    text += table(rows, 1);
  }
  for (const batch::ShownReject& reject : report.first_rejects) {
    constexpr std::size_t kMostShown = 160;
    text += fmt::format("  record {}, line {}: {}\n    {}{}\n", grouped(reject.record_number), grouped(reject.line),
                        shown(reject.reason), shown(reject.row.substr(0, kMostShown)),
                        reject.row.size() > kMostShown ? " ..." : "");
  }
  return text + ending_text(report);
}

std::string report_json(const batch::FileReport& report, Judged judged) {
  const char* out_key = judged == Judged::kOnly ? "accepted" : "posted";
  Json json;
  json["feed"] = report.feed;
  json["file"] = report.file;
  json["file_sha256"] = report.identity ? Json(report.identity->sha256.hex()) : Json(nullptr);
  json["batch"] = report.batch.empty() ? Json(nullptr) : Json(report.batch);
  json["bytes"] = report.identity ? Json(report.identity->bytes) : Json(nullptr);
  json["records"] = report.totals.records;
  const bool visible = judged == Judged::kOnly || report.published;
  json[out_key] = visible ? report.totals.accepted : 0;
  json["rejected"] = report.totals.rejected;
  json["reasons"] = report.reasons;
  json["skipped"] = report.totals.skipped.spans();
  json["sums"] = sums_json(report.totals, out_key, visible);
  json["published"] = report.published;
  json["duplicate_of"] = report.duplicate_of ? Json(*report.duplicate_of) : Json(nullptr);
  json["rc"] = static_cast<int>(report.return_code);
  if (!report.fact.empty()) json["fact"] = report.fact;
  if (!report.hint.empty()) json["hint"] = report.hint;
  if (!report.archived_to.empty()) json["archived_to"] = report.archived_to;
  json["skipped_spans"] = {{"byte_order_mark", report.totals.skipped.byte_order_mark.spans},
                           {"preamble", report.totals.skipped.preamble.spans},
                           {"header", report.totals.skipped.header.spans},
                           {"comment", report.totals.skipped.comment.spans},
                           {"blank", report.totals.skipped.blank.spans}};
  json["record_bytes"] = report.totals.record_bytes;
  json["skipped_bytes"] = report.totals.skipped.bytes();
  json["seconds"] = report.seconds;
  if (judged == Judged::kOnly) json["judge_nanoseconds"] = report.judge_nanoseconds;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_report(const batch::FileReport& report, Judged judged, bool json) {
  std::fputs((json ? report_json(report, judged) + "\n" : report_text(report)).c_str(), stdout);
  std::fflush(stdout);
  if (!report.fact.empty())
    print_failure(Failure(report.return_code, shown(report.file) + ": " + report.fact, report.hint));
}

void print_failure(const Failure& failure) {
  std::fprintf(stderr, "ledgermill: %s\n", failure.fact().c_str());
  if (!failure.hint().empty()) std::fprintf(stderr, "hint: %s\n", failure.hint().c_str());
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

batch::ProgressObserver ProgressLine::observer() {
  if (!terminal_) return {};
  return [this](const batch::Progress& progress) { show(progress); };
}

void ProgressLine::show(const batch::Progress& progress) {
  const std::int64_t now = milliseconds();
  if (progress.file != file_) {
    file_ = progress.file;
    begun_ms_ = now;
  }
  constexpr std::int64_t kEveryMs = 150;
  if (now - last_ms_ < kEveryMs) return;
  last_ms_ = now;
  const double done = progress.bytes_total > 0
                          ? static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total)
                          : 0;
  const double seconds = static_cast<double>(now - begun_ms_) / 1000;
  const double left = done > 0.01 ? seconds / done - seconds : 0;
  const bool loading = progress.stage != batch::Progress::Stage::kSurveying;
  std::fprintf(stderr, "\r\033[K%s  %s  %3.0f %%  %s", loading ? "loading" : "surveying", shown(file_).c_str(),
               done * 100,
               loading ? fmt::format("{} records, {} rejected, {}, {:.0f} s left", grouped(progress.records),
                                     grouped(progress.rejected), rate(progress.records, seconds), left)
                             .c_str()
                       : "");
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace ledgermill::cli
