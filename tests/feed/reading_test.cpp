// SPDX-License-Identifier: Apache-2.0
// From a file's bytes to judged records: what the survey finds, what each kind of damage costs, and that cutting a file
// into chunks changes nothing.
#include <random>

#include "feed/header_line.h"
#include "tests/support/feeds.h"

namespace ledgermill::feed {
namespace {

using namespace ledgermill::testing;

std::string refusal_of(const std::string& text, const std::string& more = "") {
  return failure_of([&] { judge_text(small_definition(more), text); });
}

TEST(Header, LabelsMayStandInAnyOrder) {
  const Judged judged = judge_text(small_definition(), "n,a,b\n1.50,x,y\n");
  EXPECT_EQ(judged.rejects(), "");
  EXPECT_EQ(judged.totals().sums[0].posted.text(2), "1.50");
}

TEST(Header, NamesEveryLabelThatIsMissingExtraOrTwice) {
  EXPECT_NE(refusal_of("a,b\n1,2\n").find("n"), std::string::npos);
  EXPECT_NE(refusal_of("a,b,n,extra\n").find("extra"), std::string::npos);
  const std::string twice = refusal_of("a,a,n\n");
  EXPECT_NE(twice.find("'a'"), std::string::npos) << twice;
  EXPECT_NE(twice.find("'b'"), std::string::npos) << "all mistakes are named: " << twice;
  EXPECT_NE(refusal_of("A,b,n\n").find("'A'"), std::string::npos) << "the near miss is proposed";
}

TEST(Header, MayBeQuotedAndFollowAByteOrderMark) {
  const Judged judged = judge_text(small_definition(), "\xEF\xBB\xBF\"a\",\"b\",\"n\"\r\nx,y,1\r\n");
  EXPECT_EQ(judged.rejects(), "");
  EXPECT_EQ(judged.totals().skipped.byte_order_mark.bytes, 3U);
}

TEST(Survey, RefusesWhatIsNoPlainTextFile) {
  const TempFolder folder;
  const auto refused = [&](const std::filesystem::path& path) {
    return failure_of([&] { judge({small_definition(), std::nullopt}, path); });
  };
  EXPECT_NE(refused(folder / "missing.csv"), "");
  EXPECT_NE(refused(folder.path()), "");
  EXPECT_NE(refused(folder.write("empty.csv", "")), "");
  EXPECT_NE(refused(folder.write("x.csv", "\x1f\x8b\x08 gzip")).find("gzip"), std::string::npos);
  EXPECT_NE(refused(folder.write("u.csv", std::string("\xff\xfe"
                                                      "a\0,\0",
                                                      6)))
                .find("UTF-16"),
            std::string::npos);
  std::filesystem::create_symlink(folder.write("real.csv", "a,b,n\n"), folder / "link.csv");
  EXPECT_NE(refused(folder / "link.csv").find("symbolic link"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder / "pipe.csv").c_str(), 0600), 0);
  EXPECT_NE(refused(folder / "pipe.csv"), "");
}

TEST(Survey, EveryByteBelongsToOneSpan) {
  const std::string text = "preamble\r\na,b,n\n# comment\nx,y,1\n\n\"two\nlines\",y,2\r\nlast,y,3";
  const Judged judged =
      judge_text(small_definition("framing: {}\ndialect: {commentChar: \"#\", preambleLines: 1}\n"), text);
  EXPECT_EQ(judged.rejects(), "");
  const ControlTotals totals = judged.totals();
  EXPECT_EQ(totals.bytes, text.size());
  EXPECT_EQ(totals.imbalance(), "");
  EXPECT_EQ(totals.skipped.preamble.spans, 1U);
  EXPECT_EQ(totals.skipped.comment.spans, 1U);
  EXPECT_EQ(totals.skipped.blank.spans, 1U);
  EXPECT_EQ(totals.records, 3U);
}

struct Damage {
  const char* name;
  std::string body;     // after the header a,b,n
  const char* rejects;  // what it must cost
};

class Damages : public ::testing::TestWithParam<Damage> {};

TEST_P(Damages, CostsExactlyWhatItMust) {
  const std::string text = "a,b,n\n" + GetParam().body;
  const Judged judged = judge_text(small_definition(), text);
  EXPECT_EQ(judged.rejects(), GetParam().rejects);
  EXPECT_EQ(judged.totals().imbalance(), "");
  EXPECT_EQ(judged.totals().bytes, text.size());
}

INSTANTIATE_TEST_SUITE_P(
    Files, Damages,
    ::testing::Values(Damage{"none", "x,y,1\n", ""}, Damage{"noLastNewline", "x,y,1\nx,y,2", ""},
                      Damage{"onlyCr", "x,y,1\rx,y,2\r", ""},
                      Damage{"mixedLineEnds", "x,y,1\r\nx,y,2\nx,y,3\rx,y,z\n", "4: type-error(n)"},
                      Damage{"missingCell", "x,y\nx,y,2\n", "1: missing-cell(n)"},
                      Damage{"missingTwoCells", "x\n", "1: missing-cell(b) missing-cell(n)"},
                      Damage{"extraCell", "x,y,1,2\nx,y,2\n", "1: extra-cell"},
                      Damage{"quoteNeverClosed", "\"x,y,1\nx,y,2\n", "1: quote-error"},
                      Damage{"quoteNeverClosedAtEnd", "x,y,1\nx,\"y,2", "2: quote-error"},
                      Damage{"textBehindQuote", "\"x\"z,y,1\nx,y,2\n", "1: quote-error"},
                      Damage{"quoteInMidField", "5\" x,y,1\n", ""}, Damage{"newlineInQuotes", "\"x\ny\",z,1\n", ""},
                      Damage{"doubledQuotes", "\"x\"\"y\",z,1\n", ""},
                      Damage{"nul", std::string("x\0,y,1\nx,y,2\n", 13), "1: nul-byte"},
                      Damage{"notUtf8", "\xe9,y,1\nx,y,2\n", "1: encoding-error"},
                      Damage{"overlongUtf8", "\xc0\xaf,y,1\n", "1: encoding-error"},
                      Damage{"surrogate", "\xed\xa0\x80,y,1\n", "1: encoding-error"},
                      Damage{"cutUtf8", "\xe2\x82,y,1\n", "1: encoding-error"},
                      Damage{"headerAgain", "x,y,1\na,b,n\nx,y,2\n", "2: repeated-header"},
                      Damage{"blankLines", "\n\nx,y,1\n\r\n", ""},
                      Damage{"spacesOnly", "   \n", "1: missing-cell(b) missing-cell(n)"},
                      Damage{"onlyDelimiters", ",,\n", ""},
                      Damage{"allReasons", "x,y,abc,extra\n", "1: type-error(n) extra-cell"},
                      Damage{"semicolons", "x;y;1\n", "1: missing-cell(b) missing-cell(n)"},
                      Damage{"bomInMidFile", "x,y,1\n\xEF\xBB\xBFx,y,2\n", ""},
                      Damage{"loneQuote", "\"\n", "1: quote-error"}, Damage{"emptyQuoted", "\"\",\"\",\"\"\n", ""},
                      Damage{"ctrlZ", "x,y,1\n\x1a", "2: missing-cell(b) missing-cell(n)"},
                      Damage{"formFeed", "x\f,y,1\n", ""}));

TEST(Damages, ABlankLineIsARejectWhereTheDefinitionSaysSo) {
  EXPECT_EQ(judge_text(small_definition("framing: {blank_lines: reject}\n"), "a,b,n\nx,y,1\n\nx,y,2\n").rejects(),
            "2: blank-row");
}

TEST(Damages, ARecordOverTheLimitIsNeverLoadedAndCostsItself) {
  const std::string text = "a,b,n\nx,y,1\n" + std::string(5000, 'x') + ",y,2\nx,y,3\n";
  const Judged judged = judge_text(small_definition("framing: {max_record_bytes: 1000}\n"), text, 1024);
  EXPECT_EQ(judged.rejects(), "2: record-too-long");
  EXPECT_EQ(judged.records(), 3U);
  EXPECT_EQ(judged.totals().bytes, text.size());
  EXPECT_EQ(judged.totals().imbalance(), "");
}

TEST(Damages, AFileOfOneEndlessLineIsOneReject) {
  const Judged judged = judge_text(small_definition("framing: {max_record_bytes: 1000}\n"),
                                   "a,b,n\n" + std::string(3'000'000, '"'), 1024);
  EXPECT_EQ(judged.rejects(), "1: record-too-long");
}

/// A file with every kind of damage at random places.
std::string damaged_file(std::uint64_t seed, int records) {
  std::mt19937_64 random(seed);
  static const std::vector<std::string> kLines{
      "x,y,1.25\n", "x,y,-3\r\n",       "\"q\nq\",y,2\n", "\"x,y,1\n", "\"a\"b,y,1\n", "\n",    "x,y\n",
      "x,y,1,2\n",  "x,\"\"\"\",0.5\r", "\xff,y,1\n",     "x,y,abc\n", "a,b,n\n",      "# c\n", "\"\",\"\",\n"};
  std::string text = "a,b,n\n";
  for (int i = 0; i < records; ++i) text += kLines[random() % kLines.size()];
  return text;
}

TEST(Chunks, CuttingAFileAnywhereGivesTheSameRecordsLinesAndSums) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const std::string text = damaged_file(seed, 800);
    const FeedDefinition definition = small_definition("dialect: {commentChar: \"#\"}\n");
    const Judged whole = judge_text(definition, text);
    const Judged cut = judge_text(definition, text, 1024 + static_cast<std::uint32_t>(seed * 37));
    ASSERT_EQ(whole.plan.chunks.size(), 1U);
    ASSERT_GT(cut.plan.chunks.size(), 2U);
    ASSERT_EQ(cut.rejects(), whole.rejects()) << "seed " << seed;
    ASSERT_EQ(cut.totals(), whole.totals()) << "seed " << seed;
    std::uint64_t byte = whole.plan.head.bytes();
    std::uint64_t record = 1;
    for (const ChunkPlan& chunk : cut.plan.chunks) {
      ASSERT_EQ(chunk.first_byte, byte);
      ASSERT_EQ(chunk.first_record, record);
      const auto lines = [&] {
        std::uint64_t count = 1;
        for (std::size_t i = 0; i < chunk.first_byte; ++i)
          count += text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n') ? 1U : 0U;
        return count;
      }();
      ASSERT_EQ(chunk.first_line, lines) << "seed " << seed << " chunk " << to_int(chunk.number);
      byte += chunk.bytes;
      record += chunk.records;
    }
    ASSERT_EQ(byte, text.size());
  }
}

TEST(Chunks, IngestIsAPureFunctionOfBytesDefinitionAndPlan) {
  const TempFolder folder;
  const auto path = folder.write("x.csv", damaged_file(7, 500));
  const batch::Feed feed{small_definition(), std::nullopt};
  const Judged once = judge(feed, path);
  const Judged again = judge(feed, path);
  EXPECT_EQ(batch::pack(once.chunks[0], batch::PackRows::kIncluded),
            batch::pack(again.chunks[0], batch::PackRows::kIncluded));
}

TEST(Chunks, BytesThatChangedAfterTheSurveyRefuseTheChunk) {
  const TempFolder folder;
  const auto path = folder.write("x.csv", "a,b,n\nx,y,1\n");
  const batch::Feed feed{small_definition(), std::nullopt};
  const SourceFile file(path);
  const Plan plan = survey(file, feed.definition, {});
  folder.write("x.csv", "a,b,n\nx,y,9\n");
  batch::ChunkIngester ingester(feed, plan, file, feed::ByteCheck::kDigest);
  EXPECT_NE(failure_of([&] { ingester.ingest(ChunkNumber{1}, {}); }).find("not those that were surveyed"),
            std::string::npos);
  EXPECT_NE(failure_of([&] { file.check_unchanged(); }), "");
}

}  // namespace
}  // namespace ledgermill::feed
