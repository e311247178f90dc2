// SPDX-License-Identifier: Apache-2.0
#include "dashboard/enrichment_page.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::dashboard {

namespace fs = std::filesystem;

namespace {

using Kind = Column::Kind;
using Json = nlohmann::json;

constexpr std::size_t kMostBytes = 2U << 20;  // of one file of annotations looked at for its counts

/// Whole lines at the beginning of a file, in at most `kMostBytes`.
std::string first_lines(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return {};
  std::string text(kMostBytes, '\0');
  const std::size_t size = read_some_at(fd.get(), 0, std::as_writable_bytes(std::span(text.data(), text.size())), path);
  text.resize(size);
  if (size == kMostBytes) text.resize(text.rfind('\n') + 1);
  return text;
}

void each_object(const fs::path& path, const std::function<void(const Json&)>& take) {
  const std::string text = first_lines(path);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const Json json = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                  text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (json.is_object()) take(json);
    at = end + 1;
  }
}

bool is_annotations(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.size() == 18 && name.ends_with(".jsonl") && name.find_first_not_of("0123456789abcdef") == 12;
}

AnnotatedFile look_into(const fs::path& path) {
  AnnotatedFile file;
  file.enrichment = path.parent_path().filename().string();
  file.digest = path.filename().string().substr(0, 12);
  std::error_code error;
  file.bytes = fs::file_size(path, error);
  file.whole = file.bytes <= kMostBytes;
  each_object(path, [&](const Json& annotation) {
    ++file.records;
    ++file.by_source[annotation.value("source", "")];
    ++file.by_category[annotation.value("category", "")];
  });
  each_object(path.parent_path() / (file.digest + ".quarantine.jsonl"), [&](const Json& kept) {
    ++(kept.value("kind", "") == "record" ? file.records_kept_back : file.questions_kept_back);
  });
  return file;
}

std::string counts_text(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, grouped(count));
  return text;
}

/// The annotation of a record among the lines looked at.
std::optional<Json> annotation_of(const Call& call) {
  const std::string enrichment = call.word("enrichment"), digest = call.word("file");
  const std::uint64_t record = call.number("record", 0);
  const bool safe = !enrichment.empty() && enrichment.find_first_of("/.") == std::string::npos && digest.size() == 12 &&
                    digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!safe) throw BadRequest{400, "'enrichment' and 'file' name a file of annotations: a name, and 12 hex digits"};
  std::optional<Json> found;
  each_object(call.options.store / enrichment / (digest + ".jsonl"), [&](const Json& annotation) {
    if (annotation.value("record_number", std::uint64_t{0}) == record) found = annotation;
  });
  return found;
}

void write_annotation(Html& html, const Call& call) {
  const std::optional<Json> annotation = annotation_of(call);
  if (!annotation) {
    html.element("p", "There is no annotation of this record among those looked at (2 MiB of the file).",
                 {{"class", "notice"}});
    return;
  }
  table(html, fmt::format("Annotation of record {} and its provenance", call.word("record")), {{"key"}, {"value"}},
        annotation->size(), [&](std::size_t i) {
          const auto entry = std::next(annotation->begin(), static_cast<std::ptrdiff_t>(i));
          html.element("th", entry.key(), {{"scope", "row"}});
          cell(html, entry->is_string() ? entry->get<std::string>()
                                        : entry->dump(-1, ' ', false, Json::error_handler_t::replace));
        });
}

}  // namespace

EnrichmentFound enrichment_of(const Call& call) {
  constexpr std::size_t kMostFiles = 20;
  EnrichmentFound found;
  const fs::path journal = call.options.store / "answers.jsonl";
  std::error_code error;
  if (fs::exists(journal, error)) {
    const enrich::AnswerStore store(journal, enrich::AnswerStore::Access::kReadOnly);
    found.damaged = store.damaged_lines();
    for (const auto& [key, answer] : store.answers()) {
      ModelUse& use = found.models[answer.provenance.model];
      ++use.answers;
      use.input_tokens += answer.provenance.input_tokens;
      use.output_tokens += answer.provenance.output_tokens;
      use.milliseconds += answer.provenance.milliseconds;
      use.repaired += answer.provenance.verdict == "repaired" ? 1U : 0U;
    }
  }
  std::vector<fs::path> files;
  for (const auto& folder : fs::directory_iterator(call.options.store, error)) {
    if (!folder.is_directory(error)) continue;
    for (const auto& entry : fs::directory_iterator(folder.path(), error)) {
      if (is_annotations(entry.path())) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  const std::string after = call.word("after");
  for (const fs::path& file : files) {
    const std::string key = file.parent_path().filename().string() + "/" + file.filename().string().substr(0, 12);
    if (key <= after) continue;
    if (found.files.size() == kMostFiles) {
      found.next = found.files.back().enrichment + "/" + found.files.back().digest;
      break;
    }
    found.files.push_back(look_into(file));
  }
  return found;
}

std::string enrichment_page(const Call& call) {
  const EnrichmentFound found = enrichment_of(call);
  return page("Enrichment", "/enrichment", [&](Html& html) {
    if (found.files.empty() && found.models.empty()) {
      html.element("p",
                   fmt::format("There is no enrichment in '{}'. 'ledgermill enrich run' makes one; 'serve --store' "
                               "names another folder.",
                               call.options.store.string()),
                   {{"class", "notice"}});
      return;
    }
    if (found.damaged > 0)
      html.element("p", fmt::format("{} damaged lines of the answers' journal were left out.", found.damaged),
                   {{"class", "notice wrong"}});
    if (!call.word("record").empty()) write_annotation(html, call);
    std::vector<std::pair<std::string, ModelUse>> models(found.models.begin(), found.models.end());
    table(html, "Answers that are kept, by model",
          {{"model"},
           {"answers", Kind::kNumber},
           {"repaired", Kind::kNumber},
           {"tokens in", Kind::kNumber},
           {"tokens out", Kind::kNumber},
           {"time asked", Kind::kNumber}},
          models.size(), [&](std::size_t i) {
            const auto& [name, use] = models[i];
            html.element("th", name, {{"scope", "row"}});
            for (const std::uint64_t number : {use.answers, use.repaired, use.input_tokens, use.output_tokens})
              number_cell(html, grouped(number));
            number_cell(html, duration_text(static_cast<double>(use.milliseconds) / 1000));
          });
    table(html, "Files with annotations",
          {{"enrichment"},
           {"file"},
           {"annotated", Kind::kNumber},
           {"by source"},
           {"by category"},
           {"records in quarantine", Kind::kNumber},
           {"questions in quarantine", Kind::kNumber}},
          found.files.size(), [&](std::size_t i) {
            const AnnotatedFile& file = found.files[i];
            html.element("th", file.enrichment, {{"scope", "row"}});
            html.open("td").element("code", file.digest).close();
            number_cell(html, (file.whole ? "" : "first ") + grouped(file.records));
            cell(html, counts_text(file.by_source));
            cell(html, counts_text(file.by_category));
            number_cell(html, grouped(file.records_kept_back));
            number_cell(html, grouped(file.questions_kept_back));
          });
    if (!found.next.empty()) {
      html.open("p").link(address("/enrichment", {{"after", found.next}}), "more files →");
      html.close();
    }
    html.element("h2", "Provenance of one record")
        .open("form", {{"class", "filter"}, {"method", "get"}, {"action", "/enrichment"}});
    const auto field = [&](const std::string& name, std::string_view words) {
      html.open("div").element("label", words, {{"for", name}});
      html.leaf("input", {{"id", name}, {"name", name}, {"value", call.word(name)}}).close();
    };
    field("enrichment", "Enrichment");
    field("file", "File (12 digits)");
    field("record", "Record number");
    html.element("button", "Show", {{"type", "submit"}}).close();
  });
}

}  // namespace ledgermill::dashboard
