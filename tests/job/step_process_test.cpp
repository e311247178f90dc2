// SPDX-License-Identifier: Apache-2.0
// A step's process and its log, without COBOL.
#include "job/step_process.h"

#include <sys/stat.h>

#include <csignal>
#include <string>

#include "job/step_log.h"
#include "tests/support/files.h"

namespace ledgermill::job {
namespace {

using testing::content_of;
using testing::TempFolder;
using How = ProcessEnd::How;

ProcessEnd run(const TempFolder& folder, std::variant<ModuleLaunch, ExecutableLaunch, OwnWork> work,
               std::chrono::seconds timeout = std::chrono::seconds(60)) {
  StepProcess process;
  process.work = std::move(work);
  process.environment = {"PATH=/usr/bin:/bin", "WORD=a b=c"};
  process.folder = folder.path();
  process.log = folder / "output.log";
  process.most_log_bytes = 1U << 20;
  process.timeout = timeout;
  process.interrupted = [] { return false; };
  return run_process(process);
}

ProcessEnd shell(const TempFolder& folder, const std::string& script,
                 std::chrono::seconds timeout = std::chrono::seconds(60)) {
  folder.write("script", "#!/bin/sh\n" + script + "\n");
  ::chmod((folder / "script").c_str(), 0700);
  return run(folder, ExecutableLaunch{folder / "script", std::nullopt, std::nullopt}, timeout);
}

TEST(StepProcess, SaysHowAnExecutableEnded) {
  const TempFolder folder;
  ProcessEnd end = shell(folder, "echo \"$WORD\"; exit 7");
  EXPECT_EQ(how_name(end.how), "exited");
  EXPECT_EQ(end.return_code, 7);
  EXPECT_NE(content_of(folder / "output.log").find(" out a b=c\n"), std::string::npos);
  end = shell(folder, "kill -9 $$");
  EXPECT_EQ(how_name(end.how), "signal");
  EXPECT_EQ(end.signal, SIGKILL);
  end = shell(folder, "echo 'libcob: x.cbl:3: error: oh' >&2; exit 1");
  EXPECT_EQ(how_name(end.how), "runtime error");
  EXPECT_EQ(end.words, "libcob: x.cbl:3: error: oh");
  end = run(folder, ExecutableLaunch{folder / "none", std::nullopt, std::nullopt});
  EXPECT_EQ(how_name(end.how), "not started");
}

TEST(StepProcess, OneThatDoesNotHearIsKilled) {
  const TempFolder folder;
  const ProcessEnd end = shell(folder, "trap '' TERM; while :; do sleep 1; done", std::chrono::seconds(1));
  EXPECT_EQ(how_name(end.how), "timeout");
  EXPECT_LT(end.seconds, 20);
}

TEST(StepProcess, OwnWorkSaysWhyItFailed) {
  const TempFolder folder;
  ProcessEnd end = run(folder, OwnWork([] { throw Failure(ReturnCode::kRefused, "record 3 is none"); }));
  EXPECT_EQ(how_name(end.how), "failed");
  EXPECT_EQ(end.return_code, 8);
  EXPECT_EQ(end.words, "record 3 is none");
  end = run(folder, OwnWork([] {}));
  EXPECT_EQ(how_name(end.how), "returned");
}

TEST(StepLog, IsBoundedAndSaysWhatItLeftOut) {
  const TempFolder folder;
  StepLog log(folder / "log", 2000);
  log.feed(Stream::kOut, "first\nsec");
  log.feed(Stream::kErr, "other\n");
  log.feed(Stream::kOut, "ond\n");
  for (int i = 0; i < 100; ++i) log.feed(Stream::kOut, "0123456789\n");
  log.finish();
  const std::string text = content_of(folder / "log");
  EXPECT_LT(text.find(" err other\n"), text.find(" out second\n"));
  EXPECT_EQ(log.lines(), 103U);
  EXPECT_GT(log.lines_left_out(), 0U);
  EXPECT_LT(text.size(), 2200U);
  const std::string said = std::to_string(log.lines_left_out()) + " lines of " +
                           std::to_string(log.lines_left_out() * 11) + " bytes more are not kept\n";
  EXPECT_NE(text.find(said), std::string::npos) << text;
}

TEST(StepLog, ALineWithoutEndIsCutIntoPieces) {
  const TempFolder folder;
  StepLog log(folder / "log", 1U << 20);
  for (int i = 0; i < 100; ++i) log.feed(Stream::kErr, std::string(1000, 'x'));
  log.finish();
  EXPECT_EQ(log.lines(), 4U);
}

}  // namespace
}  // namespace ledgermill::job
