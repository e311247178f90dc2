// SPDX-License-Identifier: Apache-2.0
#include "reject/reject_log.h"

#include <nlohmann/json.hpp>

#include "reject/json_text.h"
#include "tests/support/feeds.h"

namespace ledgermill::reject {
namespace {

using namespace ledgermill::testing;
using Json = nlohmann::ordered_json;

Json first_reject(const feed::FeedDefinition& definition, const std::string& text) {
  Judged judged = judge_text(definition, text);
  judged.plan.planned_at = {1'743'376'002'127'715'654};
  return Json::parse(render(judged.plan, BatchId{"small/x"}, judged.chunks.at(0), judged.chunks.at(0).rejects.at(0)));
}

TEST(RejectLog, BeginsWithTheFiveKeysThatItsUsersKnow) {
  const Json line = first_reject(small_definition(), "a,b,n\nx,y,1\nx,y,-0.0.1\n");
  std::vector<std::string> keys;
  for (const auto& [key, value] : line.items()) keys.push_back(key);
  EXPECT_EQ(std::vector<std::string>(keys.begin(), keys.begin() + 6),
            (std::vector<std::string>{"timestamp", "file", "row", "reason", "classification", "ingested_file"}));
  EXPECT_EQ(line["timestamp"], "2025-03-30T23:06:42.127715654Z");
  EXPECT_EQ(line["file"], "feed.csv");
  EXPECT_EQ(line["row"], "x,y,-0.0.1");
  EXPECT_EQ(line["reason"], "Invalid n: -0.0.1");
  EXPECT_EQ(line["classification"], "validation_error");
  EXPECT_EQ(line["record_number"], 2);
  EXPECT_EQ(line["line"], 3);
  EXPECT_EQ(line["byte_offset"], 12);
  EXPECT_EQ(line["length"], 10);
  EXPECT_EQ(line["reasons"][0]["code"], "type-error");
  EXPECT_EQ(line["reasons"][0]["field"], "n");
  EXPECT_EQ(line["reasons"][0]["value"], "-0.0.1");
  EXPECT_FALSE(line.contains("row_base64"));
}

TEST(RejectLog, SeveralReasonsAreJoined) {
  const Json line = first_reject(small_definition(), "a,b,n\nx,y,abc,extra\n");
  EXPECT_EQ(line["reasons"].size(), 2U);
  EXPECT_NE(line["reason"].get<std::string>().find("; "), std::string::npos);
}

TEST(RejectLog, BytesThatAreNoTextAreKeptExactly) {
  const Json line = first_reject(small_definition(), "a,b,n\n\xff\xfe\"x,y,1\n");
  EXPECT_EQ(from_base64(line["row_base64"].get<std::string>()), "\xff\xfe\"x,y,1");
}

TEST(RejectLog, ALongRowIsAPrefixAndSaysSo) {
  const Json line = first_reject(small_definition(), "a,b,n\n" + std::string(100'000, 'x') + ",y,z\n");
  EXPECT_EQ(line["row"].get<std::string>().size(), 65'536U);
  EXPECT_TRUE(line["row_truncated"].get<bool>());
  EXPECT_EQ(line["length"], 100'004);
}

TEST(RejectLog, ASensitiveFieldIsSeenNowhere) {
  const feed::FeedDefinition definition = feed::parse_definition(
      "feed: small\nschema: {fields: [{name: a, sensitive: true, constraints: {maxLength: 3}}, {name: n, type: "
      "integer}]}",
      "s.yaml");
  for (const char* text :
       {"a,n\nSECRET,1\n", "a,n\nSECRET,x\n", "a,n\n\"SECRET,1\n", "a,n\nSECRET\n", "a,n\nx,SECRET,1\n"}) {
    EXPECT_EQ(first_reject(definition, text).dump().find("SECRET"), std::string::npos) << text;
  }
}

TEST(RejectLog, APartIsReadBackAsItWasWrittenAndATamperedOneIsNot) {
  const TempFolder folder;
  const Judged judged = judge_text(small_definition(), "a,b,n\nx,y,1\nx,y,z\n\"x,y,1\n");
  const auto part = write_part({folder.path(), "small/x"}, judged.plan, BatchId{"small/x"}, judged.chunks[0], 3, {});
  ASSERT_TRUE(part.has_value());
  EXPECT_EQ(part->name, "small/x/000001-e3.jsonl");
  EXPECT_EQ(part->rejects, 2U);
  std::vector<std::string> rows;
  const auto take = [&](LoggedReject&& reject) {
    rows.push_back(reject.raw);
    return true;
  };
  read_part(folder.path(), *part, take);
  EXPECT_EQ(rows, (std::vector<std::string>{"x,y,z", "\"x,y,1"}));
  std::string text = content_of(folder / part->name);
  text[text.find("x,y,z")] = 'X';
  folder.write(part->name, text);
  EXPECT_NE(failure_of([&] { read_part(folder.path(), *part, take); }).find("SHA-256"), std::string::npos);
  folder.write(part->name, text.substr(0, text.size() - 1));
  EXPECT_NE(failure_of([&] { read_part(folder.path(), *part, take); }), "");
  std::filesystem::remove(folder / part->name);
  EXPECT_NE(failure_of([&] { read_part(folder.path(), *part, take); }), "");
}

TEST(RejectLog, APartNeverReplacesAnother) {
  const TempFolder folder;
  const Judged judged = judge_text(small_definition(), "a,b,n\nx,y,z\n");
  const auto first = write_part({folder.path(), "f"}, judged.plan, BatchId{"b"}, judged.chunks[0], 1, {});
  const auto second = write_part({folder.path(), "f"}, judged.plan, BatchId{"b"}, judged.chunks[0], 1, {});
  EXPECT_NE(first->name, second->name);
}

TEST(RejectLog, NoRejectsMakeNoPart) {
  const TempFolder folder;
  const Judged judged = judge_text(small_definition(), "a,b,n\nx,y,1\n");
  EXPECT_FALSE(write_part({folder.path(), "f"}, judged.plan, BatchId{"b"}, judged.chunks[0], 1, {}).has_value());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(JsonText, IsReadBackByAnotherReaderWhateverTheBytes) {
  std::string all;
  for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
  all += "\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xb6";
  std::string text;
  EXPECT_FALSE(append_json_string(text, all));
  EXPECT_EQ(Json::parse(text).get<std::string>(), all);
  text.clear();
  EXPECT_TRUE(append_json_string(text,
                                 "a\xff"
                                 "b"));
  EXPECT_EQ(Json::parse(text).get<std::string>(),
            "a\xef\xbf\xbd"
            "b");
}

TEST(Base64, AgreesWithRfc4648) {
  const std::pair<const char*, const char*> kVectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : kVectors) {
    EXPECT_EQ(base64(plain), coded);
    EXPECT_EQ(from_base64(coded), plain);
  }
}

}  // namespace
}  // namespace ledgermill::reject
