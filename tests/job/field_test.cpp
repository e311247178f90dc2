// SPDX-License-Identifier: Apache-2.0
#include "job/field.h"

#include "tests/support/files.h"

namespace ledgermill::job {
namespace {

using testing::failure_of;
using namespace std::string_literals;

/// Whether `left` sorts before `right`.
bool before(FieldKind kind, const std::string& left, const std::string& right) {
  return comparable({1, left.size(), kind}, left) < comparable({1, right.size(), kind}, right);
}

TEST(Field, NumbersCompareByValue) {
  const std::vector<std::string> ascending{"-12.50", " -12.4", "   -1",  "  -.5", "     0",
                                           "   .50", "   0.6", " +0007", "    10"};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i)
    EXPECT_TRUE(before(FieldKind::kNumber, ascending[i], ascending[i + 1])) << ascending[i];
  EXPECT_EQ(comparable({1, 3, FieldKind::kNumber}, "-0 "), comparable({1, 3, FieldKind::kNumber}, "0.0"));
  for (const char* text : {"   ", "1,2", "1-", "--1", ".", "1e5"})
    EXPECT_NE(failure_of([&] { comparable({1, 3, FieldKind::kNumber}, text); }), "") << text;
}

TEST(Field, ZonedSignsOfBothConventions) {
  EXPECT_TRUE(before(FieldKind::kZoned, "12u", "12q"));  // -125, -121
  EXPECT_TRUE(before(FieldKind::kZoned, "12N", "12J"));
  EXPECT_TRUE(before(FieldKind::kZoned, "12q", "00{"));
  EXPECT_EQ(comparable({1, 3, FieldKind::kZoned}, "12u"), comparable({1, 3, FieldKind::kZoned}, "12N"));
  EXPECT_EQ(comparable({1, 3, FieldKind::kZoned}, "125"), comparable({1, 3, FieldKind::kZoned}, "12E"));
  EXPECT_EQ(comparable({1, 2, FieldKind::kZoned}, "0}"), comparable({1, 2, FieldKind::kZoned}, "00"));
  EXPECT_EQ(failure_of([] {
              comparable({3, 3, FieldKind::kZoned}, "..1x3");
            }),
            "bytes 3 to 5 are no zoned number: '1x3'");
}

TEST(Field, PackedAndBinary) {
  EXPECT_TRUE(before(FieldKind::kPacked, "\x01\x2D"s, "\x00\x0C"s));
  EXPECT_TRUE(before(FieldKind::kPacked, "\x01\x2C"s, "\x01\x3F"s));
  EXPECT_NE(failure_of([] { comparable({1, 2, FieldKind::kPacked}, "12"); }), "");
  EXPECT_TRUE(before(FieldKind::kBinary, "\xff\xff"s, "\x00\x00"s));
  EXPECT_TRUE(before(FieldKind::kBinary, "\x00\xff"s, "\x01\x00"s));
  EXPECT_EQ(comparable_literal({1, 2, FieldKind::kBinary}, "-2"), comparable({1, 2, FieldKind::kBinary}, "\xff\xfe"));
  EXPECT_NE(failure_of([] { comparable_literal({1, 1, FieldKind::kBinary}, "128"); }), "");
}

TEST(Field, AShortRecordIsContinuedBySpaces) {
  EXPECT_EQ(comparable({3, 4, FieldKind::kText}, "abc"), "c   ");
  EXPECT_EQ(rebuilt({{Field{2, 3, FieldKind::kText}}, {"|"s}}, "ab"), "b  |");
  EXPECT_NE(failure_of([] { comparable_literal({1, 2, FieldKind::kText}, "abc"); }), "");
}

}  // namespace
}  // namespace ledgermill::job
