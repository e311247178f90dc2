// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "base/file.h"
#include "base/sha256.h"
#include "tests/support/files.h"

namespace ledgermill {
namespace {

using ledgermill::testing::failure_of;
using ledgermill::testing::TempFolder;

TEST(Sha256, AgreesWithThePublishedExamples) {  // FIPS 180-4, example values of NIST
  EXPECT_EQ(Sha256::of(std::string_view("abc")).hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256::of(std::string_view("")).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, PiecesDigestLikeTheWhole) {
  Sha256 pieces;
  pieces.update(std::string_view("a"));
  pieces.update(std::string_view("bc"));
  EXPECT_EQ(pieces.finish(), Sha256::of(std::string_view("abc")));
}

TEST(Digest, ReadsItsOwnHexAndRefusesOther) {
  const Digest digest = Sha256::of(std::string_view("abc"));
  EXPECT_EQ(Digest::from_hex(digest.hex()), digest);
  EXPECT_NE(failure_of([&] { Digest::from_hex(digest.hex().substr(1)); }), "");
  EXPECT_NE(failure_of([&] { Digest::from_hex("zz" + digest.hex().substr(2)); }), "");
}

TEST(CreateNewFile, NeverReplacesAFile) {
  const TempFolder folder;
  EXPECT_TRUE(create_new_file(folder / "x", "first"));
  EXPECT_FALSE(create_new_file(folder / "x", "second"));
  EXPECT_EQ(testing::content_of(folder / "x"), "first");
}

TEST(ReadExactlyAt, AnEarlyEndIsAFailureAndNeverAShorterResult) {
  const TempFolder folder;
  const auto path = folder.write("x", "12345");
  const UniqueFd fd(::open(path.c_str(), O_RDONLY));
  std::array<std::byte, 6> six{};
  EXPECT_NE(failure_of([&] { read_exactly_at(fd.get(), 0, six, path); }), "");
  read_exactly_at(fd.get(), 1, std::span(six).first(4), path);
  EXPECT_EQ(six[3], std::byte{'5'});
}

TEST(ReadSmallFile, RefusesWhatIsMissingTooLargeOrNoFile) {
  const TempFolder folder;
  EXPECT_NE(failure_of([&] { read_small_file(folder / "missing"); }), "");
  EXPECT_NE(failure_of([&] { read_small_file(folder.path()); }), "");
  EXPECT_NE(failure_of([&] { read_small_file(folder.write("large", "12345"), 4); }), "");
  EXPECT_EQ(read_small_file(folder.write("fits", "1234"), 4), "1234");
}

}  // namespace
}  // namespace ledgermill
