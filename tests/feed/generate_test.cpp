// SPDX-License-Identifier: Apache-2.0
#include "feed/generate.h"

#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/feeds.h"

namespace ledgermill::feed {
namespace {

using namespace ledgermill::testing;

GeneratedFile make(const TempFolder& folder, const std::string& name, double faults, std::uint64_t seed,
                   std::uint64_t records = 5000) {
  GenerateOptions options;
  options.records = records;
  options.faults = faults;
  options.seed = seed;
  options.out = folder / name;
  return generate(load_definition(LM_SOURCE_DIR "/feeds/transactions.yaml"), options);
}

TEST(Generate, TheSameSeedGivesTheSameBytes) {
  const TempFolder folder;
  EXPECT_EQ(content_of(make(folder, "a.csv", 0.1, 7).file), content_of(make(folder, "b.csv", 0.1, 7).file));
  EXPECT_NE(content_of(make(folder, "a.csv", 0.1, 7).file), content_of(make(folder, "c.csv", 0.1, 8).file));
}

/// The accounting bar: every fault of the truth file is rejected with its code, and no other record is.
TEST(Generate, EveryFaultGetsItsCodeAndNoOtherRecordIsRejected) {
  const batch::Feed feed = transactions();
  std::map<std::string, int> faults_seen;
  for (const double share : {0.0, 0.01, 0.5, 1.0}) {
    const TempFolder folder;
    const GeneratedFile made = make(folder, "t.csv", share, 11, 20'000);
    const Judged judged = judge(feed, made.file, 200'000);
    ASSERT_EQ(judged.records(), made.records) << share;
    std::map<std::uint64_t, std::string> rejects;  // record: codes
    for (const StagedChunk& chunk : judged.chunks) {
      for (const StagedReject& reject : chunk.rejects) {
        std::string& codes = rejects[judged.plan.chunk(chunk.number).first_record + reject.record];
        for (std::uint32_t r = 0; r < reject.reasons; ++r) {
          const Reason& reason = chunk.reasons[reject.first_reason + r];
          codes +=
              " " +
              std::string(is_module_rule(reason.code) ? judged.plan.module_rules[module_rule_index(reason.code)].code
                                                      : std::string(reason_name(reason.code))) +
              " ";
        }
      }
    }
    std::istringstream truth(content_of(made.truth));
    std::string line;
    std::getline(truth, line);
    const auto totals = nlohmann::json::parse(line);
    EXPECT_EQ(totals.at("records"), made.records);
    EXPECT_EQ(totals.at("rejected"), rejects.size());
    while (std::getline(truth, line)) {
      const auto fault = nlohmann::json::parse(line);
      ++faults_seen[fault.at("fault")];
      const auto found = rejects.find(fault.at("record"));
      if (fault.at("code").is_null()) {
        EXPECT_EQ(found, rejects.end()) << line << found->second;
      } else {
        ASSERT_NE(found, rejects.end()) << line;
        EXPECT_NE(found->second.find(" " + fault.at("code").get<std::string>() + " "), std::string::npos)
            << line << found->second;
        rejects.erase(found);
      }
    }
    EXPECT_TRUE(rejects.empty()) << "record " << rejects.begin()->first << ":" << rejects.begin()->second
                                 << "is rejected without a fault, share " << share;
    EXPECT_EQ(judged.totals().imbalance(), "");
    EXPECT_EQ(judged.totals().bytes, std::filesystem::file_size(made.file));
  }
  EXPECT_GE(faults_seen.size(), 40U) << "every kind of fault was met";
}

TEST(Generate, DoesNotReplaceAFileThatItDidNotMake) {
  const TempFolder folder;
  folder.write("mine.csv", "precious");
  EXPECT_NE(failure_of([&] { make(folder, "mine.csv", 0, 1, 10); }), "");
  EXPECT_EQ(content_of(folder / "mine.csv"), "precious");
}

TEST(Generate, ASizeIsReachedAndNotPassedByMoreThanARecord) {
  const TempFolder folder;
  GenerateOptions options;
  options.bytes = 1'000'000;
  options.out = folder / "s.csv";
  const GeneratedFile made = generate(load_definition(LM_SOURCE_DIR "/feeds/transactions.yaml"), options);
  EXPECT_GE(made.bytes, 1'000'000U);
  EXPECT_LT(made.bytes, 1'000'200U);
  EXPECT_EQ(std::filesystem::file_size(made.file), made.bytes);
}

TEST(Generate, AWrongCatalogueNamesFileAndLine) {
  const TempFolder folder;
  folder.write("c.yaml", "kinds:\n  - name: one\n    cells:\n      x: {one_of: [a]}\n      nope: {one_of: [b]}\n");
  folder.write("x.yaml", "feed: x\nsynthetic: c.yaml\nschema: {fields: [{name: x}]}\n");
  GenerateOptions options;
  options.records = 1;
  options.out = folder / "o.csv";
  const std::string fact = failure_of([&] { generate(load_definition(folder / "x.yaml"), options); });
  EXPECT_NE(fact.find("c.yaml:5: the feed has no field 'nope'"), std::string::npos) << fact;
}

}  // namespace
}  // namespace ledgermill::feed
