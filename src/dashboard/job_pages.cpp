// SPDX-License-Identifier: Apache-2.0
#include "dashboard/job_pages.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::dashboard {

namespace fs = std::filesystem;

namespace {

using Kind = Column::Kind;

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_directory(error)) folders.push_back(entry.path());
  }
  return folders;
}

std::string step_states(const job::Manifest& manifest) {
  std::string text;
  for (const job::StepRecord& step : manifest.steps)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", step.name, job::state_name(step.state));
  return text;
}

job::FoundRun run_of(const Call& call) {
  const std::string name = call.word("run");
  const bool plain = !name.empty() && name.find('/') == std::string::npos && name[0] != '.';
  if (!plain) throw BadRequest{400, "'run' is the id of a run"};
  try {
    return job::find_run(call.options.runs, name);
  } catch (const Failure& failure) {
    throw BadRequest{404, failure.fact()};
  }
}

void write_step(Html& html, const job::Manifest& manifest, const job::StepRecord& step) {
  html.open("h2").text("Step " + step.name + " ");
  badge(html, job::state_name(step.state));
  html.close();
  if (!step.words.empty())
    html.element("p", step.words + (step.hint.empty() ? "" : " Next: " + step.hint), {{"class", "notice wrong"}});
  html.open("dl");
  const auto entry = [&html](std::string_view name, const std::string& value) {
    html.element("dt", name).element("dd", value);
  };
  entry("return code",
        fmt::format("{}{}{}", step.rc, step.abend ? ", abend" : "", step.how.empty() ? "" : ", " + step.how));
  entry("began, took", fmt::format("{}, {}", step.began.empty() ? "not yet" : step.began, duration_text(step.seconds)));
  if (!step.program.path.empty())
    entry("program", fmt::format("{} {}", step.program.path, step.program.digest.substr(0, 12)));
  if (!step.program.compiler.empty()) entry("compiler", step.program.compiler);
  if (step.balance)
    entry("balance", fmt::format("{} in, {} out, {} rejects", grouped(step.balance->in), grouped(step.balance->out),
                                 grouped(step.balance->rejects)));
  html.close();
  if (!step.log.empty()) {
    html.open("p").link(address("/job/log", {{"run", manifest.run}, {"step", step.name}}),
                        fmt::format("What it said: {} lines", grouped(step.log_lines)));
    html.close();
  }
  struct Row {
    const job::DdRecord* dd;
    const job::FileRecord* file;
  };
  std::vector<Row> rows;
  for (const job::DdRecord& dd : step.dds) {
    for (const job::FileRecord& file : dd.files) rows.push_back({&dd, &file});
    if (dd.files.empty()) rows.push_back({&dd, nullptr});
  }
  if (rows.empty()) return;
  table(html, "Files of step " + step.name,
        {{"DD"}, {"role"}, {"end"}, {"file"}, {"records", Kind::kNumber}, {"bytes", Kind::kNumber}, {"SHA-256"}},
        rows.size(), [&](std::size_t i) {
          const auto& [dd, file] = rows[i];
          html.element("th", dd->dd, {{"scope", "row"}});
          cell(html, dd->role);
          cell(html, dd->end);
          cell(html, file == nullptr ? dd->kind : file->path);
          number_cell(html, file != nullptr && file->records ? grouped(*file->records) : "–");
          number_cell(html, file != nullptr ? grouped(file->bytes) : "–");
          html.open("td").element("code", file != nullptr ? file->sha256.substr(0, 12) : "").close();
        });
}

}  // namespace

RunsPage runs_of(const Call& call) {
  const std::string wanted = call.word("job");
  const std::string before = call.word("before");
  const auto most = static_cast<std::size_t>(call.number("most", 50, 200));
  std::vector<fs::path> runs;
  for (const fs::path& job : folders_in(call.options.runs)) {
    if (!wanted.empty() && job.filename() != wanted) continue;
    for (fs::path& run : folders_in(job)) {
      if (before.empty() || run.filename() < before) runs.push_back(std::move(run));
    }
  }
  // A run's id begins with its time, so names alone give the order and only the page's manifests are read.
  std::sort(runs.begin(), runs.end(), [](const fs::path& a, const fs::path& b) { return a.filename() > b.filename(); });
  RunsPage page;
  for (const fs::path& run : runs) {
    if (page.runs.size() == most) {
      page.next = page.runs.back().run;
      break;
    }
    try {
      if (auto manifest = job::read_manifest(run)) page.runs.push_back(std::move(*manifest));
    } catch (const Failure& failure) {
      if (page.damaged.size() < 20) page.damaged.push_back(failure.fact());
    }
  }
  return page;
}

job::Manifest manifest_of(const Call& call) { return run_of(call).manifest; }

std::string jobs_page(const Call& call) {
  const RunsPage runs = runs_of(call);
  return page("Jobs", "/jobs", [&](Html& html) {
    html.open("div", {{"data-live", "jobs"}});
    for (const std::string& words : runs.damaged) html.element("p", words, {{"class", "notice wrong"}});
    if (runs.runs.empty()) {
      html.element(
          "p",
          fmt::format(
              "There is no run in '{}'. 'ledgermill job run JOB' makes one; 'serve --runs' names another folder.",
              call.options.runs.string()),
          {{"class", "notice"}});
    } else {
      table(html, "Runs, newest first", {{"run"}, {"job"}, {"state"}, {"RC", Kind::kNumber}, {"steps"}, {"began"}},
            runs.runs.size(), [&](std::size_t i) {
              const job::Manifest& manifest = runs.runs[i];
              html.open("th", {{"scope", "row"}}).link(address("/job", {{"run", manifest.run}}), manifest.run).close();
              html.open("td").link(address("/jobs", {{"job", manifest.job}}), manifest.job).close();
              html.open("td");
              badge(html, job::state_name(manifest.state));
              html.close();
              number_cell(html, std::to_string(manifest.rc));
              cell(html, step_states(manifest));
              cell(html, manifest.began);
            });
    }
    html.close();
    if (!runs.next.empty()) {
      html.open("p").link(address("/jobs", {{"job", call.word("job")}, {"before", runs.next}}), "older →");
      html.close();
    }
  });
}

std::string job_page(const Call& call) {
  const job::Manifest manifest = manifest_of(call);
  return page("Run " + manifest.run, "/jobs", [&](Html& html) {
    html.open("div", {{"data-live", "job"}})
        .open("p")
        .text("Job ")
        .link(address("/jobs", {{"job", manifest.job}}), manifest.job)
        .text(" ");
    badge(html, job::state_name(manifest.state));
    html.text(fmt::format(" return code {}. Began {}{}. Definition {} ({}).", manifest.rc, manifest.began,
                          manifest.ended.empty() ? "" : ", ended " + manifest.ended, manifest.definition,
                          manifest.definition_sha256.substr(0, 12)));
    html.close();
    for (const job::StepRecord& step : manifest.steps) write_step(html, manifest, step);
    html.close();
  });
}

std::string job_log_page(const Call& call) {
  constexpr std::size_t kPage = 64U << 10;
  job::FoundRun found = run_of(call);
  const job::StepRecord* const step = found.manifest.step(call.word("step"));
  if (step == nullptr || step->log.empty()) throw BadRequest{404, "the run has no such step, or it has no log"};
  const fs::path path = found.folder / step->log;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) throw BadRequest{404, fmt::format("the log of step '{}' is not there", step->name)};
  const std::uint64_t bytes = fs::file_size(path);
  const std::uint64_t from = std::min(call.number("from", 0), bytes);
  std::vector<std::byte> buffer(kPage);
  const std::size_t size = read_some_at(fd.get(), from, buffer, path);
  const std::string_view text(reinterpret_cast<const char*>(buffer.data()), size);
  return page(fmt::format("Log of step {}", step->name), "/jobs", [&](Html& html) {
    html.open("p").text("Run ").link(address("/job", {{"run", found.manifest.run}}), found.manifest.run);
    html.text(fmt::format(", bytes {} to {} of {}.", grouped(from), grouped(from + size), grouped(bytes))).close();
    html.element("pre", text, {{"tabindex", "0"}, {"aria-label", "log"}});
    html.open("nav", {{"class", "pages"}, {"aria-label", "Log"}});
    const auto at = [&](std::uint64_t byte) {
      return address("/job/log", {{"run", found.manifest.run}, {"step", step->name}, {"from", std::to_string(byte)}});
    };
    if (from > 0) html.link(at(from > kPage ? from - kPage : 0), "← before");
    if (from + size < bytes)
      html.link(at(from + size), "next →").text(" ").link(at(bytes > kPage ? bytes - kPage : 0), "end");
    html.close();
  });
}

}  // namespace ledgermill::dashboard
