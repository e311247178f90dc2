// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <filesystem>

#include "base/failure.h"
#include "reject/reject_log.h"
#include "tests/support/feeds.h"

namespace ledgermill::reject {
namespace {

using namespace ledgermill::testing;

class RejectPages : public ::testing::Test {
 protected:
  /// 300 records; every third is a reject, every sixth lacks a cell too, and lines are of very different lengths.
  RejectPages() {
    std::string text = "a,b,n\n";
    for (int i = 1; i <= 300; ++i) {
      const std::string a(static_cast<std::size_t>(i * 7919 % 400), 'x');
      text += i % 6 == 0 ? a + "\n" : fmt::format("{},y,{}\n", a, i % 3 == 0 ? "none" : "1");
    }
    const Judged judged = judge_text(small_definition(), text);
    part = *write_part({folder.path(), "f"}, judged.plan, BatchId{"b"}, judged.chunks[0], 1, {});
  }

  std::vector<std::uint64_t> all_by(std::size_t most, const RejectFilter& filter, std::uint64_t most_bytes) {
    std::vector<std::uint64_t> records;
    for (std::uint64_t at = 0; at < part.bytes;) {
      const RejectPage page = read_page(folder.path(), part, at, most, filter, most_bytes);
      EXPECT_LE(page.rejects.size(), most);
      EXPECT_GT(page.next_byte, at) << "a page that does not go on";
      for (const LoggedReject& reject : page.rejects) records.push_back(reject.record_number);
      at = page.next_byte;
    }
    return records;
  }

  TempFolder folder;
  RejectPart part;
};

TEST_F(RejectPages, TogetherHoldEveryRejectOnceInOrder) {
  std::vector<std::uint64_t> expected;
  for (std::uint64_t i = 3; i <= 300; i += 3) expected.push_back(i);
  for (const std::size_t most : {1U, 7U, 100U, 1000U}) EXPECT_EQ(all_by(most, {}, 1U << 20), expected) << most;
  EXPECT_EQ(all_by(50, {}, 1), expected) << "a page that may look at next to nothing goes on by one reject";
}

TEST_F(RejectPages, AFilterKeepsWhatItNamesAndNothingElse) {
  std::vector<std::uint64_t> lacking, wrong;
  for (std::uint64_t i = 3; i <= 300; i += 3) (i % 6 == 0 ? lacking : wrong).push_back(i);
  EXPECT_EQ(all_by(10, {"missing-cell", ""}, 1U << 20), lacking);
  EXPECT_EQ(all_by(10, {"type-error", "n"}, 1U << 20), wrong);
  EXPECT_EQ(all_by(10, {"type-error", "a"}, 1U << 20), std::vector<std::uint64_t>());
}

TEST_F(RejectPages, EveryRejectIsFoundByItsNumberAndNoOther) {
  for (std::uint64_t i = 1; i <= 310; ++i) {
    const auto found = find_reject(folder.path(), part, RecordNumber{i});
    ASSERT_EQ(found.has_value(), i % 3 == 0 && i <= 300) << i;
    if (found) {
      EXPECT_EQ(found->record_number, i);
    }
  }
}

TEST_F(RejectPages, APlaceWhereNoRejectBeginsIsRefused) {
  EXPECT_THROW(read_page(folder.path(), part, 1, 1, {}), Failure);
  EXPECT_THROW(read_page(folder.path(), part, part.bytes + 1, 1, {}), Failure);
  EXPECT_TRUE(read_page(folder.path(), part, part.bytes, 1, {}).rejects.empty());
}

TEST_F(RejectPages, APartOfAnotherSizeOrGoneIsRefused) {
  std::filesystem::resize_file(folder.path() / part.name, part.bytes - 1);
  EXPECT_THROW(read_page(folder.path(), part, 0, 1, {}), Failure);
  EXPECT_THROW(find_reject(folder.path(), part, RecordNumber{3}), Failure);
  std::filesystem::remove(folder.path() / part.name);
  EXPECT_THROW(read_page(folder.path(), part, 0, 1, {}), Failure);
}

}  // namespace
}  // namespace ledgermill::reject
