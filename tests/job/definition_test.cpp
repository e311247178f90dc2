// SPDX-License-Identifier: Apache-2.0
#include "job/definition.h"

#include "tests/support/files.h"

namespace ledgermill::job {
namespace {

using testing::failure_of;

JobDefinition parsed(const std::string& yaml, const std::map<std::string, std::string>& set = {}) {
  DefinitionWords words;
  words.folder = "/work";
  words.variables = set;
  words.today = {2025, 3, 31};
  return parse_definition(yaml, "j.yaml", words);
}

std::string mistake(const std::string& yaml) {
  return failure_of([&] { parsed(yaml); });
}

std::string with_dd(const std::string& dd) {
  return "job: j\nsteps:\n  - step: A\n    program: p.cbl\n    dd:\n      F: " + dd + "\n";
}

TEST(JobDefinition, AStepHasTheJobsWordsUnlessItHasItsOwn) {
  const JobDefinition job = parsed(R"(job: j
dialect: {standard: ibm, sign: ebcdic}
copybooks: [copy]
timeout: 10m
memory: 512M
steps:
  - {step: A, program: a.cbl}
  - {step: B, program: sub/b.cbl, dialect: {format: free}, timeout: 90s, copybooks: [], max_rc: 8}
)");
  const auto& a = std::get<ProgramStep>(job.steps[0].work);
  const auto& b = std::get<ProgramStep>(job.steps[1].work);
  EXPECT_EQ(a.program, "/work/a.cbl");
  EXPECT_EQ(a.copybooks, std::vector<std::filesystem::path>{"/work/copy"});
  EXPECT_TRUE(b.copybooks.empty());
  EXPECT_EQ(b.dialect.standard, "ibm");
  EXPECT_EQ(b.dialect.sign, cobol::SignConvention::kEbcdic);
  EXPECT_EQ(b.dialect.format, cobol::SourceFormat::kFree);
  EXPECT_EQ(a.dialect.format, cobol::SourceFormat::kFixed);
  EXPECT_EQ(job.steps[0].timeout, std::chrono::seconds(600));
  EXPECT_EQ(job.steps[1].timeout, std::chrono::seconds(90));
  EXPECT_EQ(job.steps[1].memory_bytes, 512U << 20);
  EXPECT_EQ(job.steps[0].max_rc, 4);
  EXPECT_EQ(job.steps[1].max_rc, 8);
}

TEST(JobDefinition, VariablesStandInPathsParmDataAndEnvironment) {
  const std::string yaml = R"(job: j
variables: {WHERE: south, DAY: x}
run_date: 2024-02-29
steps:
  - step: A
    program: p.cbl
    parm: "${WHERE}/${RUN_DATE}"
    environment: {REGION: "${WHERE}"}
    dd: {F: "${WHERE}/in.txt", G: {data: "${RUN_DATE}\n"}}
)";
  const JobDefinition job = parsed(yaml, {{"WHERE", "north"}});
  EXPECT_EQ(std::get<ProgramStep>(job.steps[0].work).parm, "north/2024-02-29");
  EXPECT_EQ(job.steps[0].environment.at("REGION"), "north");
  EXPECT_EQ(std::get<Dataset>(job.steps[0].binding("F")->source).path, "/work/north/in.txt");
  EXPECT_EQ(std::get<InlineData>(job.steps[0].binding("G")->source).text, "2024-02-29\n");
  EXPECT_NE(job.digest, parsed(yaml).digest) << "another value is another job for a restart";
}

TEST(JobDefinition, GenerationsAreToldFromNamesWithBrackets) {
  const auto source = [](const std::string& dd) {
    return std::get<Dataset>(parsed(with_dd(dd)).steps[0].binding("F")->source);
  };
  EXPECT_EQ(source("master(0)").generation, 0);
  EXPECT_EQ(source("master(-2)").generation, -2);
  EXPECT_EQ(source("{path: master(+1), disp: new}").generation, 1);
  EXPECT_EQ(source("master(+1)x").generation, std::nullopt);
  EXPECT_EQ(source("copy(a)").path, "/work/copy(a)");
  EXPECT_NE(mistake(with_dd("master(1)")), "");
  EXPECT_EQ(source("master(+1)").generation, 1) << "what an earlier step of the run made";
  EXPECT_NE(mistake(with_dd("{path: master(0), disp: new}")), "");
}

TEST(JobDefinition, MistakesNameTheirLine) {
  EXPECT_EQ(mistake("job: j\nsteps:\n  - step: A\n    progam: p\n"), "j.yaml:4: unknown key 'progam' in steps[0]");
  EXPECT_EQ(mistake("job: j\nsteps:\n  - {step: A, program: p}\n  - {step: A, program: p}\n"),
            "j.yaml:4: step 'A' stands here a second time");
  EXPECT_EQ(mistake("job: j\nsteps:\n  - {step: A}\n"),
            "j.yaml:3: step A needs exactly one of 'program', 'sort', 'copy'");
  EXPECT_EQ(mistake("job: j\ntimeout: 5\nsteps: []\n"), "j.yaml:2: '5' is no time: 90s, 10m or 2h, at most 720h");
  EXPECT_EQ(mistake("job: ../x\nsteps: []\n").substr(0, 9), "j.yaml:1:");
  EXPECT_EQ(mistake("job: j\n"), "j.yaml:1: a job needs at least one step");
  EXPECT_EQ(mistake(with_dd("{path: a, disp: neu}")), "j.yaml:6: 'disp' is 'neu'; it is shared, old, new or append");
  EXPECT_EQ(mistake(with_dd("{path: a, data: b}")),
            "j.yaml:6: DD F needs exactly one of 'path', 'concat', 'temporary', 'data', 'dummy'");
  EXPECT_EQ(mistake(with_dd("{data: a, disp: new}")), "j.yaml:6: DD F: 'disp' is for a path or a temporary");
  EXPECT_EQ(mistake(with_dd("{path: a, replace: true}")), "j.yaml:6: DD F: 'replace' is for a path that is new");
  EXPECT_EQ(mistake(with_dd("{temporary: T}")), "j.yaml:6: temporary 'T' is made by no earlier step");
  EXPECT_EQ(mistake(with_dd("{path: a, success: pass}")),
            "j.yaml:6: 'success' is 'pass'; it is keep, delete, or pass for a temporary");
  EXPECT_EQ(mistake(with_dd("a") + "    balance: {in: F, out: G}\n"), "j.yaml:7: 'G' is no DD of step A");
}

TEST(JobDefinition, SortAndCopyHaveTheirTwoDds) {
  const std::string sort =
      "job: j\nsteps:\n  - step: S\n    sort: {keys: [{at: 1, length: 3, as: packed, order: descending}], record: "
      "{fixed: 3}}\n    dd: ";
  const JobDefinition job = parsed(sort + "{IN: a, OUT: {path: b, disp: new}}\n");
  const auto& step = std::get<SortStep>(job.steps[0].work);
  EXPECT_TRUE(step.keys[0].descending);
  EXPECT_EQ(step.selection.form.fixed_length, 3U);
  EXPECT_NE(mistake(sort + "{IN: a}\n"), "");
  EXPECT_NE(mistake(sort + "{IN: a, OUT: b}\n"), "");
  EXPECT_NE(mistake("job: j\nsteps:\n  - step: S\n    sort: {keys: [{at: 2, length: 3}], record: {fixed: 3}}\n    dd: "
                    "{IN: a, OUT: {path: b, disp: new}}\n"),
            "");
}

TEST(JobDefinition, TimesAndSizes) {
  EXPECT_EQ(duration_from_text("2h"), std::chrono::seconds(7200));
  for (const char* text : {"", "h", "0s", "-1s", "1.5h", "10 m", "10d", "721h", "99999999999999999999s"})
    EXPECT_FALSE(duration_from_text(text)) << text;
  EXPECT_EQ(size_from_text("2G"), std::uint64_t{2} << 30);
  for (const char* text : {"", "2", "2GB", "-1M", "0M", "99999999999G"}) EXPECT_FALSE(size_from_text(text)) << text;
}

}  // namespace
}  // namespace ledgermill::job
