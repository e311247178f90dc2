// SPDX-License-Identifier: Apache-2.0
// Counting records, generations, publication, manifest.
#include <filesystem>

#include "job/generation.h"
#include "job/manifest.h"
#include "job/publication.h"
#include "job/record_count.h"
#include "tests/support/files.h"

namespace ledgermill::job {
namespace {

using testing::content_of;
using testing::failure_of;
using testing::TempFolder;
using Kind = RecordShape::Kind;
using namespace std::string_literals;

std::optional<std::uint64_t> count(const std::string& content, RecordShape shape) {
  const TempFolder folder;
  return examine_file(folder.write("f", content), shape, {}).records;
}

std::string refusal(const std::string& content, RecordShape shape, const TextRules& rules = {}) {
  const TempFolder folder;
  const std::string fact = failure_of([&] { examine_file(folder.write("f", content), shape, rules); });
  return fact.substr(std::min(fact.size(), folder.path().string().size() + 4));
}

TEST(RecordCount, LinesWithAndWithoutALastNewline) {
  EXPECT_EQ(count("", {Kind::kLines, 9}), 0U);
  EXPECT_EQ(count("a\nb\n", {Kind::kLines, 9}), 2U);
  EXPECT_EQ(count("a\nb", {Kind::kLines, 9}), 2U);
  EXPECT_EQ(count("\n\n", {Kind::kLines, 9}), 2U);
}

TEST(RecordCount, LinesAcrossReadingBlocks) {
  std::string content;
  for (int i = 0; i < 300000; ++i) content += "0123456789\n";
  EXPECT_EQ(count(content, {Kind::kLines, 10}), 300000U);
  content.insert(content.size() - 5, "\r");
  EXPECT_EQ(refusal(content, {Kind::kLines, 10}, {std::nullopt, "\r\0"s}),
            ", line 300000: byte 7 is a CR, which the program would not see");
}

TEST(RecordCount, ALongLineIsRefusedUnlessOnlySpacesAreLost) {
  const TextRules five{5, "\r\0"s};
  EXPECT_EQ(refusal("12345\n12345   \n", {Kind::kLines, 5}, five), "");
  EXPECT_EQ(refusal("12345\n12345 x\n", {Kind::kLines, 5}, five),
            ", line 2 is longer than the program's record of 5 bytes; the rest would be lost");
  EXPECT_EQ(refusal("123456\n", {Kind::kLines, 5}, {std::nullopt, "\r\0"s}), "");
  EXPECT_EQ(refusal("1\0\n"s, {Kind::kLines, 5}, five), ", line 1: byte 2 is a NUL");
  EXPECT_EQ(refusal("1\0\n"s, {Kind::kLines, 5}, {5, "\r"}), "") << "bytes: allow_nul";
}

TEST(RecordCount, FixedRecordsMustFillTheFile) {
  EXPECT_EQ(count(std::string(30, 'x'), {Kind::kFixed, 10}), 3U);
  EXPECT_EQ(refusal(std::string(31, 'x'), {Kind::kFixed, 10}), ": its 31 bytes are no multiple of the record's 10");
}

TEST(RecordCount, VariableRecordsCarryTheirLength) {
  const std::string two = "\0\3\0\0abc\0\1\0\0d"s;
  EXPECT_EQ(count(two, {Kind::kVariable, 3}), 2U);
  EXPECT_EQ(refusal(two + "\0\2"s, {Kind::kVariable, 3}), ": it ends inside record 3");
  EXPECT_EQ(refusal(two.substr(0, 6), {Kind::kVariable, 3}), ": it ends inside record 1");
  EXPECT_EQ(refusal(two, {Kind::kVariable, 2}), ": record 1 has no length that can be: 3 of at most 2");
}

TEST(RecordCount, EmptySlotsOfARelativeFileAreNoRecords) {
  const std::string slots = "\2\0\0\0\0\0\0\0ab\0\0\0\0\0\0\0\0  \1\0\0\0\0\0\0\0c "s;
  EXPECT_EQ(count(slots, {Kind::kRelative, 2}), 2U);
}

TEST(RecordCount, AFolderIsNoFile) {
  const TempFolder folder;
  EXPECT_NE(failure_of([&] { examine_file(folder.path(), {Kind::kLines, 1}, {}); }), "");
}

TEST(Generation, RelativeNumbersAreThoseOfTheRunsBegin) {
  const TempFolder folder;
  for (const char* name : {"m.G0001V00", "m.G0003V00", "m.G0004V00", "m.G004V00", "mm.G0009V00", "m.Gxx04V00"})
    folder.write(name, "");
  const auto group = folder / "m";
  EXPECT_EQ(generations_of(group), (std::vector<unsigned>{1, 3, 4}));
  EXPECT_EQ(resolve_generation(group, 1, 3), folder / "m.G0004V00");
  EXPECT_EQ(resolve_generation(group, 0, 3), folder / "m.G0003V00");
  EXPECT_EQ(resolve_generation(group, -1, 3), folder / "m.G0001V00");
  EXPECT_NE(failure_of([&] { resolve_generation(group, -2, 3); }), "");
  EXPECT_NE(failure_of([&] { resolve_generation(group, 1, 9999); }), "");
  EXPECT_EQ(generations_beyond(group, 2, folder / "m.G0004V00"),
            std::vector<std::filesystem::path>{folder / "m.G0001V00"});
  EXPECT_TRUE(generations_beyond(group, 3, folder / "m.G0004V00").empty());
}

TEST(Publication, WhatWasMovedBeforeAKillIsPassedOver) {
  const TempFolder folder;
  folder.write("p1", "one");
  folder.write("b", "two");  // moved already
  folder.write("c", "before");
  folder.write("p3", "three");
  folder.write("d", "gone");
  const auto at = [&](const char* name) { return (folder / name).string(); };
  const std::vector<Move> moves{{Move::Kind::kPlace, at("p1"), at("a")},
                                {Move::Kind::kPlace, at("p2"), at("b")},
                                {Move::Kind::kReplace, at("p3"), at("c")},
                                {Move::Kind::kDelete, "", at("d")}};
  for (int round = 0; round < 2; ++round) {
    complete_moves(moves);
    EXPECT_EQ(content_of(at("a")) + content_of(at("b")) + content_of(at("c")), "onetwothree");
    EXPECT_FALSE(std::filesystem::exists(at("d")));
  }
}

TEST(Publication, ANameThatIsTakenStopsAllMovesBeforeTheFirst) {
  const TempFolder folder;
  const auto at = [&](const char* name) { return (folder / name).string(); };
  folder.write("p1", "one");
  folder.write("p2", "two");
  folder.write("b", "somebody's");
  EXPECT_NE(failure_of([&] {
              complete_moves({{Move::Kind::kPlace, at("p1"), at("a")}, {Move::Kind::kPlace, at("p2"), at("b")}});
            }),
            "");
  EXPECT_FALSE(std::filesystem::exists(at("a")));
  EXPECT_EQ(content_of(at("b")), "somebody's");
}

TEST(Manifest, IsReadAsItWasWritten) {
  const TempFolder folder;
  Manifest manifest;
  manifest.job = "j";
  manifest.run = "20250331-101500-00ff";
  manifest.state = Manifest::State::kFailed;
  manifest.rc = 12;
  manifest.generations["/m"] = 7;
  StepRecord& step = manifest.steps.emplace_back();
  step.name = "A";
  step.state = StepRecord::State::kPublishing;
  step.after_publishing = StepRecord::State::kFailed;
  step.program_rc = -5;
  step.abend = true;
  step.dds.push_back(
      {"F", "output", "path", "append", "published", {{"/f", 10, 3, "ab"}, {"/g", 1, std::nullopt, ""}}, 2});
  step.balance = BalanceRecord{3, 2, 1};
  step.moves.push_back({Move::Kind::kReplace, "/from", "/to"});
  write_manifest(manifest, folder.path());
  EXPECT_EQ(manifest_json(*read_manifest(folder.path())), manifest_json(manifest));
  EXPECT_EQ(step.dds[0].records(), std::nullopt) << "one file's records are not known";
  folder.write("manifest.json", "{\"version\": 2}");
  EXPECT_NE(failure_of([&] { read_manifest(folder.path()); }), "");
}

}  // namespace
}  // namespace ledgermill::job
