// SPDX-License-Identifier: Apache-2.0
#include "cli/view.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ledgermill::cli {
namespace {

TEST(View, GroupsDigitsInThrees) {
  EXPECT_EQ(grouped(std::uint64_t{0}), "0");
  EXPECT_EQ(grouped(std::uint64_t{1234567}), "1,234,567");
  EXPECT_EQ(grouped(std::string("-1234.50")), "-1,234.50");
  EXPECT_EQ(grouped(std::string("-123.50")), "-123.50");
}

TEST(View, ControlCharactersNeverReachATerminal) { EXPECT_EQ(shown("a\x1b[31m\nb"), "a\\x1b[31m\\x0ab"); }

TEST(View, TheJsonReportHasTheKeysThatItsReadersRelyOn) {
  batch::FileReport report;
  report.feed = "small";
  report.file = "x.csv";
  report.identity = FileIdentity{"x.csv", Sha256::of(std::string_view("abc")), 100};
  report.totals.sums.push_back({"n", 2, {1000}, {700}, {300}, 1});
  const auto posted = nlohmann::json::parse(report_json(report, Judged::kAndPosted));
  for (const char* key : {"feed", "file", "file_sha256", "batch", "bytes", "records", "posted", "rejected", "reasons",
                          "skipped", "sums", "published", "duplicate_of", "rc"}) {
    EXPECT_TRUE(posted.contains(key)) << key;
  }
  const auto checked = nlohmann::json::parse(report_json(report, Judged::kOnly));
  EXPECT_TRUE(checked.contains("accepted"));
  EXPECT_FALSE(checked.contains("posted"));
  EXPECT_EQ(checked["sums"]["n"]["in"], "10.00");
}

}  // namespace
}  // namespace ledgermill::cli
