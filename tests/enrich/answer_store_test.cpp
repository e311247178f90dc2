// SPDX-License-Identifier: Apache-2.0
#include "enrich/answer_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/failure.h"
#include "tests/support/files.h"

namespace ledgermill::testing {
namespace {

using enrich::AnswerStore;
using enrich::StoredAnswer;
using Access = AnswerStore::Access;

StoredAnswer sample(const std::string& key) {
  StoredAnswer answer;
  answer.key = key;
  answer.question = R"({"category":"VIP"})";
  answer.answer = {"Thank you, {customer} \xc3\xa9.", "Desk"};
  answer.provenance.model = "m";
  answer.provenance.model_digest = "d-" + key;
  answer.provenance.asked_at = "2026-01-01T00:00:00Z";
  answer.provenance.milliseconds = 12;
  return answer;
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(AnswerStore, KeepsWhatItWasGiven) {
  const TempFolder folder;
  const auto path = folder.path() / "new" / "answers.jsonl";
  {
    AnswerStore store(path, Access::kWrite);
    store.add(sample("a"));
    store.add(sample("b"));
  }
  const AnswerStore store(path, Access::kReadOnly);
  ASSERT_NE(store.find("b"), nullptr);
  EXPECT_EQ(*store.find("a"), sample("a"));
  EXPECT_EQ(store.find("c"), nullptr);
  EXPECT_EQ(store.last_digest_of("m"), "d-b");
  EXPECT_EQ(store.damaged_lines(), 0U);
}

TEST(AnswerStore, CutAnywhereLosesTheLastAnswerAloneAndGoesOn) {
  const TempFolder folder;
  const auto path = folder.path() / "answers.jsonl";
  const std::string first = enrich::to_line(sample("a"));
  const std::string both = first + enrich::to_line(sample("b"));
  for (std::size_t cut = first.size(); cut < both.size(); ++cut) {
    write_bytes(path, both.substr(0, cut));
    {
      AnswerStore store(path, Access::kWrite);
      ASSERT_EQ(store.answers().size(), 1U) << cut;
      ASSERT_EQ(*store.find("a"), sample("a"));
      store.add(sample("c"));
    }
    const AnswerStore again(path, Access::kReadOnly);
    ASSERT_EQ(again.answers().size(), 2U) << cut;
    ASSERT_EQ(again.damaged_lines(), 0U) << cut;
  }
}

TEST(AnswerStore, AFlippedBitAnywhereIsSeenAndCostsItsLineAlone) {
  const TempFolder folder;
  const auto path = folder.path() / "answers.jsonl";
  const std::string line = enrich::to_line(sample("a"));
  for (std::size_t at = 0; at + 1 < line.size(); ++at) {
    std::string damaged = line;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write_bytes(path, damaged + enrich::to_line(sample("b")));
    const AnswerStore store(path, Access::kReadOnly);
    ASSERT_EQ(store.find("a"), nullptr) << "byte " << at;
    ASSERT_NE(store.find("b"), nullptr) << "byte " << at;
    ASSERT_GE(store.damaged_lines(), 1U) << "byte " << at;
  }
}

TEST(AnswerStore, HasOneWriter) {
  const TempFolder folder;
  const auto path = folder.path() / "answers.jsonl";
  const AnswerStore first(path, Access::kWrite);
  try {
    const AnswerStore second(path, Access::kWrite);
    FAIL() << "two writers";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ReturnCode::kUnavailable);
  }
  EXPECT_EQ(AnswerStore(path, Access::kReadOnly).answers().size(), 0U);
}

}  // namespace
}  // namespace ledgermill::testing
