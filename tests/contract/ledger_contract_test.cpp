// SPDX-License-Identifier: Apache-2.0
// What every ledger promises (ledger/ledger.h); the same tests on SQLite and on PostgreSQL. "Protocol n" is the
// numbered invariant in docs/ARCHITECTURE.md.
#include <fmt/core.h>
#include <sys/wait.h>

#include "batch/posting.h"
#include "reject/reject_log.h"
#include "tests/support/feeds.h"
#include "tests/support/ledgers.h"

namespace ledgermill::ledger {
namespace {

using namespace ledgermill::testing;
using std::chrono::seconds;
using Outcome = Registration::Outcome;

class LedgerContract : public ::testing::TestWithParam<LedgerKind> {
 protected:
  void SetUp() override {
    if (GetParam() == LedgerKind::kPostgres && test_postgres() == nullptr)
      GTEST_SKIP() << "no PostgreSQL: run by script/test";
    database = std::make_unique<TestDatabase>(GetParam());
  }

  /// A file of some chunks, judged; every tenth record has an amount that is none.
  Judged make_file(int records = 200, const std::string& salt = "", std::optional<BusinessDate> date = std::nullopt,
                   std::uint32_t chunk_bytes = 1024) {
    std::string text = "a,b,n\n";
    for (int i = 1; i <= records; ++i)
      text += fmt::format("row {}{},some text,{}\n", i, salt, i % 10 == 0 ? "none" : fmt::format("{}.25", i));
    Judged judged = judge_text(small_definition(), text, chunk_bytes);
    judged.plan.business_date = date;
    return judged;
  }

  Registration begin(Ledger& ledger, const Judged& file, const std::optional<BatchId>& corrects = std::nullopt) {
    ledger.prepare_table(file.plan);
    return ledger.register_batch(file.plan, corrects, database->folder().path().string());
  }

  WriteRejects writer(const Registration& registration, const StagedChunk& chunk, std::uint64_t epoch) {
    return [=, this, &chunk](std::span<const DatabaseRefusal> refusals) {
      return reject::write_part({database->folder().path(), registration.batch.rejects_folder}, registration.plan,
                                registration.batch.id, chunk, epoch, refusals);
    };
  }

  PostOutcome post(Ledger& ledger, const Registration& registration, const Judged& file, const ChunkClaim& claim) {
    const StagedChunk& chunk = file.chunks.at(to_int(claim.chunk) - 1);
    return ledger.post_chunk(claim, registration.plan, chunk, writer(registration, chunk, claim.epoch));
  }

  void post_all(Ledger& ledger, const Registration& registration, const Judged& file) {
    while (true) {
      const ChunkClaimResult claim = ledger.claim_chunk(registration.batch.number);
      if (claim.status == ClaimStatus::kAllDone) return;
      ASSERT_EQ(claim.status, ClaimStatus::kClaimed);
      ASSERT_EQ(post(ledger, registration, file, *claim.claim), PostOutcome::kPosted);
    }
  }

  PostOutcome publish(Ledger& ledger, const Registration& registration) {
    const FinalClaimResult final = ledger.claim_finalising(registration.batch.number);
    EXPECT_EQ(final.status, ClaimStatus::kClaimed);
    return ledger.publish(*final.claim, ledger.recount(registration.batch.number, registration.plan));
  }

  Registration load(Ledger& ledger, const Judged& file, const std::optional<BatchId>& corrects = std::nullopt) {
    const Registration registration = begin(ledger, file, corrects);
    EXPECT_EQ(registration.outcome, Outcome::kRegistered);
    post_all(ledger, registration, file);
    EXPECT_EQ(publish(ledger, registration), PostOutcome::kPosted);
    return registration;
  }

  std::unique_ptr<TestDatabase> database;
};

TEST_P(LedgerContract, ALoadedBatchIsSeenByReadersOnlyOncePublished) {
  const auto ledger = database->open();
  const Judged file = make_file();
  const Registration registration = begin(*ledger, file);
  ASSERT_GT(registration.plan.chunks.size(), 3U);
  post_all(*ledger, registration, file);
  EXPECT_EQ(database->scalar("SELECT count(*) FROM small"), "0") << "not published yet";
  EXPECT_EQ(publish(*ledger, registration), PostOutcome::kPosted);
  EXPECT_EQ(database->scalar("SELECT count(*) FROM small"), "180");
  EXPECT_EQ(database->scalar("SELECT n FROM small WHERE record_number = 7"), "7.25");
  EXPECT_EQ(database->scalar("SELECT batch FROM small WHERE record_number = 7"), registration.batch.id.text);
}

TEST_P(LedgerContract, PostingsAreReadBackAsTheyWerePosted) {
  const auto ledger = database->open();
  const Judged file = make_file();
  const Registration registration = load(*ledger, file);
  const auto field = file.plan.layout.find("n");
  ASSERT_TRUE(field);
  std::vector<PostedRecord> all;
  ledger->visit_postings(
      registration.batch.number, registration.plan, {*field},
      [&all](std::span<const PostedRecord> some) { all.insert(all.end(), some.begin(), some.end()); });
  ASSERT_EQ(all.size(), 180U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](const auto& a, const auto& b) { return a.record_number < b.record_number; }));
  const auto seventh =
      std::find_if(all.begin(), all.end(), [](const auto& posting) { return posting.record_number == 7; });
  ASSERT_NE(seventh, all.end());
  EXPECT_EQ(seventh->values[0].integer, 725);
}

TEST_P(LedgerContract, ALaterLabelOfTheSameSourceReplacesTheEarlier) {
  const auto ledger = database->open();
  const BatchNumber batch = load(*ledger, make_file()).batch.number;
  EXPECT_TRUE(ledger->labels("suspicion").empty());
  ledger->put_label({"suspicion", "confirmed", "ann", batch, 7});
  ledger->put_label({"suspicion", "false", "ann", batch, 7});
  ledger->put_label({"suspicion", "confirmed", "bob", batch, 3});
  const std::vector<Label> labels = ledger->labels("suspicion");
  ASSERT_EQ(labels.size(), 2U);
  EXPECT_EQ(labels[0].record_number, 3U);
  EXPECT_EQ(labels[1].value, "false");
  EXPECT_TRUE(ledger->labels("other").empty());
}

TEST_P(LedgerContract, TheSummaryAddsUpTheChunks) {
  const auto ledger = database->open();
  const Judged file = make_file();
  const BatchSummary summary = ledger->summary(load(*ledger, file).batch.number);
  EXPECT_EQ(summary.state, BatchState::kPublished);
  EXPECT_EQ(batch::with_head(summary.totals, file.plan), file.totals());
  EXPECT_EQ(summary.reasons, (ReasonCounts{{"type-error", 20}}));
  EXPECT_EQ(summary.chunks, summary.chunks_done);
}

TEST_P(LedgerContract, Protocol1AFileIsRecognisedUnderAnyName) {
  const auto ledger = database->open();
  Judged file = make_file();
  const Registration first = load(*ledger, file);
  file.plan.file.name = "another.csv";
  const Registration again = begin(*ledger, file);
  EXPECT_EQ(again.outcome, Outcome::kAlreadyPosted);
  EXPECT_EQ(again.batch.id, first.batch.id);
}

TEST_P(LedgerContract, Protocol1OtherBytesForAPostedDayAreRefusedUnlessDeclaredACorrection) {
  const auto ledger = database->open();
  const BusinessDate day{2025, 3, 30};
  const Registration first = load(*ledger, make_file(100, "", day));
  const Judged other = make_file(100, "x", day);
  EXPECT_EQ(begin(*ledger, other).outcome, Outcome::kBusinessDateTaken);
  EXPECT_EQ(begin(*ledger, make_file(100, "y", BusinessDate{2025, 3, 31}), first.batch.id).outcome,
            Outcome::kNothingToCorrect);
  load(*ledger, other, first.batch.id);
  EXPECT_EQ(ledger->summary(first.batch.number).state, BatchState::kSuperseded);
  EXPECT_EQ(database->scalar("SELECT count(*) FROM small"), "90") << "readers see the correction only";
}

TEST_P(LedgerContract, Protocol1ADayTakenWhileLoadingRefusesTheLaterBatch) {
  const auto ledger = database->open();
  const BusinessDate day{2025, 3, 30};
  const Judged slow = make_file(100, "slow", day);
  const Registration begun = begin(*ledger, slow);
  post_all(*ledger, begun, slow);
  load(*ledger, make_file(100, "fast", day));
  publish(*ledger, begun);
  const BatchSummary ended = ledger->summary(begun.batch.number);
  EXPECT_EQ(ended.state, BatchState::kRefused);
  EXPECT_NE(ended.refusal.find("was published for the same business date"), std::string::npos) << ended.refusal;
  EXPECT_EQ(database->scalar("SELECT count(*) FROM ledger.small_postings"), "90") << "the refused rows are dropped";
}

TEST_P(LedgerContract, Protocol2ThePlanIsStoredOnceWhateverTheLaterSettings) {
  const auto ledger = database->open();
  const Judged file = make_file();
  begin(*ledger, file);
  Plan other = file.plan;
  other.chunks = {other.chunks[0]};
  const Registration resumed = database->open()->register_batch(other, std::nullopt, "elsewhere");
  EXPECT_EQ(resumed.outcome, Outcome::kResumed);
  EXPECT_EQ(resumed.plan.chunks.size(), file.plan.chunks.size());
  EXPECT_EQ(resumed.batch.rejects_root, database->folder().path().string());
  EXPECT_EQ(plan_to_json(resumed.plan), plan_to_json(file.plan));
}

TEST_P(LedgerContract, Protocol3EachChunkIsClaimedByOneAndTheLowestFirst) {
  const auto one = database->open();
  const auto two = database->open();
  const Judged file = make_file();
  const Registration registration = begin(*one, file);
  const auto first = one->claim_chunk(registration.batch.number);
  const auto second = two->claim_chunk(registration.batch.number);
  EXPECT_EQ(to_int(first.claim->chunk), 1U);
  EXPECT_EQ(to_int(second.claim->chunk), 2U);
  for (std::size_t i = 2; i < file.plan.chunks.size(); ++i)
    ASSERT_EQ(one->claim_chunk(registration.batch.number).status, ClaimStatus::kClaimed);
  EXPECT_EQ(two->claim_chunk(registration.batch.number).status, ClaimStatus::kOthersHoldTheRest);
}

TEST_P(LedgerContract, Protocol3AChunkGivenBackIsClaimedAgainWithAHigherEpoch) {
  const auto ledger = database->open();
  const Registration registration = begin(*ledger, make_file());
  const auto first = ledger->claim_chunk(registration.batch.number);
  ledger->release(*first.claim);
  const auto again = ledger->claim_chunk(registration.batch.number);
  EXPECT_EQ(again.claim->chunk, first.claim->chunk);
  EXPECT_GT(again.claim->epoch, first.claim->epoch);
}

TEST_P(LedgerContract, Protocol3TheChunkOfADeadWorkerIsFreeAtOnce) {
  const auto ledger = database->open();
  const Registration registration = begin(*ledger, make_file());
  const pid_t child = ::fork();
  if (child == 0) {
    const bool claimed =
        database->open(seconds(3600))->claim_chunk(registration.batch.number).status == ClaimStatus::kClaimed;
    ::_exit(claimed ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ChunkClaimResult claim = ledger->claim_chunk(registration.batch.number);
  for (int tries = 0; tries < 50 && claim.claim->epoch == 1;
       ++tries) {  // PostgreSQL notices a broken connection soon, not at once
    ledger->release(*claim.claim);
    ::usleep(100'000);
    claim = ledger->claim_chunk(registration.batch.number);
  }
  EXPECT_EQ(to_int(claim.claim->chunk), 1U);
  EXPECT_EQ(claim.claim->epoch, 2U);
}

TEST_P(LedgerContract, Protocol4AWorkerThatLostItsLeasePostsNothing) {
  const auto slow = database->open(seconds(0));
  const auto fast = database->open();
  const Judged file = make_file();
  const Registration registration = begin(*slow, file);
  const auto old_claim = slow->claim_chunk(registration.batch.number);
  const auto new_claim = fast->claim_chunk(registration.batch.number);
  ASSERT_EQ(new_claim.claim->chunk, old_claim.claim->chunk) << "a lease that has run out is taken over";
  PostOutcome outcome = PostOutcome::kLostClaim;
  try {
    EXPECT_FALSE(slow->renew(*old_claim.claim));
    outcome = post(*slow, registration, file, *old_claim.claim);
  } catch (const Failure& ended) {
    EXPECT_EQ(ended.code(), ReturnCode::kUnavailable)
        << ended.fact();  // PostgreSQL: whoever took over ended its backend
  }
  EXPECT_EQ(outcome, PostOutcome::kLostClaim);
  EXPECT_EQ(database->scalar("SELECT count(*) FROM ledger.small_postings"), "0");
  EXPECT_EQ(post(*fast, registration, file, *new_claim.claim), PostOutcome::kPosted);
}

TEST_P(LedgerContract, Protocol4AnUnbalancedChunkCannotBeDone) {
  const auto ledger = database->open();
  const Judged file = make_file();
  begin(*ledger, file);
  EXPECT_NE(failure_of([&] {
              database->execute(
                  "UPDATE ledger.chunk SET state = 'done', accepted = records - 1, rejected = 0 WHERE number = 1");
            }),
            "");
}

TEST_P(LedgerContract, Protocol5ARecordCannotBePostedTwiceEvenByADefect) {
  const auto ledger = database->open();
  load(*ledger, make_file());
  EXPECT_NE(failure_of([&] {
              database->execute("INSERT INTO ledger.small_postings SELECT * FROM ledger.small_postings LIMIT 1");
            }),
            "");
}

TEST_P(LedgerContract, Protocol6WhenRejectsCannotBeWrittenNothingIsPosted) {
  const auto ledger = database->open();
  const Judged file = make_file();
  const Registration registration = begin(*ledger, file);
  const auto claim = ledger->claim_chunk(registration.batch.number);
  const auto full_disk = [](std::span<const DatabaseRefusal>) -> std::optional<RejectPart> {
    throw Failure(ReturnCode::kUnavailable, "disk full");
  };
  EXPECT_EQ(failure_of([&] { ledger->post_chunk(*claim.claim, registration.plan, file.chunks[0], full_disk); }),
            "disk full");
  EXPECT_EQ(database->scalar("SELECT count(*) FROM ledger.small_postings"), "0");
  EXPECT_EQ(post(*ledger, registration, file, *claim.claim), PostOutcome::kPosted) << "the claim is still ours";
}

TEST_P(LedgerContract, Protocol6ThePartIsNamedInTheChunksRow) {
  const auto ledger = database->open();
  const Registration registration = load(*ledger, make_file());
  std::uint64_t rejects = 0;
  for (const ChunkStatus& chunk : ledger->chunks(registration.batch.number)) {
    ASSERT_TRUE(chunk.part.has_value());
    reject::read_part(database->folder().path(), *chunk.part, [&](reject::LoggedReject&&) { return ++rejects > 0; });
  }
  EXPECT_EQ(rejects, 20U);
}

TEST_P(LedgerContract, Protocol7FinalisingIsAClaimThatCanBeTakenOver) {
  const auto slow = database->open(seconds(0));
  const Judged file = make_file();
  const Registration registration = begin(*slow, file);
  post_all(*slow, registration, file);
  const FinalClaimResult old_claim = slow->claim_finalising(registration.batch.number);
  const pid_t child = ::fork();  // another process: a holder does not keep itself out
  if (child == 0) {
    const auto fast = database->open();
    const FinalClaimResult claim = fast->claim_finalising(registration.batch.number);
    ::_exit(claim.status == ClaimStatus::kClaimed && claim.claim->epoch > old_claim.claim->epoch ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  PostOutcome outcome = PostOutcome::kLostClaim;
  try {
    outcome = slow->publish(*old_claim.claim, slow->recount(registration.batch.number, registration.plan));
  } catch (const Failure& ended) {
    EXPECT_EQ(ended.code(), ReturnCode::kUnavailable) << ended.fact();
  }
  EXPECT_EQ(outcome, PostOutcome::kLostClaim);
  EXPECT_EQ(database->open()->summary(registration.batch.number).state, BatchState::kLoaded);
}

TEST_P(LedgerContract, Protocol7NothingIsFinalisedWhileAChunkIsOpen) {
  const auto ledger = database->open();
  const Judged file = make_file();
  const Registration registration = begin(*ledger, file);
  const auto claim = ledger->claim_chunk(registration.batch.number);
  post(*ledger, registration, file, *claim.claim);
  EXPECT_EQ(ledger->claim_finalising(registration.batch.number).status, ClaimStatus::kOthersHoldTheRest);
}

TEST_P(LedgerContract, Protocol7ARowThatVanishedOrChangedStopsPublishing) {
  for (const char* harm : {"DELETE FROM ledger.small_postings WHERE a = 'row 7'",
                           "UPDATE ledger.small_postings SET b = b, {} WHERE a = 'row 8'"}) {
    database = std::make_unique<TestDatabase>(GetParam());
    const auto ledger = database->open();
    const Judged file = make_file();
    const Registration registration = begin(*ledger, file);
    post_all(*ledger, registration, file);
    database->execute(
        fmt::format(fmt::runtime(harm), GetParam() == LedgerKind::kPostgres ? "n = n + 1" : "n_minor = n_minor + 100"));
    EXPECT_NE(failure_of([&] { publish(*ledger, registration); }), "") << harm;
    EXPECT_EQ(database->scalar("SELECT count(*) FROM small"), "0");
  }
}

TEST_P(LedgerContract, ARefusedBatchLosesItsRowsKeepsItsRejectsAndCanBeTriedAnew) {
  const auto ledger = database->open();
  const Judged file = make_file();
  const Registration registration = begin(*ledger, file);
  post_all(*ledger, registration, file);
  const auto final = ledger->claim_finalising(registration.batch.number);
  EXPECT_EQ(ledger->refuse(*final.claim, "too many rejects"), PostOutcome::kPosted);
  EXPECT_EQ(database->scalar("SELECT count(*) FROM ledger.small_postings"), "0");
  EXPECT_TRUE(ledger->chunks(registration.batch.number)[0].part.has_value());
  EXPECT_EQ(begin(*ledger, file).outcome, Outcome::kRefusedBefore);
  ledger->discard(registration.batch.number);
  const Registration second = load(*ledger, file);
  EXPECT_EQ(second.batch.id.text, registration.batch.id.text + "/2");
  EXPECT_EQ(second.batch.attempt, 2U);
}

TEST_P(LedgerContract, ADiscardInMidLoadStopsItsWorkers) {
  const auto ledger = database->open();
  const Judged file = make_file();
  const Registration registration = begin(*ledger, file);
  const auto claim = ledger->claim_chunk(registration.batch.number);
  database->open()->discard(registration.batch.number);
  EXPECT_EQ(post(*ledger, registration, file, *claim.claim), PostOutcome::kLostClaim);
  EXPECT_EQ(ledger->claim_chunk(registration.batch.number).status, ClaimStatus::kEnded);
  EXPECT_EQ(database->scalar("SELECT count(*) FROM ledger.small_postings"), "0");
}

TEST_P(LedgerContract, APublishedBatchCannotBeDiscarded) {
  const auto ledger = database->open();
  const Registration registration = load(*ledger, make_file());
  EXPECT_NE(failure_of([&] { ledger->discard(registration.batch.number); }).find("cannot be discarded"),
            std::string::npos);
}

TEST_P(LedgerContract, RecordsThatTheDatabaseRefusesJoinTheRejects) {
  const auto ledger = database->open();
  const Judged file = make_file(200, "", std::nullopt, 1U << 20);  // one chunk, so that rows go many at once
  const Registration registration = begin(*ledger, file);
  database->execute(GetParam() == LedgerKind::kPostgres
                        ? "ALTER TABLE ledgermill.small_postings ADD CONSTRAINT no_sevens CHECK (a NOT LIKE 'row %7')"
                        : "CREATE TRIGGER no_sevens BEFORE INSERT ON small_postings WHEN NEW.a LIKE 'row %7' BEGIN "
                          "SELECT RAISE(ABORT, 'no_sevens'); END");
  post_all(*ledger, registration, file);
  publish(*ledger, registration);
  const BatchSummary summary = ledger->summary(registration.batch.number);
  EXPECT_EQ(summary.reasons, (ReasonCounts{{"type-error", 20}, {"database-refused", 20}}));
  EXPECT_EQ(summary.totals.accepted, 160U);
  EXPECT_EQ(summary.totals.imbalance(), "");
  std::vector<std::uint64_t> refused;
  for (const ChunkStatus& chunk : ledger->chunks(registration.batch.number)) {
    reject::read_part(database->folder().path(), *chunk.part, [&](reject::LoggedReject&& reject) {
      if (reject.classification == "ingestion_error") {
        EXPECT_NE(reject.reasons.at(0).message.find("no_sevens"), std::string::npos) << reject.reasons.at(0).message;
        refused.push_back(reject.record_number);
      }
      return true;
    });
  }
  ASSERT_EQ(refused.size(), 20U);
  EXPECT_EQ(refused[0], 7U);
  EXPECT_EQ(refused[1], 17U);
}

TEST_P(LedgerContract, AnotherLayoutMakesANewVersionUnderTheSameView) {
  const auto ledger = database->open();
  load(*ledger, make_file());
  feed::FeedDefinition wider = feed::parse_definition(
      "feed: small\nschema: {fields: [{name: a}, {name: b}, {name: n, type: \"decimal(12,2)\"}, {name: note}]}",
      "wider.yaml");
  load(*ledger, judge_text(wider, "a,b,n,note\nx,y,1.50,hello\n"));
  EXPECT_EQ(database->scalar("SELECT count(*) FROM small"), "181");
  EXPECT_EQ(database->scalar("SELECT note FROM small WHERE a = 'x'"), "hello");
  EXPECT_EQ(database->scalar("SELECT count(*) FROM small WHERE note IS NULL"), "180");
}

TEST_P(LedgerContract, AFileOfAHeaderAloneIsAPublishedBatchOfNoRecords) {
  const auto ledger = database->open();
  const Judged file = judge_text(small_definition(), "a,b,n\n");
  EXPECT_EQ(ledger->summary(load(*ledger, file).batch.number).state, BatchState::kPublished);
}

TEST_P(LedgerContract, EveryTypeOfFieldComesBackAsItWas) {
  const feed::FeedDefinition definition = feed::parse_definition(R"yaml(
feed: types
schema:
  fields:
    - {name: s}
    - {name: i, type: integer}
    - {name: d, type: "decimal(18,6)"}
    - {name: day, type: date}
    - {name: at, type: datetime}
    - {name: yes, type: boolean}
)yaml",
                                                                 "types.yaml");
  const auto ledger = database->open();
  const Judged file = judge_text(
      definition,
      "s,i,d,day,at,yes\n\"a "
      "\"\"b\"\"\n\xc3\xa9\",-999999999999999999,-123456789012.000001,2024-02-29,1969-12-31T23:59:59Z,true\n,,,,,\n");
  ASSERT_EQ(file.rejects(), "");
  load(*ledger, file);
  const bool postgres = GetParam() == LedgerKind::kPostgres;
  EXPECT_EQ(database->scalar("SELECT s FROM types WHERE record_number = 1"), "a \"b\"\n\xc3\xa9");
  EXPECT_EQ(database->scalar("SELECT i FROM types WHERE record_number = 1"), "-999999999999999999");
  EXPECT_EQ(database->scalar("SELECT d FROM types WHERE record_number = 1"), "-123456789012.000001");
  EXPECT_EQ(database->scalar("SELECT day FROM types WHERE record_number = 1"), "2024-02-29");
  EXPECT_EQ(database->scalar(postgres ? "SELECT at AT TIME ZONE 'UTC' FROM types WHERE record_number = 1"
                                      : "SELECT at FROM types WHERE record_number = 1"),
            postgres ? "1969-12-31 23:59:59" : "1969-12-31T23:59:59.000000Z");
  EXPECT_EQ(database->scalar("SELECT yes FROM types WHERE record_number = 1"), postgres ? "t" : "1");
  EXPECT_EQ(database->scalar("SELECT count(*) FROM types WHERE s IS NULL AND i IS NULL AND d IS NULL AND day IS NULL "
                             "AND at IS NULL AND yes IS NULL"),
            "1");
}

TEST_P(LedgerContract, AnAmountIsExactToItsLastDigit) {
  const feed::FeedDefinition definition =
      feed::parse_definition("feed: exact\nschema: {fields: [{name: n, type: \"decimal(18,2)\"}]}", "exact.yaml");
  const auto ledger = database->open();
  std::string text = "n\n";
  const std::vector<std::string> amounts{"0.00",
                                         "0.01",
                                         "-0.01",
                                         "0.10",
                                         "9999.99",
                                         "10000.00",
                                         "-10000.01",
                                         "9999999999999999.99",
                                         "-9999999999999999.99",
                                         "100000000.00",
                                         "10000000000000000.00"};
  for (std::size_t i = 0; i + 1 < amounts.size(); ++i) text += amounts[i] + "\n";
  const Registration registration = load(*ledger, judge_text(definition, text));
  for (std::size_t i = 0; i + 1 < amounts.size(); ++i)
    EXPECT_EQ(database->scalar(fmt::format("SELECT n FROM exact WHERE record_number = {}", i + 1)), amounts[i]);
  EXPECT_EQ(ledger->recount(registration.batch.number, registration.plan).sums[0].text(2), "100010000.08");
}

TEST_P(LedgerContract, ASumIsExactBeyond64Bits) {
  const feed::FeedDefinition definition =
      feed::parse_definition("feed: large\nschema: {fields: [{name: n, type: \"decimal(18,2)\"}]}", "large.yaml");
  const auto ledger = database->open();
  std::string text = "n\n";
  for (int i = 0; i < 25; ++i) text += "-9999999999999999.99\n";
  const Registration registration = load(*ledger, judge_text(definition, text));
  EXPECT_EQ(ledger->recount(registration.batch.number, registration.plan).sums[0].text(2), "-249999999999999999.75");
}

TEST_P(LedgerContract, VisitsEveryRecordNumberInOrder) {
  const auto ledger = database->open();
  const Registration registration = load(*ledger, make_file());
  std::vector<std::uint64_t> seen;
  ledger->visit_record_numbers(
      registration.batch.number, registration.plan,
      [&](std::span<const std::uint64_t> numbers) { seen.insert(seen.end(), numbers.begin(), numbers.end()); });
  EXPECT_EQ(seen.size(), 180U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 199U);
}

TEST_P(LedgerContract, ABatchIsFoundByAnyUnambiguousPartOfItsId) {
  const auto ledger = database->open();
  const Registration one = load(*ledger, make_file(50));
  const Registration two = load(*ledger, make_file(60));
  EXPECT_EQ(ledger->find_batch(one.batch.file.sha256.hex12()).number, one.batch.number);
  EXPECT_EQ(ledger->find_batch(two.batch.id.text).number, two.batch.number);
  EXPECT_NE(failure_of([&] { ledger->find_batch("small"); }).find("any of several"), std::string::npos);
  EXPECT_NE(failure_of([&] { ledger->find_batch("nothing"); }).find("no batch 'nothing'"), std::string::npos);
}

TEST_P(LedgerContract, Protocol12AnOlderProgramRefusesANewerLedger) {
  database->open();
  database->execute("UPDATE ledger.schema_version SET version = 99");
  EXPECT_NE(failure_of([&] { database->open(); }).find("schema version 99"), std::string::npos);
}

TEST_P(LedgerContract, ListsNewestFirstInPages) {
  const auto ledger = database->open();
  for (int i = 0; i < 5; ++i) begin(*ledger, make_file(20, std::to_string(i)));
  Ledger::ListFilter filter;
  filter.most = 2;
  std::vector<std::int64_t> numbers;
  while (true) {
    const auto page = ledger->list_batches(filter);
    if (page.empty()) break;
    for (const BatchSummary& batch : page) numbers.push_back(to_int(batch.number));
    filter.before_number = numbers.back();
  }
  EXPECT_EQ(numbers.size(), 5U);
  EXPECT_TRUE(std::is_sorted(numbers.rbegin(), numbers.rend()));
}

INSTANTIATE_TEST_SUITE_P(Ledgers, LedgerContract, ::testing::Values(LedgerKind::kSqlite, LedgerKind::kPostgres),
                         [](const ::testing::TestParamInfo<LedgerKind>& of) {
                           return of.param == LedgerKind::kSqlite ? "Sqlite" : "Postgres";
                         });

}  // namespace
}  // namespace ledgermill::ledger
