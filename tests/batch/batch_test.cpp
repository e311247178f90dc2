// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "batch/inbox.h"
#include "batch/posting.h"
#include "batch/verify.h"
#include "batch/worker_pool.h"
#include "tests/support/feeds.h"
#include "tests/support/ledgers.h"

namespace ledgermill::batch {
namespace {

using namespace ledgermill::testing;

const std::string kSmallFile = "a,b,n\nx,y,1.25\n\"q\"\"q\",y,2\nx,y,bad\n,,\n";

TEST(Staging, AChunkComesBackAsItWas) {
  const Judged judged = judge_text(small_definition(), kSmallFile);
  const auto bytes = pack(judged.chunks[0], PackRows::kIncluded);
  EXPECT_EQ(pack(unpack(bytes), PackRows::kIncluded), bytes);
}

TEST(Staging, NoFlippedBitOrCutOfAPackedChunkIsACrash) {
  const Judged judged = judge_text(small_definition(), kSmallFile);
  const auto bytes = pack(judged.chunks[0], PackRows::kIncluded);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    ASSERT_NE(failure_of([&] { unpack(std::span(bytes).first(cut)); }), "") << cut;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const unsigned bit : {0U, 3U, 7U}) {
      auto flipped = bytes;
      flipped[at] ^= std::byte{static_cast<unsigned char>(1U << bit)};
      failure_of([&] { unpack(flipped); });  // accepted or refused, never worse; the file's digest decides
    }
  }
}

TEST(Staging, AStagedFileThatWasChangedOrCutCountsForNothing) {
  const TempFolder folder;
  const Judged judged = judge_text(small_definition(), kSmallFile);
  stage_plan(folder.path(), judged.plan);
  stage_chunk(folder.path(), judged.plan, judged.chunks[0]);
  std::filesystem::path staged;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() == ".staged") staged = entry.path();
  }
  const std::string whole = content_of(staged);
  for (std::size_t at = 0; at < whole.size(); at += 5) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    folder.write(staged.filename().string(), changed);
    ASSERT_FALSE(find_chunk(folder.path(), judged.plan, ChunkNumber{1}).has_value()) << at;
    folder.write(staged.filename().string(), whole.substr(0, at));
    ASSERT_FALSE(find_chunk(folder.path(), judged.plan, ChunkNumber{1}).has_value()) << at;
  }
  stage_chunk(folder.path(), judged.plan, judged.chunks[0]);  // beside the broken one
  EXPECT_TRUE(find_chunk(folder.path(), judged.plan, ChunkNumber{1}).has_value());
  EXPECT_EQ(find_staged({folder.path()}).at(0).missing().size(), 0U);
}

TEST(WorkerPool, EveryChunkComesBackOnceThoughWorkersDie) {
  const TempFolder folder;
  std::map<std::uint32_t, int> taken;
  std::uint32_t next = 0;
  ChunkFlow flow;
  flow.next = [&]() -> std::optional<ChunkNumber> {
    return next < 20 ? std::optional(ChunkNumber{++next}) : std::nullopt;
  };
  flow.take = [&](ChunkNumber chunk, std::span<const std::byte>) { ++taken[to_int(chunk)]; };
  const auto make = [&]() -> ChunkWork {
    return [&](ChunkNumber chunk) {
      const auto marker = folder / std::to_string(to_int(chunk));
      if (to_int(chunk) % 3 == 0 && !std::filesystem::exists(marker)) {  // dies the first time
        std::ofstream(marker) << "x";
        ::kill(::getpid(), SIGKILL);
      }
      return std::vector<std::byte>(100'000);
    };
  };
  deal_chunks(3, make, flow);
  EXPECT_EQ(taken.size(), 20U);
  for (const auto& [chunk, times] : taken) EXPECT_EQ(times, 1) << chunk;
}

TEST(WorkerPool, AChunkThatKillsEveryWorkerEndsTheRun) {
  std::uint32_t next = 0;
  ChunkFlow flow;
  flow.next = [&]() -> std::optional<ChunkNumber> {
    return next < 2 ? std::optional(ChunkNumber{++next}) : std::nullopt;
  };
  flow.take = [](ChunkNumber, std::span<const std::byte>) {};
  const auto make = []() -> ChunkWork {
    return [](ChunkNumber) -> std::vector<std::byte> {
      ::kill(::getpid(), SIGKILL);
      return {};
    };
  };
  EXPECT_NE(failure_of([&] { deal_chunks(2, make, flow); }).find("died on chunk"), std::string::npos);
}

TEST(WorkerPool, AFailureOfAWorkerIsTheParents) {
  std::uint32_t next = 0;
  ChunkFlow flow;
  flow.next = [&]() -> std::optional<ChunkNumber> {
    return ++next < 5 ? std::optional(ChunkNumber{next}) : std::nullopt;
  };
  flow.take = [](ChunkNumber, std::span<const std::byte>) {};
  const auto make = []() -> ChunkWork {
    return [](ChunkNumber) -> std::vector<std::byte> { throw Failure(ReturnCode::kRefused, "the fact", "the hint"); };
  };
  try {
    deal_chunks(2, make, flow);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ReturnCode::kRefused);
    EXPECT_EQ(failure.fact(), "the fact");
    EXPECT_EQ(failure.hint(), "the hint");
  }
}

TEST(Refusal, NamesLimitsAndDeclaredTotalsThatDiffer) {
  const Judged judged = judge_text(small_definition(), kSmallFile);
  Plan plan = judged.plan;
  EXPECT_EQ(refusal(plan, judged.totals()), std::nullopt);
  plan.limits.most_rejects = 1;
  EXPECT_EQ(refusal(plan, judged.totals()), std::nullopt) << "one reject is within the limit of one";
  plan.limits.most_rejects = 0;
  EXPECT_NE(refusal(plan, judged.totals())->find("1 of 4"), std::string::npos);
  plan.limits = {};
  plan.limits.most_rejects_ppm = 250'000;
  EXPECT_EQ(refusal(plan, judged.totals()), std::nullopt) << "one in four is a share of 0.25";
  plan.limits.most_rejects_ppm = 249'999;
  EXPECT_TRUE(refusal(plan, judged.totals()));
  plan.limits = {};
  plan.declared.records = 5;
  EXPECT_NE(refusal(plan, judged.totals())->find("5 records were declared, the file has 4 (-1)"), std::string::npos)
      << *refusal(plan, judged.totals());
  plan.declared = {};
  plan.declared.sum = "3.25";
  EXPECT_NE(refusal(plan, judged.totals())->find("1 records have no readable amount"), std::string::npos);
}

TEST(Refusal, AnImbalanceIsNeverPublished) {
  const Judged judged = judge_text(small_definition(), kSmallFile);
  ControlTotals lost = judged.totals();
  --lost.records;
  --lost.accepted;
  EXPECT_NE(refusal(judged.plan, lost)->find("out of balance"), std::string::npos);
}

RunOptions options_for(const TestDatabase& database, unsigned workers) {
  RunOptions options;
  options.posting.ledger = database.options(database.url());
  options.posting.rejects_root = database.folder() / "rejects";
  options.posting.workers = workers;
  options.judge.workers = workers;
  options.judge.chunk_bytes = 20'000;
  options.judge.now = {1'743'376'002'127'715'654};
  return options;
}

std::string transactions_file(const TempFolder& folder, int records) {
  std::string text = "Date,Transaction Type,Description,Amount\n";
  for (int i = 1; i <= records; ++i)
    text += i % 9 == 0 ? "2025-03-30,Payroll,Utility Bill,-1\n"
                       : "2025-03-30,Invoice,Service Fee," + std::to_string(i) + ".10\n";
  return folder.write("transactions.csv", text).string();
}

class Loads : public ::testing::TestWithParam<LedgerKind> {
 protected:
  void SetUp() override {
    if (GetParam() == LedgerKind::kPostgres && test_postgres() == nullptr)
      GTEST_SKIP() << "no PostgreSQL: run by script/test";
    database = std::make_unique<TestDatabase>(GetParam());
  }
  std::unique_ptr<TestDatabase> database;
};

TEST_P(Loads, TheTwoWaysInGiveTheSameRowsAndRejects) {
  const Feed feed = transactions();
  const TempFolder folder;
  const std::string file = transactions_file(folder, 5000);
  const TestDatabase other(GetParam());
  const auto rows = [](const TestDatabase& in) {
    const auto ledger = in.open();
    const Verification verified = verify_batch(*ledger, ledger->summary(BatchNumber{1}));
    EXPECT_TRUE(verified.agrees());
    return in.scalar(in.kind() == LedgerKind::kPostgres
                         ? "SELECT md5(string_agg(t::text, ';' ORDER BY record_number)) FROM transactions t"
                         : "SELECT group_concat(record_number || transaction_date || transaction_type || description "
                           "|| amount) FROM (SELECT * FROM transactions ORDER BY record_number)");
  };
  const auto rejects = [](const TestDatabase& in) {
    std::vector<std::string> lines;
    const auto ledger = in.open();
    for (const auto& chunk : ledger->chunks(BatchNumber{1})) {
      if (!chunk.part) continue;
      std::istringstream text(content_of(in.folder() / "rejects" / chunk.part->name));
      for (std::string line; std::getline(text, line);) lines.push_back(line);
    }
    return lines;
  };
  const FileReport one = run_file(feed, file, options_for(*database, 2));
  EXPECT_EQ(one.return_code, ReturnCode::kRejects) << one.fact;
  const RunOptions options = options_for(other, 2);
  for (const std::uint32_t shard : {1U, 0U})
    EXPECT_EQ(ingest_file(feed, file, options.judge, folder / "staged", {shard, 2}).return_code, ReturnCode::kRejects);
  const FileReport two = post_staged(find_staged({folder / "staged"}).at(0), options.posting, std::nullopt, {});
  EXPECT_EQ(two.return_code, ReturnCode::kRejects) << two.fact;
  EXPECT_EQ(one.totals, two.totals);
  EXPECT_EQ(one.batch, two.batch);
  EXPECT_EQ(rows(*database), rows(other));
  EXPECT_EQ(rejects(*database), rejects(other));
  EXPECT_EQ(rejects(other).size(), 555U);
}

TEST_P(Loads, VerifyFindsWhateverWasHarmed) {
  const Feed feed = transactions();
  const TempFolder folder;
  ASSERT_EQ(run_file(feed, transactions_file(folder, 2000), options_for(*database, 1)).return_code,
            ReturnCode::kRejects);
  const auto differences = [&] {
    const auto ledger = database->open();
    return verify_batch(*ledger, ledger->summary(BatchNumber{1})).differences.size();
  };
  ASSERT_EQ(differences(), 0U);
  const bool postgres = GetParam() == LedgerKind::kPostgres;
  database->execute(std::string("DELETE FROM ledger.transactions_postings WHERE ") +
                    (postgres ? "record_number" : "posting & 1099511627775") + " = 5");
  EXPECT_GT(differences(), 0U) << "a record is gone";
  const auto part = database->open()->chunks(BatchNumber{1}).at(0).part;
  std::filesystem::resize_file(database->folder() / "rejects" / part->name, 10);
  EXPECT_GT(differences(), 1U) << "a reject part is cut";
}

TEST_P(Loads, AChangedDefinitionOrModuleDoesNotJudgeTheRestOfABatch) {
  Feed feed = transactions();
  const TempFolder folder;
  const std::string file = transactions_file(folder, 3000);
  const Judged judged = judge(feed, file, 20'000);
  {
    const auto ledger = database->open();
    ledger->prepare_table(judged.plan);
    ledger->register_batch(judged.plan, std::nullopt, (database->folder() / "rejects").string());
  }
  Feed changed = feed;
  changed.definition.digest = Sha256::of(std::string_view("another definition"));
  FileReport report = run_file(changed, file, options_for(*database, 1));
  EXPECT_EQ(report.return_code, ReturnCode::kRefused);
  EXPECT_NE(report.fact.find("another feed definition"), std::string::npos) << report.fact;
  changed = feed;
  changed.module->digest = Sha256::of(std::string_view("another module"));
  report = run_file(changed, file, options_for(*database, 1));
  EXPECT_EQ(report.return_code, ReturnCode::kRefused);
  EXPECT_NE(report.fact.find("another rule module"), std::string::npos) << report.fact;
  EXPECT_EQ(run_file(feed, file, options_for(*database, 1)).return_code, ReturnCode::kRejects)
      << "the former one goes on";
}

TEST_P(Loads, ALimitThatIsExceededPublishesNothingAndKeepsTheRejects) {
  Feed feed = transactions();
  feed.definition.limits.most_rejects = 10;
  const TempFolder folder;
  const FileReport report = run_file(feed, transactions_file(folder, 2000), options_for(*database, 2));
  EXPECT_EQ(report.return_code, ReturnCode::kRefused);
  EXPECT_NE(report.fact.find("too many rejects: 222 of 2000"), std::string::npos) << report.fact;
  EXPECT_EQ(database->scalar("SELECT count(*) FROM ledger.transactions_postings"), "0");
  EXPECT_EQ(report.totals.rejected, 222U);
}

INSTANTIATE_TEST_SUITE_P(Ledgers, Loads, ::testing::Values(LedgerKind::kSqlite, LedgerKind::kPostgres),
                         [](const ::testing::TestParamInfo<LedgerKind>& of) {
                           return of.param == LedgerKind::kSqlite ? "Sqlite" : "Postgres";
                         });

TEST(Inbox, TakesAFileOnlyWhenItWasTheSameAtTwoLooks) {
  const TempFolder folder;
  feed::FeedDefinition definition = small_definition("files: \"*.csv\"\narrival: {settle_seconds: 0.2}\n");
  Inbox inbox(definition, folder.path());
  folder.write("x.csv", "a");
  folder.write("x.truth.jsonl", "a");
  EXPECT_TRUE(inbox.look().empty());
  EXPECT_TRUE(inbox.settling());
  ::usleep(250'000);
  folder.write("x.csv", "ab");  // still being written
  EXPECT_TRUE(inbox.look().empty());
  ::usleep(250'000);
  ASSERT_EQ(inbox.look().size(), 1U);
  inbox.leave(folder / "x.csv");
  EXPECT_TRUE(inbox.look().empty());
}

TEST(Inbox, WaitsForMarkerAndManifestAndReadsWhatItDeclares) {
  const TempFolder folder;
  feed::FeedDefinition definition = small_definition(
      "files: \"*.csv\"\narrival: {settle_seconds: 0, done_marker: \"{name}.done\", manifest: \"{name}.json\"}\n");
  Inbox inbox(definition, folder.path());
  folder.write("x.csv", "a");
  EXPECT_TRUE(inbox.look().empty());
  folder.write("x.csv.done", "");
  EXPECT_TRUE(inbox.look().empty());
  folder.write("x.csv.json", R"({"records": 12, "sum": "1.50"})");
  const auto files = inbox.look();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].declared.records, 12U);
  EXPECT_EQ(files[0].declared.sum, "1.50");
}

}  // namespace
}  // namespace ledgermill::batch
