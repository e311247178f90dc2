// SPDX-License-Identifier: Apache-2.0
// COBOL in process: what a good module decides, and what a bad one costs.
#include <signal.h>

#include "rules/module_judge.h"
#include "tests/support/feeds.h"

namespace ledgermill::rules {
namespace {

using namespace ledgermill::testing;

feed::FeedDefinition counted_definition(int timeout_ms = 300, int most_abends = 10) {
  return feed::parse_definition(
      "feed: counted\nschema: {fields: [{name: n, type: integer, constraints: {required: true}}, {name: word, "
      "constraints: {maxLength: 8}}]}\n"
      "rules: {module: Bad, timeout_ms: " +
          std::to_string(timeout_ms) + ", max_abends: " + std::to_string(most_abends) +
          ", reasons: [{code: is_seven, field: n, message: seven}, {code: wrong_word, field: word, message: word}]}\n",
      "counted.yaml");
}

/// A module that breaks rule is_seven for 7, and does `harm` when it meets 13.
std::string module_source(const std::string& harm, const std::string& more = "") {
  return R"cobol(       identification division.
       program-id. Bad.
       data division.
       working-storage section.
       77  r binary-long.
       77  zero-divisor binary-long value 0.
       77  seen binary-long value 0.
       linkage section.
       copy "counted.cpy".
       procedure division using LM-BLOCK LM-COLUMNS LM-BROKEN.
           move LM-LAYOUT to LAYOUT-SEEN
           perform varying r from FIRST-RECORD by 1 until r > LAST-RECORD
               if N-STATE(r) = 1 and N-VALUE(r) = 7
                   move "Y" to BROKEN-IS-SEVEN(r)
               end-if
               if N-STATE(r) = 1 and N-VALUE(r) = 13
                   )cobol" +
         harm + R"cobol(
               end-if
               )cobol" +
         more + R"cobol(
           end-perform
           goback.
)cobol";
}

class ModuleFixture : public ::testing::Test {
 protected:
  batch::Feed feed_with(const std::string& source, const feed::FeedDefinition& definition = counted_definition()) {
    folder.write("Bad.cbl", source);
    return batch::prepare_feed(definition, {{folder.path()}, folder / "cache"});
  }
  /// Numbers from 1 to `records`, one of which is 13 unless left out.
  std::string judged(const batch::Feed& feed, int records = 60) {
    std::string text = "n,word\n";
    for (int i = 1; i <= records; ++i) text += std::to_string(i) + ",w\n";
    return judge(feed, folder.write("feed.csv", text)).rejects();
  }
  TempFolder folder;
};

TEST_F(ModuleFixture, AGoodModuleRejectsWhatBreaksItsRules) {
  EXPECT_EQ(judged(feed_with(module_source("continue"))), "7: is_seven(n)");
}

TEST_F(ModuleFixture, StopRunCostsExactlyOneRecord) {
  EXPECT_EQ(judged(feed_with(module_source("stop run"))), "7: is_seven(n); 13: cobol_abend");
}

TEST_F(ModuleFixture, ARuntimeErrorCostsExactlyOneRecord) {
  EXPECT_EQ(judged(feed_with(module_source("call \"no-such-program\""))), "7: is_seven(n); 13: cobol_abend");
}

TEST_F(ModuleFixture, AnEndlessLoopCostsExactlyOneRecord) {
  EXPECT_EQ(judged(feed_with(module_source("perform until seen > 0 continue end-perform"))),
            "7: is_seven(n); 13: cobol_timeout");
}

TEST_F(ModuleFixture, ASleepCostsExactlyOneRecord) {
  EXPECT_EQ(judged(feed_with(module_source("call \"C$SLEEP\" using 3600"), counted_definition(20)), 14),
            "7: is_seven(n); 13: cobol_timeout");
}

TEST_F(ModuleFixture, AWriteToWhatItWasShownCostsExactlyOneRecord) {
  EXPECT_EQ(judged(feed_with(module_source("move 5 to N-VALUE(r)"))), "7: is_seven(n); 13: cobol_abend");
}

TEST_F(ModuleFixture, TooManyAbendsRefuseTheBatchNamingTheModule) {
  const std::string fact =
      failure_of([&] { judged(feed_with(module_source("continue", "stop run"), counted_definition(300, 3))); });
  EXPECT_NE(fact.find("rule module 'Bad'"), std::string::npos) << fact;
  EXPECT_NE(fact.find("more than 3 records"), std::string::npos) << fact;
}

TEST_F(ModuleFixture, AModuleOfAnotherLayoutIsRefused) {
  const std::string source = module_source("continue");
  folder.write("counted.cpy", copybook("counted", counted_definition().layout, *counted_definition().module));
  folder.write("Bad.cbl", source);
  ASSERT_EQ(std::system(("cd " + folder.path().string() +
                         " && cobc -m -free -I . -o Bad.so Bad.cbl 2>/dev/null || cobc -m -I . -o Bad.so Bad.cbl")
                            .c_str()),
            0);
  std::filesystem::remove(folder / "Bad.cbl");  // a compiled module only
  batch::Feed feed = batch::prepare_feed(counted_definition(), {{folder.path()}, folder / "cache"});
  EXPECT_EQ(judged(feed), "7: is_seven(n)");
  feed.definition.layout.fields[1].constraints.max_length = 9;  // the feed moved on, the module did not
  EXPECT_NE(failure_of([&] { judged(feed); }).find("another layout"), std::string::npos);
}

TEST_F(ModuleFixture, AModuleThatSkipsTheHandshakeIsRefused) {
  std::string source = module_source("continue");
  source.replace(source.find("move LM-LAYOUT to LAYOUT-SEEN"), 29, "continue");
  EXPECT_NE(failure_of([&] { judged(feed_with(source)); }).find("LAYOUT-SEEN"), std::string::npos);
}

TEST_F(ModuleFixture, ACompileErrorShowsTheCompilersLine) {
  const std::string fact = failure_of([&] { feed_with(module_source("mvoe 1 to r")); });
  EXPECT_NE(fact.find("Bad.cbl:"), std::string::npos) << fact;
}

TEST_F(ModuleFixture, AMissingModuleSaysWhereWasLooked) {
  const std::string fact = failure_of([&] {
    batch::prepare_feed(counted_definition(), {{folder.path()}, folder / "cache"});
  });
  EXPECT_NE(fact.find(folder.path().string()), std::string::npos) << fact;
}

TEST_F(ModuleFixture, ARuleOfAnInvalidFieldStaysSilent) {
  const batch::Feed feed = feed_with(module_source("continue", "move \"Y\" to BROKEN-IS-SEVEN(r)"));
  EXPECT_EQ(judge(feed, folder.write("f.csv", "n,word\nx,w\n1,w\n")).rejects(), "1: type-error(n); 2: is_seven(n)");
}

TEST_F(ModuleFixture, TextIsShownPaddedWithSpaces) {
  const batch::Feed feed = feed_with(module_source(
      "continue", "if WORD-STATE(r) = 1 and WORD-TEXT(r) not = \"right\" move \"Y\" to BROKEN-WRONG-WORD(r) end-if"));
  EXPECT_EQ(judge(feed, folder.write("f.csv", "n,word\n1,right\n2,wrong\n3,\n")).rejects(), "2: wrong_word(word)");
}

TEST_F(ModuleFixture, VerdictsDoNotDependOnTheOrderOfBlocks) {
  // A module that remembers would judge the second half of a block otherwise when the first was not seen: judged in
  // chunks of another size, and in another order, a good module gives the same.
  const batch::Feed feed = transactions();
  const auto made = folder / "t.csv";
  std::string text = "Date,Transaction Type,Description,Amount\n";
  for (int i = 0; i < 9000; ++i) {
    static const char* const kLines[] = {
        "2025-03-30,Payroll,Salary Payment,1.00\n", "2014-03-30,Payroll,Salary Payment,1.00\n",
        "2025-03-30,Payroll,Utility Bill,-1.00\n", "2025-03-30,Payment,Utility Bill,0\n",
        "2025-03-30,Invoice,Service Fee,5000000.01\n"};
    text += kLines[(i * 7) % 5];
  }
  folder.write("t.csv", text);
  const std::string whole = judge(feed, made, 1U << 20).rejects();
  EXPECT_EQ(judge(feed, made, 2000).rejects(), whole);
  const feed::SourceFile file(made);
  feed::SurveyOptions options;
  options.chunk_bytes = 60'000;
  const Plan plan = feed::survey(file, feed.definition, options);
  batch::ChunkIngester forward(feed, plan, file, feed::ByteCheck::kDigest);
  batch::ChunkIngester backward(feed, plan, file, feed::ByteCheck::kDigest);
  std::vector<std::vector<std::byte>> packed;
  for (const ChunkPlan& chunk : plan.chunks)
    packed.push_back(batch::pack(forward.ingest(chunk.number, {}), batch::PackRows::kIncluded));
  for (std::size_t i = plan.chunks.size(); i-- > 0;)
    EXPECT_EQ(batch::pack(backward.ingest(plan.chunks[i].number, {}), batch::PackRows::kIncluded), packed[i]);
}

TEST_F(ModuleFixture, AJudgeThatIsKilledIsReplacedAndNothingIsLost) {
  feed::FeedDefinition definition = counted_definition();
  const batch::Feed feed = feed_with(module_source("continue"), definition);
  RecordBlock block(definition.layout, true);
  ModuleJudge judge(*feed.module, *definition.module, block);
  block.resize(10);
  for (std::size_t i = 0; i < 10; ++i) {
    block.states(0)[i] = FieldState::kValid;
    block.integers(0)[i] = static_cast<std::int64_t>(i);
  }
  ChunkText text;
  for (int round = 0; round < 3; ++round) {
    ASSERT_GT(judge.child(), 0);
    ::kill(judge.child(), SIGKILL);
    Findings findings;
    judge.judge(text, findings);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].record, 7U);
  }
}

struct TransactionCase {
  const char* record;
  const char* rejects;
};
class IngestCsv : public ::testing::TestWithParam<TransactionCase> {};

TEST_P(IngestCsv, JudgesAsItsUsersKnowIt) {
  static const batch::Feed feed = transactions();
  const TempFolder folder;
  const std::string expected = *GetParam().rejects == 0 ? "" : std::string("1: ") + GetParam().rejects;
  EXPECT_EQ(judge(feed, folder.write("t.csv", std::string("Date,Transaction Type,Description,Amount\n") +
                                                  GetParam().record + "\n"))
                .rejects(),
            expected)
      << GetParam().record;
}

INSTANTIATE_TEST_SUITE_P(
    Transactions, IngestCsv,
    ::testing::Values(
        TransactionCase{"2015-01-01,Payroll,Salary Payment,1234", ""},
        TransactionCase{"2034-12-31,Payroll,Bonus Payment,1234.5", ""},
        TransactionCase{"2014-12-31,Payroll,Salary Payment,1", "date_window(Date)"},
        TransactionCase{"2035-01-01,Payroll,Salary Payment,1", "date_window(Date)"},
        TransactionCase{"2025-02-30,Payroll,Salary Payment,1", "type-error(Date)"},
        TransactionCase{"2025-03-30,Payroll,Salary Payment,-1", "amount_sign(Amount)"},
        TransactionCase{"2025-03-30,Payroll,Tax Deduction,250000.00", ""},
        TransactionCase{"2025-03-30,Payroll,Tax Deduction,250000.01", "amount_size(Amount)"},
        TransactionCase{"2025-03-30,Invoice,Client Invoice,5000000.00", ""},
        TransactionCase{"2025-03-30,Invoice,Client Invoice,5000000.01", "amount_size(Amount)"},
        TransactionCase{"2025-03-30,Invoice,Service Fee,-0.01", "amount_sign(Amount)"},
        TransactionCase{"2025-03-30,Payment,Utility Bill,-5000000.00", ""},
        TransactionCase{"2025-03-30,Payment,Vendor Payment,-5000000.01", "amount_size(Amount)"},
        TransactionCase{"2025-03-30,Payment,Credit Card Payment,0.01", "amount_sign(Amount)"},
        TransactionCase{"2025-03-30,Bank Transaction,ATM Withdrawal,-1000000.00", ""},
        TransactionCase{"2025-03-30,Bank Transaction,ATM Withdrawal,-1000000.01", "amount_size(Amount)"},
        TransactionCase{"2025-03-30,Bank Transaction,Check Deposit,1000000.00", ""},
        TransactionCase{"2025-03-30,Bank Transaction,Account Transfer,1000000.01", "amount_size(Amount)"},
        TransactionCase{"2025-03-30,Payroll,Salary Payment,0", "amount_zero(Amount)"},
        TransactionCase{"2025-03-30,Payment,Utility Bill,-0.0", "amount_zero(Amount)"},
        TransactionCase{"2025-03-30,Payroll,Utility Bill,1", "pair_not_allowed(Description)"},
        TransactionCase{"2025-03-30,Invoice,Subscription Fee,1", ""},
        TransactionCase{"2025-03-30,payroll,Salary Payment,1", "enum(Transaction Type)"},
        TransactionCase{"2025-03-30,Payroll,Salary Payment,1.234", "type-error(Amount)"},
        TransactionCase{"2035-01-01,Payroll,Utility Bill,-250000.01",
                        "date_window(Date) pair_not_allowed(Description) amount_sign(Amount) amount_size(Amount)"},
        TransactionCase{",,,", "required(Date) required(Transaction Type) required(Description) required(Amount)"}));

}  // namespace
}  // namespace ledgermill::rules
