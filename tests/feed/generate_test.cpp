// SPDX-License-Identifier: Apache-2.0
#include "feed/generate.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "feed/synthetic_catalogue.h"
#include "tests/support/feeds.h"

namespace ledgermill::feed {
namespace {

using namespace ledgermill::testing;

GeneratedFile make(const TempFolder& folder, const std::string& name, double faults, std::uint64_t seed,
                   std::uint64_t records = 5000, const char* feed = "transactions") {
  GenerateOptions options;
  options.records = records;
  options.faults = faults;
  options.seed = seed;
  options.out = folder / name;
  return generate(load_definition(std::string(LM_SOURCE_DIR "/feeds/") + feed + ".yaml"), options);
}

TEST(Generate, TheSameSeedGivesTheSameBytes) {
  const TempFolder folder;
  EXPECT_EQ(content_of(make(folder, "a.csv", 0.1, 7).file), content_of(make(folder, "b.csv", 0.1, 7).file));
  EXPECT_NE(content_of(make(folder, "a.csv", 0.1, 7).file), content_of(make(folder, "c.csv", 0.1, 8).file));
  EXPECT_EQ(content_of(make(folder, "d.csv", 0.1, 7, 5000, "orders").file),
            content_of(make(folder, "e.csv", 0.1, 7, 5000, "orders").file));
  EXPECT_NE(content_of(make(folder, "d.csv", 0.1, 7, 5000, "orders").file),
            content_of(make(folder, "f.csv", 0.1, 8, 5000, "orders").file));
}

/// The accounting bar: every fault of the truth file is rejected with its code, and no other record is.
void expect_account(const batch::Feed& feed, std::map<std::string, int>& faults_seen) {
  for (const double share : {0.0, 0.01, 0.5, 1.0}) {
    const TempFolder folder;
    const GeneratedFile made = make(folder, "t.csv", share, 11, 20'000, feed.definition.name.c_str());
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
}

TEST(Generate, EveryFaultOfTransactionsGetsItsCodeAndNoOtherRecordIsRejected) {
  std::map<std::string, int> faults_seen;
  expect_account(transactions(), faults_seen);
  EXPECT_EQ(faults_seen.size(), 41U) << "every kind of fault was met";
}

TEST(Generate, EveryFaultOfOrdersGetsItsCodeAndNoOtherRecordIsRejected) {
  std::map<std::string, int> faults_seen;
  expect_account({load_definition(LM_SOURCE_DIR "/feeds/orders.yaml"), std::nullopt}, faults_seen);
  EXPECT_EQ(faults_seen.size(), 57U) << "every kind of fault was met";
}

TEST(Generate, ASequenceKeepsItsWidthAndRepeatsNothing) {
  EXPECT_EQ(sequence_text("1000", 0), "1000");
  EXPECT_EQ(sequence_text("1000", 8999), "9999");
  EXPECT_EQ(sequence_text("1000", 9000), "A000");
  EXPECT_EQ(sequence_text("1000", 9009), "A009");
  EXPECT_EQ(sequence_text("1000", 9010), "A00A");
  EXPECT_EQ(sequence_text("1000", 9035), "A00Z");
  EXPECT_EQ(sequence_text("1000", 9036), "A010");
  EXPECT_EQ(sequence_text("1000", 9000 + 46656), "B000");
  EXPECT_EQ(sequence_text("1000", 1'222'055), "ZZZZ");
  EXPECT_EQ(sequence_text("1000", 1'222'056), std::nullopt);
  EXPECT_EQ(sequence_text("9", 26), "Z");
  EXPECT_EQ(sequence_text("9", 27), std::nullopt);
  std::set<std::string> seen;
  for (std::uint64_t n = 0; n < 1'222'056; ++n) ASSERT_TRUE(seen.insert(sequence_text("1000", n).value()).second) << n;
  EXPECT_EQ(seen.begin()->size(), 4U);
}

TEST(Generate, OrdersBeyondTheSequenceAreRefusedBeforeAnythingIsWritten) {
  const TempFolder folder;
  const std::string fact = failure_of([&] { make(folder, "o.csv", 0, 1, 1'222'057, "orders"); });
  EXPECT_NE(fact.find("the sequence of 'OrderID' from 1000 on has no text for record 1222057"), std::string::npos)
      << fact;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  GenerateOptions options;
  options.bytes = 100'000'000;
  options.out = folder / "o.csv";
  EXPECT_NE(
      failure_of([&] { generate(load_definition(LM_SOURCE_DIR "/feeds/orders.yaml"), options); }).find("ends before"),
      std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "a file that cannot be completed leaves nothing";
}

TEST(Generate, ACustomerOfAPoolKeepsHisAddress) {
  const TempFolder folder;
  std::istringstream orders(content_of(make(folder, "o.csv", 0, 3, 10'000, "orders").file));
  std::map<std::string, int> customers;  // name and address
  std::uint64_t at = 0;
  for (std::string line; std::getline(orders, line); ++at) {
    ASSERT_EQ(line.size(), 64U) << line;
    ASSERT_EQ(line.substr(0, 4), sequence_text("1000", at));
    ++customers[line.substr(5, 41)];
  }
  EXPECT_EQ(at, 10'000U);
  EXPECT_LE(customers.size(), 400U);
  EXPECT_GT(customers.size(), 380U);
}

/// A feed of fixed records of 6 bytes, with `faults` in its catalogue.
FeedDefinition fixed_feed(const TempFolder& folder, const std::string& faults) {
  folder.write("c.yaml",
               "kinds:\n  - name: one\n    cells: {a: {sequence: \"08\"}, n: {from: \"0\", to: \"999\"}}\n" + faults);
  folder.write(
      "x.yaml",
      "feed: x\nsynthetic: c.yaml\nframing: {kind: fixed, record_bytes: 6}\ndecoding: {kind: positional, literals: "
      "[{at: 3, text: \"-\"}]}\nschema: {fields: [{name: a, at: 1, length: 2}, {name: n, at: 4, length: 3, type: "
      "integer}]}\n");
  return load_definition(folder / "x.yaml");
}

TEST(Generate, FixedRecordsHaveNoLineEnds) {
  const TempFolder folder;
  GenerateOptions options;
  options.records = 50;
  options.out = folder / "o.dat";
  options.faults = 0.3;
  const batch::Feed feed{fixed_feed(folder, "faults: [{name: letters, cells: {n: [x]}, code: type-error, field: n}]"),
                         std::nullopt};
  const GeneratedFile made = generate(feed.definition, options);
  EXPECT_EQ(made.bytes, 300U);
  EXPECT_EQ(content_of(made.file).substr(0, 3), "08-");
  const Judged judged = judge(feed, made.file);
  EXPECT_EQ(judged.totals().rejected, made.faulty);
  EXPECT_EQ(judged.totals().records, 50U);
  EXPECT_GT(made.faulty, 5U);
}

TEST(Generate, AFaultThatWouldShiftFixedRecordsIsRefused) {
  const TempFolder folder;
  GenerateOptions options;
  options.records = 50;
  options.out = folder / "o.dat";
  options.faults = 1;
  for (const char* fault : {"append: x", "cut: 1", "remove: n", "cells: {a: [abc]}", "record: \"\"", "before: x"}) {
    const FeedDefinition feed = fixed_feed(folder, "faults: [{name: shift, " + std::string(fault) + "}]");
    EXPECT_NE(failure_of([&] { generate(feed, options); }).find("the fault 'shift' makes a record of"),
              std::string::npos)
        << fault;
  }
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

TEST(Generate, ACellThatDoesNotFitItsPlaceIsNamed) {
  const TempFolder folder;
  GenerateOptions options;
  options.records = 1;
  options.out = folder / "o.dat";
  const auto refusal = [&](const char* a, const char* n) {
    const FeedDefinition feed = fixed_feed(folder, "");
    folder.write("c.yaml", "kinds:\n  - name: one\n    cells:\n      a: " + std::string(a) + "\n      n: " + n + "\n");
    return failure_of([&] { generate(feed, options); });
  };
  const char* good_a = "{one_of: [ab]}";
  const char* good_n = "{from: 0, to: 5}";
  EXPECT_EQ(refusal(good_a, good_n), "");
  EXPECT_NE(refusal("{one_of: [ab, abc]}", good_n).find("c.yaml:4: the cell 'a' can have 3 bytes, its place has 2"),
            std::string::npos);
  EXPECT_NE(refusal("{parts: {x: [a, b], y: [c]}}", good_n).find("can have 3 bytes"), std::string::npos);
  EXPECT_NE(refusal("{patterns: [\"#\", \"###\"]}", good_n).find("can have 3 bytes"), std::string::npos);
  EXPECT_NE(refusal("{sequence: \"100\"}", good_n).find("can have 3 bytes"), std::string::npos);
  EXPECT_NE(refusal(good_a, "{from: 0, to: 1000}").find("c.yaml:5: the cell 'n' can have 4 bytes"), std::string::npos);
  EXPECT_NE(refusal(good_a, "{from: -1, to: 5}").find("cannot be negative"), std::string::npos);
  EXPECT_NE(refusal("{sequence: \"1x\"}", good_n).find("does not begin a sequence"), std::string::npos);
  EXPECT_NE(refusal("{pool: none}", good_n).find("there is no pool 'none'"), std::string::npos);
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
