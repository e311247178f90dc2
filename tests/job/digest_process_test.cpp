// SPDX-License-Identifier: Apache-2.0
// Digests of files, made in place and by a process of their own.
#include "job/digest_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/failure.h"
#include "tests/support/files.h"

namespace ledgermill::job {
namespace {

using ledgermill::testing::TempFolder;

TEST(DigestProcess, SaysWhatTheBytesSay) {
  const TempFolder folder;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20, (std::size_t{9} << 20) + 7}) {
    std::string content(size, 'x');
    for (std::size_t i = 0; i < size; i += 97) content[i] = static_cast<char>(i);
    DigestProcess digest(folder.write("file", content));
    EXPECT_EQ(digest.get(), Sha256::of(content)) << size;
  }
}

TEST(DigestProcess, AFileThatIsGoneIsSaid) {
  const TempFolder folder;
  DigestProcess small(folder / "missing");
  EXPECT_THROW(small.get(), Failure);
  const auto large = folder.write("large", std::string(std::size_t{5} << 20, 'x'));
  std::filesystem::permissions(large, std::filesystem::perms::none);
  if (::geteuid() == 0) return;  // root may read everything
  DigestProcess unreadable(large);
  EXPECT_THROW(unreadable.get(), Failure);
}

TEST(DigestProcess, OneThatNobodyWaitsForIsEnded) {
  const TempFolder folder;
  const auto large = folder.write("large", std::string(std::size_t{64} << 20, 'x'));
  { const DigestProcess digest(large); }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

}  // namespace
}  // namespace ledgermill::job
