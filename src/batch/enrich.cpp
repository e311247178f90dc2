// SPDX-License-Identifier: Apache-2.0
#include "batch/enrich.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/file.h"
#include "batch/enrich_receipt.h"
#include "batch/interruption.h"
#include "batch/posted_records.h"
#include "batch/whole_file.h"
#include "enrich/asking.h"
#include "feed/survey.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using enrich::Question;

namespace {

using QuestionCounts = std::map<Question, std::uint64_t>;

Plan survey_for(const Enrichment& enrichment, const feed::SourceFile& file, Timestamp now) {
  feed::SurveyOptions options;
  options.now = now;
  options.progress = [](std::uint64_t) { stop_if_interrupted(); };
  return feed::survey(file, enrichment.feed.definition, options);
}

/// The records that are enriched: of a feed file, or of a batch.
struct Records {
  std::uint64_t count = 0;
  Digest file;
  std::string batch;  ///< "" of a file
  std::function<void(const std::function<void(const DecidedRecord&)>&,
                     const std::function<void(const UndecidedRecord&)>&)>
      each;
  std::function<void()> check_unchanged;
};

/// An answer to each question, wherever it came from.
struct Answered {
  const enrich::StoredAnswer* stored = nullptr;  ///< null: the fallback
  enrich::Answer fallback;
  std::string why;  ///< code, of a fallback

  const enrich::Answer& answer() const { return stored != nullptr ? stored->answer : fallback; }
  const char* source() const {
    return stored == nullptr ? "fallback" : stored->provenance.model == "embedded" ? "rule" : "model";
  }
};

/// Writes the text file, the annotations and the quarantine of one feed file.
class Writer {
 public:
  /// `text` is null where no text file is wanted.
  Writer(const Enrichment& enrichment, std::map<Question, Answered> answers, EnrichReport& report, WholeFile* text,
         WholeFile& annotations, WholeFile& quarantine)
      : enrichment_(enrichment),
        definition_(enrichment.definition),
        layout_(enrichment.feed.definition.layout),
        answers_(std::move(answers)),
        report_(report),
        text_(text),
        annotations_(annotations),
        quarantine_(quarantine) {
    for (const auto& placeholder : definition_.placeholders)
      placeholder_fields_.push_back(*layout_.find(placeholder.field));
  }

  void decided(const DecidedRecord& record);
  void undecided(const UndecidedRecord& record);

 private:
  void write_line(const DecidedRecord& record, const enrich::Category& category, const std::string& recommendation);
  void write_annotation(const DecidedRecord& record, const enrich::Category& category, const Answered& answered,
                        const std::string& recommendation);
  std::vector<std::string> flags_of(const DecidedRecord& record, const Answered& answered) const;

  const Enrichment& enrichment_;
  const enrich::EnrichmentDefinition& definition_;
  const Layout& layout_;
  std::map<Question, Answered> answers_;
  EnrichReport& report_;
  WholeFile* text_;
  WholeFile& annotations_;
  WholeFile& quarantine_;
  std::vector<std::size_t> placeholder_fields_;
};

std::vector<std::string> Writer::flags_of(const DecidedRecord& record, const Answered& answered) const {
  std::vector<std::string> flags(record.flags.begin(), record.flags.end());
  for (std::size_t q = 0; q < definition_.question.size(); ++q) {
    if (record.question.answers[q] == definition_.question[q].known.size())
      flags.push_back("unknown_" + definition_.question[q].name);
  }
  if (answered.stored == nullptr) flags.push_back("fallback_" + answered.why);
  if (answered.stored != nullptr && answered.stored->provenance.verdict == "repaired") flags.push_back("repaired");
  return flags;
}

void Writer::write_line(const DecidedRecord& record, const enrich::Category& category,
                        const std::string& recommendation) {
  std::string line;
  const std::string& pattern = definition_.line;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::string_view rest = std::string_view(pattern).substr(at);
    const std::pair<std::string_view, std::string_view> parts[] = {
        {"{line}", record.bytes}, {"{category}", category.name}, {"{recommendation}", recommendation}};
    const auto part =
        std::find_if(std::begin(parts), std::end(parts), [&](const auto& one) { return rest.starts_with(one.first); });
    if (part == std::end(parts)) {
      line += pattern[at++];
    } else {
      line += part->second;
      at += part->first.size();
    }
  }
  text_->write(line + "\n");
}

void Writer::write_annotation(const DecidedRecord& record, const enrich::Category& category, const Answered& answered,
                              const std::string& recommendation) {
  Json json{{"record_number", record.number}};
  if (!definition_.key.empty())
    json[definition_.key] = enrich::without_hidden(record.cells[*layout_.find(definition_.key)]);
  if (!report_.batch.empty()) json["batch"] = report_.batch;
  json["category"] = category.name;
  json["discount_percent"] = category.discount_percent;
  json["recommendation"] = recommendation;
  json[category.labels.empty() ? "suggested_item" : "label"] = answered.answer().suggested_item;
  json["source"] = answered.source();
  json["flags"] = flags_of(record, answered);
  json["enrichment"] = definition_.name;
  json["question"] = enrich::question_id(definition_, record.question);
  Json from{{"definition", definition_.digest.hex12()},
            {"decision", definition_.decision.program},
            {"prompt_version", definition_.prompt_version},
            {"prompt_digest", definition_.prompt_digest.hex12()}};
  if (enrichment_.totals) from["totals"] = enrichment_.totals->file_digest().hex12();
  if (answered.stored != nullptr) {
    const enrich::Provenance& provenance = answered.stored->provenance;
    from["model"] = provenance.model;
    from["model_digest"] = provenance.model_digest;
    from["key"] = answered.stored->key;
    from["asked_at"] = provenance.asked_at;
    from["attempts"] = provenance.attempts;
    from["verdict"] = provenance.verdict;
  } else {
    from["model"] = report_.model;
    from["model_digest"] = report_.model_digest;
    from["verdict"] = answered.why;
  }
  json["provenance"] = std::move(from);
  annotations_.write(json.dump() + "\n");
}

void Writer::decided(const DecidedRecord& record) {
  const enrich::Category& category = definition_.categories[record.question.category];
  const auto found = answers_.find(record.question);
  LM_CHECK(found != answers_.end(), "the second look at a file finds the questions that the first one found");
  enrich::PlaceholderValues values;
  for (std::size_t i = 0; i < placeholder_fields_.size(); ++i)
    values.emplace_back(definition_.placeholders[i].name, record.cells[placeholder_fields_[i]]);
  const std::string recommendation = enrich::render(category, found->second.answer(), values);
  if (text_ != nullptr) write_line(record, category, recommendation);
  write_annotation(record, category, found->second, recommendation);
  ++report_.annotated;
  ++report_.by_category[category.name];
  ++report_.by_source[found->second.source()];
  for (const std::string& flag : flags_of(record, found->second)) ++report_.by_flag[flag];
}

void Writer::undecided(const UndecidedRecord& record) {
  ++report_.undecided;
  quarantine_.write(
      Json{{"kind", "record"}, {"record_number", record.number}, {"line", record.line}, {"reasons", record.reasons}}
          .dump() +
      "\n");
}

/// The distinct questions of a file, and how many records ask each.
QuestionCounts questions_of(const Records& records, EnrichProgress progress,
                            const std::function<void(const EnrichProgress&)>& observer, std::uint64_t& undecided) {
  constexpr std::uint64_t kTellEvery = 65536;
  QuestionCounts counts;
  const auto tell = [&] {
    if (observer && ++progress.done % kTellEvery == 0) observer(progress);
  };
  records.each(
      [&](const DecidedRecord& record) {
        ++counts[record.question];
        tell();
      },
      [&](const UndecidedRecord&) {
        ++undecided;
        tell();
      });
  return counts;
}

std::vector<Question> without_answer(const Enrichment& enrichment, const QuestionCounts& questions,
                                     const enrich::Asked& asked, const enrich::AnswerStore& store) {
  std::vector<Question> open;
  for (const auto& [question, records] : questions) {
    if (store.find(enrich::answer_key(enrichment.definition, asked, question).hex()) == nullptr)
      open.push_back(question);
  }
  return open;
}

enrich::CallLimits limits_of(const enrich::EnrichmentDefinition& definition, const EnrichOptions& options) {
  enrich::CallLimits limits;
  limits.in_flight = options.in_flight.value_or(definition.in_flight);
  limits.attempts = definition.attempts;
  limits.timeout_ms = options.timeout_ms.value_or(definition.timeout_ms);
  limits.response_bytes = definition.response_bytes;
  limits.most_calls = options.most_calls;
  if (options.most_cost) {
    const enrich::TokenPrice* price = definition.price_of(options.server->model);
    if (price == nullptr)
      throw Failure(
          ReturnCode::kRefused,
          fmt::format("enrichment '{}' has no price for the model '{}'", definition.name, options.server->model),
          fmt::format("write it under 'prices' in {}, or leave --max-cost out", definition.path.string()));
    limits.budget = {price->input, price->output, *options.most_cost * 1'000'000};
  }
  if (options.deadline_seconds) {
    limits.deadline =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                               std::chrono::duration<double>(*options.deadline_seconds));
  }
  return limits;
}

constexpr std::uint32_t kDescribeTimeoutMs = 10'000;

/// Who is asked. A server that cannot be reached is taken for the one that it was when it last answered.
enrich::Asked who_is_asked(const EnrichOptions& options, const std::optional<enrich::ServerDescription>& description,
                           const enrich::AnswerStore& store) {
  if (!options.server) return {"embedded", ""};
  const std::string& model = options.server->model;
  return {model, description && description->reachable ? description->model_digest : store.last_digest_of(model)};
}

void ask_open(const Enrichment& enrichment, const std::vector<Question>& open, const EnrichOptions& options,
              enrich::ModelServer* server, const std::optional<enrich::ServerDescription>& description,
              enrich::AnswerStore& store, EnrichReport& report, std::vector<enrich::Unanswered>& unanswered) {
  const auto progress = [&](const enrich::AskProgress& asking) {
    if (options.progress)
      options.progress({EnrichProgress::Stage::kAsking, asking.ended, asking.to_ask, asking.unanswered});
    stop_if_interrupted();
  };
  if (open.empty()) return;
  if (server != nullptr && !description->reachable) {
    for (const Question& question : open)
      unanswered.push_back({question, "unavailable", "the server is down: " + description->problem, 0});
    return;
  }
  enrich::AskResult result =
      server == nullptr
          ? enrich::ask_embedded(enrichment.definition, open, store, progress)
          : enrich::ask_server(enrichment.definition, open, *server, *description, *options.server,
                               limits_of(enrichment.definition, options), store, options.now.text(), progress);
  report.answered = result.answered;
  report.repaired = result.repaired;
  report.calls = result.calls;
  unanswered = std::move(result.unanswered);
}

std::map<Question, Answered> collect_answers(const Enrichment& enrichment, const QuestionCounts& questions,
                                             const enrich::Asked& asked, const enrich::AnswerStore& store,
                                             const std::vector<enrich::Unanswered>& unanswered) {
  std::map<Question, Answered> answers;
  for (const enrich::Unanswered& one : unanswered) {
    const auto text = enrich::verify_answer(enrichment.definition, one.question,
                                            enrich::embedded_answer(enrichment.definition, one.question));
    LM_CHECK(text.has_value(), "a definition's own texts are valid answers");
    answers[one.question] = {nullptr, *text, one.code};
  }
  for (const auto& [question, records] : questions) {
    if (answers.contains(question)) continue;
    const enrich::StoredAnswer* stored = store.find(enrich::answer_key(enrichment.definition, asked, question).hex());
    LM_CHECK(stored != nullptr, "a question was answered, now or before, or stands among the unanswered");
    answers[question] = {stored, {}, ""};
  }
  return answers;
}

void describe_unanswered(const Enrichment& enrichment, const QuestionCounts& questions,
                         const std::vector<enrich::Unanswered>& unanswered, WholeFile& quarantine,
                         EnrichReport& report) {
  for (const enrich::Unanswered& one : unanswered) {
    quarantine.write(Json{{"kind", "question"},
                          {"question", enrich::question_id(enrichment.definition, one.question)},
                          {"asked", Json::parse(enrich::question_json(enrichment.definition, one.question))},
                          {"records", questions.at(one.question)},
                          {"reason", one.code},
                          {"detail", one.detail},
                          {"attempts", one.attempts}}
                         .dump() +
                     "\n");
    ++report.why_unanswered[one.code];
    if (report.first_problem.empty()) report.first_problem = one.detail;
  }
  report.unanswered = unanswered.size();
}

void refuse_out_over_source(const fs::path& out, const fs::path& source) {
  std::error_code error;
  if (out.empty()) throw Failure(ReturnCode::kRefused, "no output file is named", "name it by --out FILE");
  if (fs::is_directory(out, error))
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is a folder", out.string()), "name a file by --out FILE");
  if (!fs::equivalent(out, source, error)) return;
  throw Failure(ReturnCode::kRefused, fmt::format("'{}' is the file that is read", out.string()),
                "name another output file");
}

void write_all_records(const Enrichment& enrichment, const QuestionCounts& questions,
                       std::map<Question, Answered> answers, const std::vector<enrich::Unanswered>& unanswered,
                       const Records& records, const EnrichOptions& options, EnrichReport& report) {
  const fs::path annotations_path = options.store.annotations(enrichment.definition.name, records.file);
  const fs::path quarantine_path = options.store.quarantine(enrichment.definition.name, records.file);
  std::optional<WholeFile> text;
  if (!options.out.empty()) text.emplace(options.out);
  WholeFile annotations(annotations_path);
  WholeFile quarantine(quarantine_path);
  describe_unanswered(enrichment, questions, unanswered, quarantine, report);
  Writer writer(enrichment, std::move(answers), report, text ? &*text : nullptr, annotations, quarantine);
  report.undecided = 0;
  records.each([&](const DecidedRecord& record) { writer.decided(record); },
               [&](const UndecidedRecord& record) { writer.undecided(record); });
  LM_CHECK(report.annotated + report.undecided == records.count, "every record is annotated or in quarantine, once");
  records.check_unchanged();
  quarantine.finish();
  if (report.undecided == 0 && unanswered.empty()) {
    std::error_code error;
    fs::remove(quarantine_path, error);
  } else {
    report.quarantine = quarantine_path.string();
  }
  annotations.finish();
  if (text) text->finish();  // last: who sees the output sees all that belongs to it
  report.out = options.out.string();
  report.annotations = annotations_path.string();
}

void enrich_records(const Enrichment& enrichment, const Records& records, enrich::AnswerStore& store,
                    const EnrichOptions& options, EnrichReport& report) {
  std::optional<enrich::ModelServer> server;
  if (options.server) server.emplace(*options.server);
  report.damaged_answers = store.damaged_lines();
  std::optional<enrich::ServerDescription> description;
  if (server) description = server->describe(kDescribeTimeoutMs);
  const enrich::Asked asked = who_is_asked(options, description, store);
  report.model = asked.model;
  report.model_digest = asked.model_digest;
  report.file_sha256 = records.file.hex();
  report.records = records.count;
  const QuestionCounts questions =
      questions_of(records, {EnrichProgress::Stage::kReading, 0, records.count, 0}, options.progress, report.undecided);
  const std::vector<Question> open = without_answer(enrichment, questions, asked, store);
  report.questions = questions.size();
  report.stored = questions.size() - open.size();
  std::vector<enrich::Unanswered> unanswered;
  const auto begun = std::chrono::steady_clock::now();
  ask_open(enrichment, open, options, server ? &*server : nullptr, description, store, report, unanswered);
  report.asking_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  if (const enrich::TokenPrice* price = enrichment.definition.price_of(asked.model); price != nullptr)
    report.cost = Cost::of(*price, report.calls.input_tokens, report.calls.output_tokens);
  write_all_records(enrichment, questions, collect_answers(enrichment, questions, asked, store, unanswered), unanswered,
                    records, options, report);
  if (report.undecided > 0 || report.unanswered > 0) report.return_code = ReturnCode::kRejects;
}

/// Runs `work`; what concerns the records or the server becomes the report's.
void reported(EnrichReport& report, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  try {
    work();
  } catch (const Failure& failure) {
    report.return_code = failure.code();
    report.fact = failure.fact();
    report.hint = failure.hint();
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Records records_of(RecordWalk& walk, const Plan& plan, const feed::SourceFile& file) {
  return {plan.records, plan.file.sha256, "",
          [&walk](const auto& decided, const auto& undecided) { walk.each(decided, undecided); },
          [&file] { file.check_unchanged(); }};
}

void enrich_one(const Enrichment& enrichment, const fs::path& path, const EnrichOptions& options,
                EnrichReport& report) {
  refuse_out_over_source(options.out, path);
  const feed::SourceFile file(path);
  enrich::AnswerStore store(options.store.answers(), enrich::AnswerStore::Access::kWrite);
  const Plan plan = survey_for(enrichment, file, options.now);
  RecordWalk walk(enrichment, plan, file);
  enrich_records(enrichment, records_of(walk, plan, file), store, options, report);
  if (report.unanswered == 0) write_receipt(enrichment, options, report);
}

}  // namespace

fs::path EnrichmentStore::annotations(const std::string& enrichment, const Digest& file) const {
  return folder / enrichment / (file.hex12() + ".jsonl");
}

fs::path EnrichmentStore::quarantine(const std::string& enrichment, const Digest& file) const {
  return folder / enrichment / (file.hex12() + ".quarantine.jsonl");
}

std::vector<fs::path> EnrichmentStore::annotation_files(const std::optional<std::string>& enrichment) const {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  for (const fs::directory_entry& of_enrichment : fs::directory_iterator(folder, error)) {
    if (!of_enrichment.is_directory() || (enrichment && of_enrichment.path().filename() != *enrichment)) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(of_enrichment.path(), error)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(".jsonl") && !name.ends_with(".quarantine.jsonl"))
        found.emplace_back(entry.last_write_time(error), entry.path());
    }
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  std::vector<fs::path> paths;
  for (auto& [time, path] : found) paths.push_back(std::move(path));
  return paths;
}

EnrichReport enrich_file(const Enrichment& enrichment, const fs::path& path, const EnrichOptions& options) {
  EnrichReport report;
  report.enrichment = enrichment.definition.name;
  report.file = path.string();
  reported(report, [&] { enrich_one(enrichment, path, options, report); });
  return report;
}

EnrichReport enrich_postings(const Enrichment& enrichment, ledger::Ledger& ledger, const ledger::BatchSummary& batch,
                             const EnrichOptions& options) {
  EnrichReport report;
  report.enrichment = enrichment.definition.name;
  report.file = batch.file.name;
  report.batch = batch.id.text;
  reported(report, [&] {
    PostingWalk walk(enrichment, ledger, batch);
    enrich::AnswerStore store(options.store.answers(), enrich::AnswerStore::Access::kWrite);
    const Records records{batch.totals.accepted, batch.file.sha256, report.batch,
                          [&walk](const auto& decided, const auto& undecided) { walk.each(decided, undecided); },
                          [] {}};
    enrich_records(enrichment, records, store, options, report);
  });
  return report;
}

EnrichPlan plan_enrichment(const Enrichment& enrichment, const fs::path& path, const EnrichOptions& options) {
  const feed::SourceFile file(path);
  const enrich::AnswerStore store(options.store.answers(), enrich::AnswerStore::Access::kReadOnly);
  std::optional<enrich::ServerDescription> description;
  if (options.server) description = enrich::ModelServer(*options.server).describe(kDescribeTimeoutMs);
  const enrich::Asked asked = who_is_asked(options, description, store);
  const Plan plan = survey_for(enrichment, file, options.now);
  RecordWalk walk(enrichment, plan, file);
  EnrichPlan made;
  made.records = plan.records;
  const QuestionCounts questions =
      questions_of(records_of(walk, plan, file), {EnrichProgress::Stage::kReading, 0, plan.records, 0},
                   options.progress, made.undecided);
  const std::vector<Question> open = without_answer(enrichment, questions, asked, store);
  made.questions = questions.size();
  made.to_ask = open.size();
  made.stored = questions.size() - open.size();
  if (!options.server) return made;
  const enrich::EnrichmentDefinition& definition = enrichment.definition;
  const enrich::CallSettings settings{description->dialect, asked.model, definition.context_tokens,
                                      definition.answer_tokens, description->thinking};
  for (const Question& question : open) {
    const enrich::Prompt prompt = enrich::prompt_for(definition, question);
    made.request_bytes += enrich::request_body(settings, prompt).size();
    made.most_input_tokens += prompt.system.size() + prompt.user.size();
    made.most_output_tokens += definition.answer_tokens;
  }
  double input = 0;
  double output = 0;
  double milliseconds = 0;
  double attempts = 0;
  for (const auto& [key, answer] : store.answers()) {
    const enrich::Provenance& from = answer.provenance;
    if (from.model != asked.model || from.model_digest != asked.model_digest) continue;
    ++made.measured_answers;
    input += static_cast<double>(from.input_tokens);
    output += static_cast<double>(from.output_tokens);
    milliseconds += static_cast<double>(from.milliseconds);
    attempts += from.attempts;
  }
  if (made.measured_answers > 0) {
    const double share = static_cast<double>(made.to_ask) / static_cast<double>(made.measured_answers);
    made.input_tokens = input * share;
    made.output_tokens = output * share;
    made.calls = attempts * share;
    made.seconds = milliseconds / 1000 * share / options.in_flight.value_or(definition.in_flight);
  }
  if (const enrich::TokenPrice* price = definition.price_of(asked.model); price != nullptr) {
    made.most_cost = Cost::of(*price, made.most_input_tokens, made.most_output_tokens);
    if (made.input_tokens)
      made.cost = Cost::of(*price, static_cast<std::uint64_t>(*made.input_tokens),
                           static_cast<std::uint64_t>(*made.output_tokens));
  }
  return made;
}

Cost Cost::of(const enrich::TokenPrice& price, std::uint64_t input_tokens, std::uint64_t output_tokens) {
  constexpr std::uint64_t kTokensOfAPrice = 1'000'000;
  const std::uint64_t exact = input_tokens * price.input + output_tokens * price.output;
  return {price.currency, (exact + kTokensOfAPrice - 1) / kTokensOfAPrice};
}

std::string Cost::text() const {
  return fmt::format("{} {}", Amount{static_cast<std::int64_t>(millionths), 6}.text(), currency);
}

}  // namespace ledgermill::batch
