// SPDX-License-Identifier: Apache-2.0
// What every reader promises (ledger/reader.h); the same tests on SQLite and on PostgreSQL.
#include <fcntl.h>
#include <fmt/core.h>

#include "ledger/reader.h"
#include "reject/reject_log.h"
#include "tests/support/feeds.h"
#include "tests/support/ledgers.h"

namespace ledgermill::ledger {
namespace {

using namespace ledgermill::testing;

class ReaderContract : public ::testing::TestWithParam<LedgerKind> {
 protected:
  void SetUp() override {
    if (GetParam() == LedgerKind::kPostgres && test_postgres() == nullptr)
      GTEST_SKIP() << "no PostgreSQL: run by script/test";
    database = std::make_unique<TestDatabase>(GetParam());
    ledger = database->open();
  }

  /// Every tenth record is rejected; the planned time is given, so that spans can be asked for.
  Judged make_file(const std::string& name, int records, std::int64_t planned_seconds) {
    std::string text = "a,b,n\n";
    for (int i = 1; i <= records; ++i)
      text += fmt::format("row {} {},text,{}\n", i, name, i % 10 == 0 ? "none" : fmt::format("{}.25", i));
    Judged judged = judge_text(small_definition(), text, 1024);
    judged.plan.file.name = name;
    judged.plan.planned_at = Timestamp{planned_seconds * 1'000'000'000};
    return judged;
  }

  enum class Until { kPlanned, kLoaded, kPublished, kRefused };
  BatchId load(const Judged& file, Until until) {
    ledger->prepare_table(file.plan);
    const Registration made = ledger->register_batch(file.plan, std::nullopt, database->folder().path().string());
    EXPECT_EQ(made.outcome, Registration::Outcome::kRegistered);
    if (until == Until::kPlanned) return made.batch.id;
    for (ChunkClaimResult claim = ledger->claim_chunk(made.batch.number); claim.claim;
         claim = ledger->claim_chunk(made.batch.number)) {
      const StagedChunk& chunk = file.chunks.at(to_int(claim.claim->chunk) - 1);
      const auto write = [&](std::span<const DatabaseRefusal> refusals) {
        return reject::write_part({database->folder().path(), made.batch.rejects_folder}, made.plan, made.batch.id,
                                  chunk, claim.claim->epoch, refusals);
      };
      EXPECT_EQ(ledger->post_chunk(*claim.claim, made.plan, chunk, write), PostOutcome::kPosted);
    }
    if (until == Until::kLoaded) return made.batch.id;
    const FinalClaimResult final = ledger->claim_finalising(made.batch.number);
    EXPECT_EQ(until == Until::kRefused ? ledger->refuse(*final.claim, "too many rejects")
                                       : ledger->publish(*final.claim, ledger->recount(made.batch.number, made.plan)),
              PostOutcome::kPosted);
    return made.batch.id;
  }

  std::unique_ptr<Reader> reader() {
    ReaderOptions options;
    options.ledger = database->options(database->url());
    return open_reader(options);
  }

  static std::string names(const std::vector<BatchSummary>& batches) {
    std::string text;
    for (const BatchSummary& batch : batches) text += (text.empty() ? "" : " ") + batch.file.name;
    return text;
  }

  std::unique_ptr<TestDatabase> database;
  std::unique_ptr<Ledger> ledger;
};

TEST_P(ReaderContract, BatchesArePagedByKeyNewestFirst) {
  for (int i = 1; i <= 5; ++i) load(make_file(fmt::format("f{}", i), 10, i), Until::kPublished);
  const auto read = reader();
  Reader::BatchFilter filter;
  filter.most = 2;
  std::vector<BatchSummary> page = read->batches(filter);
  EXPECT_EQ(names(page), "f5 f4");
  EXPECT_EQ(page[0].totals.accepted, 9u);
  EXPECT_EQ(page[0].totals.rejected, 1u);
  filter.before_number = to_int(page.back().number);
  page = read->batches(filter);
  EXPECT_EQ(names(page), "f3 f2");
  filter.before_number = to_int(page.back().number);
  EXPECT_EQ(names(read->batches(filter)), "f1");
}

TEST_P(ReaderContract, AFilterHoldsWhatItNamesAndNothingElse) {
  load(make_file("good", 9, 1), Until::kPublished);
  load(make_file("refused", 20, 2), Until::kRefused);
  load(make_file("waiting", 20, 3), Until::kPlanned);
  const auto read = reader();
  Reader::BatchFilter filter;
  filter.state = BatchState::kRefused;
  EXPECT_EQ(names(read->batches(filter)), "refused");
  EXPECT_EQ(read->batches(filter)[0].refusal, "too many rejects");
  filter.state.reset();
  filter.having = Reader::BatchFilter::Having::kRejects;
  EXPECT_EQ(names(read->batches(filter)), "refused");
  filter.having = Reader::BatchFilter::Having::kAny;
  filter.feed = "small";
  EXPECT_EQ(names(read->batches(filter)), "waiting refused good");
  filter.feed = "smal";
  EXPECT_EQ(names(read->batches(filter)), "");
}

TEST_P(ReaderContract, EveryAmountEndsInOnePlace) {
  load(make_file("posted", 20, 100), Until::kPublished);
  load(make_file("refused", 20, 101), Until::kRefused);
  load(make_file("loaded", 20, 102), Until::kLoaded);
  load(make_file("tomorrow", 20, 200), Until::kPublished);
  const std::vector<FeedTotals> feeds = reader()->feed_totals({Timestamp{100'000'000'000}, Timestamp{200'000'000'000}});
  ASSERT_EQ(feeds.size(), 1u);
  const FeedTotals& feed = feeds[0];
  EXPECT_EQ(feed.arrived(), 3u);
  EXPECT_EQ(feed.records_in, 60u);
  EXPECT_EQ(feed.records_posted, 18u);
  EXPECT_EQ(feed.records_rejected, 2u);
  EXPECT_EQ(feed.records_refused, 20u);
  EXPECT_EQ(feed.records_unreconciled, 20u);
  EXPECT_EQ(feed.out_of_balance, 0u);
  ASSERT_EQ(feed.money.size(), 1u);
  const MoneyFlow& flow = feed.money[0];
  EXPECT_EQ(flow.posted.text(2), "184.50");  // 1.25 to 19.25 less 10.25
  EXPECT_EQ(flow.refused.text(2), "184.50");
  EXPECT_EQ(flow.unreconciled.text(2), "184.50");
  EXPECT_EQ(flow.in.minor_units, flow.posted.minor_units + flow.rejected.minor_units + flow.refused.minor_units +
                                     flow.unreconciled.minor_units);
  EXPECT_EQ(flow.unreadable, 6u);
  EXPECT_EQ(feed.reasons, (ReasonCounts{{"type-error", 6}}));
  EXPECT_EQ(feed.oldest_open_at, (Timestamp{102'000'000'000}));
}

TEST_P(ReaderContract, SearchFindsByBeginningOfNameDigestAndId) {
  const BatchId id = load(make_file("alpha-1.csv", 10, 1), Until::kPublished);
  load(make_file("beta.csv", 10, 2), Until::kPublished);
  Judged again = make_file("alpha-1.csv", 10, 3);
  again.plan.file.name = "gamma.csv";
  EXPECT_EQ(ledger->register_batch(again.plan, std::nullopt, "").outcome, Registration::Outcome::kAlreadyPosted);
  const auto read = reader();
  EXPECT_EQ(names(read->search("alpha", 0, 10)), "alpha-1.csv");
  EXPECT_EQ(names(read->search("lpha", 0, 10)), "");
  EXPECT_EQ(names(read->search("gamma", 0, 10)), "alpha-1.csv") << "the name under which it was brought again";
  EXPECT_EQ(names(read->search(again.plan.file.sha256.hex().substr(0, 10), 0, 10)), "alpha-1.csv");
  EXPECT_EQ(names(read->search(id.text, 0, 10)), "alpha-1.csv");
  EXPECT_EQ(names(read->search("small/", 0, 1)), "beta.csv");
  EXPECT_EQ(names(read->search("' OR ''='", 0, 10)), "");
  ASSERT_EQ(read->deliveries(read->batch(id)->number, 10).size(), 2u);
  EXPECT_EQ(read->deliveries(read->batch(id)->number, 10)[0].disposition, "duplicate");
}

TEST_P(ReaderContract, ARecordIsPostedOrRejectedAndItsChunkIsKnown) {
  const Judged file = make_file("f", 200, 1);
  const BatchId id = load(file, Until::kPublished);
  const auto read = reader();
  const BatchSummary batch = *read->batch(id);
  const auto posted = read->posting(batch.number, file.plan, RecordNumber{7});
  ASSERT_TRUE(posted);
  EXPECT_EQ((*posted)[0].value, "row 7 f");
  EXPECT_EQ((*posted)[2].value, "7.25");
  EXPECT_FALSE(read->posting(batch.number, file.plan, RecordNumber{10}));
  EXPECT_FALSE(read->posting(batch.number, file.plan, RecordNumber{201}));
  for (const std::uint64_t record : {10u, 100u, 200u}) {
    const auto chunk = read->chunk_of_record(batch.number, RecordNumber{record});
    ASSERT_TRUE(chunk);
    const auto reject = reject::find_reject(database->folder().path(), *chunk->status.part, RecordNumber{record});
    ASSERT_TRUE(reject);
    EXPECT_EQ(reject->record_number, record);
    EXPECT_FALSE(reject::find_reject(database->folder().path(), *chunk->status.part, RecordNumber{record - 1}));
  }
  EXPECT_FALSE(read->chunk_of_record(batch.number, RecordNumber{201}));
}

TEST_P(ReaderContract, ChunksArePagedAndHaveTheirTimes) {
  const BatchId id = load(make_file("f", 200, 1), Until::kPublished);
  const auto read = reader();
  const BatchNumber number = read->batch(id)->number;
  const std::vector<ChunkRow> first = read->chunks(number, 0, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_TRUE(first[0].claimed_at && first[0].done_at && *first[0].claimed_at <= *first[0].done_at);
  EXPECT_EQ(read->chunks(number, 2, 1)[0].first_record, first[1].first_record + first[1].records);
}

TEST_P(ReaderContract, NothingCanBeWrittenThroughAReader) {
  const BatchId id = load(make_file("f", 10, 1), Until::kPublished);
  ledger.reset();
  if (GetParam() == LedgerKind::kPostgres) {
    database->execute(
        "CREATE TABLE ledger.trap(n int); CREATE FUNCTION ledger.spring() RETURNS timestamptz LANGUAGE plpgsql AS "
        "$$BEGIN INSERT INTO ledger.trap VALUES (1); RETURN now(); END$$; ALTER TABLE ledger.delivery RENAME TO "
        "delivered; CREATE VIEW ledger.delivery AS SELECT id, batch, file_name, disposition, ledger.spring() AS "
        "seen_at FROM ledger.delivered");
    const auto read = reader();
    EXPECT_THROW(read->deliveries(read->batch(id)->number, 1), Failure) << "a query that writes";
    return;
  }
  const auto read = reader();
  ASSERT_TRUE(read->batch(id));
  int opened = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).filename() != "ledger.db") continue;
    ++opened;
    const int fd = std::stoi(entry.path().filename().string());
    EXPECT_EQ(::fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  }
  EXPECT_EQ(opened, 1);
}

INSTANTIATE_TEST_SUITE_P(Ledgers, ReaderContract, ::testing::Values(LedgerKind::kSqlite, LedgerKind::kPostgres),
                         [](const auto& of) { return of.param == LedgerKind::kSqlite ? "Sqlite" : "Postgres"; });

}  // namespace
}  // namespace ledgermill::ledger
