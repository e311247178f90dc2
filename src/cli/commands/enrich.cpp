// SPDX-License-Identifier: Apache-2.0
#include "batch/enrich.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include <thread>

#include "base/file.h"
#include "batch/enrich_receipt.h"
#include "batch/evaluate.h"
#include "batch/inbox.h"
#include "batch/interruption.h"
#include "cli/session.h"
#include "cli/view.h"
#include "enrich/answer.h"
#include "feed/survey.h"

namespace ledgermill::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Words {
  std::string enrichment;
  std::string file;
  std::string out;
  std::string dialect = "auto";
  std::uint32_t in_flight = 0;
  double timeout_seconds = 0;
  std::uint64_t most_calls = 0;
  bool calls_limited = false;
  double deadline_seconds = 0;
  std::string format = "jsonl";
  std::string key;
  std::string totals;
  std::string batch;
  std::string inbox;
  bool watch = false;
  std::string most_cost;
  std::string golden;
  std::string baseline;
  double least = 0;
};

/// First line of the file, or LEDGERMILL_MODEL_KEY; never an argument, which the process list would show.
std::string model_key(const Settings& settings) {
  constexpr std::size_t kMostBytes = 64U << 10;
  std::string key;
  if (!settings.model_key_file.empty()) {
    key = read_small_file(settings.model_key_file, kMostBytes);
  } else if (const char* given = std::getenv("LEDGERMILL_MODEL_KEY"); given != nullptr) {
    key = given;
  }
  return key.substr(0, key.find_first_of("\r\n"));
}

std::optional<enrich::ModelServerOptions> server_options(const Words& words, const Settings& settings) {
  if (settings.model_server.empty()) {
    if (!settings.model.empty())
      throw Failure(ReturnCode::kRefused, fmt::format("--model '{}' is named, but no server", settings.model),
                    "add --model-server http://127.0.0.1:11434");
    return std::nullopt;
  }
  enrich::ModelServerOptions options;
  options.url = settings.model_server;
  options.model = settings.model;
  if (words.dialect != "auto")
    options.dialect = words.dialect == "ollama" ? enrich::Dialect::kOllama : enrich::Dialect::kOpenAi;
  options.api_key = model_key(settings);
  options.validate();
  return options;
}

/// Shows how far a run is, on one line of a terminal.
class EnrichLine {
 public:
  EnrichLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~EnrichLine() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }
  EnrichLine(const EnrichLine&) = delete;
  EnrichLine& operator=(const EnrichLine&) = delete;

  void show(const batch::EnrichProgress& progress) {
    if (!terminal_) return;
    shown_ = true;
    const bool asking = progress.stage == batch::EnrichProgress::Stage::kAsking;
    fmt::print(stderr, "\r\x1b[K{} {} of {}{}", asking ? "asked" : "read", grouped(progress.done),
               grouped(progress.total),
               progress.unanswered > 0 ? fmt::format(", {} without an answer", grouped(progress.unanswered)) : "");
    std::fflush(stderr);
  }

 private:
  bool terminal_;
  bool shown_ = false;
};

batch::Enrichment enrichment_named(const Words& words, const Session& session) {
  enrich::EnrichmentDefinition definition = enrich::find_definition(words.enrichment, session.enrichment_folders());
  feed::FeedDefinition feed = session.definition(definition.feed);
  batch::Enrichment enrichment =
      batch::prepare_enrichment(std::move(definition), std::move(feed), session.module_places());
  if (words.totals.empty()) return enrichment;
  if (!enrichment.definition.decision.totals) {
    throw Failure(
        ReturnCode::kRefused, fmt::format("enrichment '{}' does not say what totals are", enrichment.definition.name),
        fmt::format("write decision.totals in {}, or leave --totals out", enrichment.definition.path.string()));
  }
  enrichment.totals.emplace(enrichment.definition, enrichment.feed.definition,
                            session.definition(enrichment.definition.decision.totals->feed), words.totals, now());
  return enrichment;
}

/// "2.50" in millionths.
std::uint64_t money(const std::string& text) {
  constexpr std::uint8_t kDecimals = 6;
  const auto sum = ExactSum::from_text(text, kDecimals);
  constexpr std::int64_t kMost = 1'000'000'000'000;
  if (!sum || sum->minor_units < 0 || sum->minor_units > kMost)
    throw Failure(ReturnCode::kRefused, fmt::format("--max-cost '{}' is no amount of money", shown(text)),
                  "e.g. 2.50, in the currency of the definition's prices");
  return static_cast<std::uint64_t>(sum->minor_units);
}

batch::EnrichOptions options_of(const Words& words, const Session& session) {
  batch::EnrichOptions options;
  options.store.folder = session.settings.store;
  options.out = words.out;
  options.server = server_options(words, session.settings);
  if (words.in_flight > 0) options.in_flight = words.in_flight;
  if (words.timeout_seconds > 0) options.timeout_ms = static_cast<std::uint32_t>(words.timeout_seconds * 1000);
  if (words.calls_limited) options.most_calls = words.most_calls;
  if (words.deadline_seconds > 0) options.deadline_seconds = words.deadline_seconds;
  if (!words.most_cost.empty()) {
    options.most_cost = money(words.most_cost);
    if (!options.server)
      throw Failure(ReturnCode::kRefused, "--max-cost is given, but no server", "the embedded enricher costs nothing");
  }
  options.now = now();
  return options;
}

Json report_json(const batch::EnrichReport& report) {
  Json json{{"enrichment", report.enrichment},
            {"file", report.file},
            {"file_sha256", report.file_sha256},
            {"batch", report.batch},
            {"rc", static_cast<int>(report.return_code)},
            {"records", report.records},
            {"annotated", report.annotated},
            {"undecided", report.undecided},
            {"by_category", report.by_category},
            {"by_source", report.by_source},
            {"by_flag", report.by_flag},
            {"questions", report.questions},
            {"stored", report.stored},
            {"answered", report.answered},
            {"repaired", report.repaired},
            {"unanswered", report.unanswered},
            {"why_unanswered", report.why_unanswered},
            {"calls", report.calls.attempts},
            {"retries", report.calls.retries},
            {"input_tokens", report.calls.input_tokens},
            {"output_tokens", report.calls.output_tokens},
            {"damaged_answers", report.damaged_answers},
            {"model", report.model},
            {"model_digest", report.model_digest},
            {"out", report.out},
            {"annotations", report.annotations},
            {"quarantine", report.quarantine},
            {"cost", report.cost ? Json(report.cost->text()) : Json(nullptr)},
            {"asking_seconds", report.asking_seconds},
            {"seconds", report.seconds}};
  if (!report.fact.empty()) json["fact"] = report.fact;
  if (!report.hint.empty()) json["hint"] = report.hint;
  return json;
}

std::string counts_text(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, grouped(count));
  return text.empty() ? "none" : text;
}

void print_text(const batch::EnrichReport& report) {
  fmt::print("{}: {} records = {} annotated + {} in quarantine\n", shown(report.file), grouped(report.records),
             grouped(report.annotated), grouped(report.undecided));
  fmt::print("  category: {}\n  source:   {}\n  flags:    {}\n", counts_text(report.by_category),
             counts_text(report.by_source), counts_text(report.by_flag));
  fmt::print("  questions: {} distinct, {} answered before, {} now ({} repaired), {} without an answer\n",
             grouped(report.questions), grouped(report.stored), grouped(report.answered), grouped(report.repaired),
             grouped(report.unanswered));
  fmt::print("  asked: {}{}, {} calls ({} retries), {} + {} tokens, {:.2f} s\n", shown(report.model),
             report.model_digest.empty() ? "" : " " + shown(report.model_digest.substr(0, 12)),
             grouped(report.calls.attempts), grouped(report.calls.retries), grouped(report.calls.input_tokens),
             grouped(report.calls.output_tokens), report.seconds);
  if (report.cost) fmt::print("  cost: {}\n", shown(report.cost->text()));
  if (report.damaged_answers > 0)
    fmt::print("  {} damaged lines of the store were left out\n", grouped(report.damaged_answers));
  fmt::print("  written: {}\n", shown(report.annotations));
  if (!report.out.empty()) fmt::print("           {}\n", shown(report.out));
}

void show_report(const batch::EnrichReport& report, Session& session) {
  session.ended_with(report.return_code);
  if (session.settings.json)
    fmt::print("{}\n", report_json(report).dump());
  else if (report.fact.empty())
    print_text(report);
  std::fflush(stdout);
  if (!report.fact.empty()) {
    print_failure(Failure(report.return_code, report.fact, report.hint));
  } else if (report.return_code == ReturnCode::kRejects) {
    const std::string why = report.unanswered > 0 ? fmt::format("; the first: {}", shown(report.first_problem)) : "";
    print_failure(Failure(ReturnCode::kRejects,
                          fmt::format("{} records are in quarantine, {} questions have no answer of the model{}",
                                      grouped(report.undecided), grouped(report.unanswered), why),
                          fmt::format("'{}' says why; the same command asks again", report.quarantine)));
  }
}

batch::EnrichReport with_progress(batch::EnrichOptions options,
                                  const std::function<batch::EnrichReport(const batch::EnrichOptions&)>& work) {
  EnrichLine line;
  options.progress = [&line](const batch::EnrichProgress& progress) { line.show(progress); };
  return work(options);
}

/// Files of the feed's pattern as they arrive whole, each into the folder --out. What was enriched so before is left.
void run_inbox(const Words& words, const batch::Enrichment& enrichment, Session& session) {
  constexpr auto kLookEvery = std::chrono::milliseconds(1000);
  batch::Inbox inbox(enrichment.feed.definition, words.inbox);
  bool first_look = true;
  while (!batch::interrupted()) {
    for (const batch::ArrivedFile& file : inbox.look()) {
      batch::EnrichOptions options = options_of(words, session);
      options.out = fs::path(words.out) / ("llm_" + file.path.filename().string());
      if (!batch::has_receipt(enrichment, file.path, options)) {
        const batch::EnrichReport report =
            with_progress(options, [&](const auto& with) { return batch::enrich_file(enrichment, file.path, with); });
        if (batch::interrupted()) return;  // what was answered is kept; the file is enriched at the next start
        show_report(report, session);
      }
      inbox.leave(file.path);
    }
    if (!words.watch && !inbox.settling() && (!first_look || inbox.waiting().empty())) return;
    first_look = false;
    std::this_thread::sleep_for(kLookEvery);
  }
}

void run_batch(const Words& words, const batch::Enrichment& enrichment, Session& session) {
  if (!words.out.empty() || !words.totals.empty())
    throw Failure(ReturnCode::kRefused, "--batch goes with neither --out nor --totals",
                  "annotations of postings stand in the store; ledgermill enrich export prints them");
  ledger::LedgerOptions ledger_options = session.ledger_options();
  ledger_options.create = ledger::LedgerOptions::Create::kNever;
  ledger_options.access = ledger::LedgerOptions::Access::kReadOnly;
  const auto ledger = ledger::open_ledger(ledger_options);
  const ledger::BatchSummary batch = ledger->find_batch(words.batch);
  show_report(with_progress(options_of(words, session),
                            [&](const auto& with) { return batch::enrich_postings(enrichment, *ledger, batch, with); }),
              session);
}

void run(const Words& words, Session& session) {
  const int sources = static_cast<int>(!words.file.empty()) + static_cast<int>(!words.batch.empty()) +
                      static_cast<int>(!words.inbox.empty());
  if (sources != 1)
    throw Failure(ReturnCode::kRefused, "name one of: a feed file, a folder (--inbox), a batch (--batch)");
  if (words.watch && words.inbox.empty())
    throw Failure(ReturnCode::kRefused, "--watch listens on a folder", "name it by --inbox FOLDER");
  if (words.out.empty() && words.batch.empty())
    throw Failure(ReturnCode::kRefused, "no output is named", "name it by --out FILE; with --inbox, --out FOLDER");
  const batch::Enrichment enrichment = enrichment_named(words, session);
  if (!words.batch.empty()) return run_batch(words, enrichment, session);
  if (!words.inbox.empty()) return run_inbox(words, enrichment, session);
  show_report(with_progress(options_of(words, session),
                            [&](const auto& with) { return batch::enrich_file(enrichment, words.file, with); }),
              session);
}

void print_plan(const batch::EnrichPlan& plan, const Session& session) {
  const auto optional = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  const auto cost = [](const std::optional<batch::Cost>& value) { return value ? Json(value->text()) : Json(nullptr); };
  if (session.settings.json) {
    fmt::print("{}\n", Json{{"records", plan.records},
                            {"undecided", plan.undecided},
                            {"questions", plan.questions},
                            {"stored", plan.stored},
                            {"calls", plan.to_ask},
                            {"request_bytes", plan.request_bytes},
                            {"most_input_tokens", plan.most_input_tokens},
                            {"most_output_tokens", plan.most_output_tokens},
                            {"input_tokens", optional(plan.input_tokens)},
                            {"output_tokens", optional(plan.output_tokens)},
                            {"seconds", optional(plan.seconds)},
                            {"expected_calls", optional(plan.calls)},
                            {"most_cost", cost(plan.most_cost)},
                            {"cost", cost(plan.cost)},
                            {"measured_answers", plan.measured_answers}}
                           .dump());
    return;
  }
  fmt::print("{} records, {} of them undecided: {} distinct questions, {} answered before, {} to ask\n",
             grouped(plan.records), grouped(plan.undecided), grouped(plan.questions), grouped(plan.stored),
             grouped(plan.to_ask));
  if (session.settings.model_server.empty()) {
    fmt::print("  the embedded enricher answers them; nothing is sent\n");
    return;
  }
  fmt::print("  at most {} tokens in (a token is at least one byte), {} out; {} bytes of requests\n",
             grouped(plan.most_input_tokens), grouped(plan.most_output_tokens), grouped(plan.request_bytes));
  if (plan.most_cost) fmt::print("  at most {}\n", shown(plan.most_cost->text()));
  if (plan.cost) fmt::print("  by the stored answers of this model {}\n", shown(plan.cost->text()));
  if (plan.seconds)
    fmt::print("  by {} stored answers of this model: {:.0f} tokens in, {:.0f} out, {:.1f} s\n",
               grouped(plan.measured_answers), *plan.input_tokens, *plan.output_tokens, *plan.seconds);
  else
    fmt::print("  time and tokens are not known: the store has no answer of this model yet (try --max-calls 5)\n");
}

void plan(const Words& words, Session& session) {
  if (words.file.empty())
    throw Failure(ReturnCode::kRefused, "no feed file is named", "plan reads a file, as run does");
  const batch::Enrichment enrichment = enrichment_named(words, session);
  print_plan(batch::plan_enrichment(enrichment, words.file, options_of(words, session)), session);
}

/// The annotations of a feed file, or those written last.
fs::path annotations_of(const Words& words, const Session& session) {
  const batch::EnrichmentStore store{session.settings.store};
  if (!words.file.empty()) {
    const fs::path path = store.annotations(words.enrichment, feed::digest_of(feed::SourceFile(words.file)));
    if (fs::exists(path)) return path;
    throw Failure(ReturnCode::kRefused,
                  fmt::format("'{}' was not enriched into '{}'", words.file, session.settings.store),
                  fmt::format("ledgermill enrich run {} {} --out FILE", words.enrichment, words.file));
  }
  const auto files = store.annotation_files(words.enrichment);
  if (files.empty()) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("there are no annotations of '{}' in '{}'", words.enrichment, session.settings.store),
                  fmt::format("ledgermill enrich run {} FILE --out FILE makes them", words.enrichment));
  }
  return files.front();
}

std::string csv_text(const Json& value) {
  if (value.is_array()) {
    std::string text;
    for (const Json& one : value) text += (text.empty() ? "" : " ") + one.get<std::string>();
    return enrich::csv_cell(text);
  }
  return value.is_string() ? enrich::csv_cell(value.get<std::string>()) : value.dump();
}

/// One line of the annotations as CSV; provenance is flattened to columns of its own.
std::string csv_line(const Json& annotation, bool names) {
  std::string line;
  const auto add = [&](const std::string& name, const Json& value) {
    line += (line.empty() ? "" : ",") + (names ? enrich::csv_cell(name) : csv_text(value));
  };
  for (const auto& [name, value] : annotation.items()) {
    if (!value.is_object()) add(name, value);
  }
  const Json& from = annotation.at("provenance");
  for (const char* name : {"model", "model_digest", "prompt_version", "asked_at", "verdict"})
    add(name, from.contains(name) ? from[name] : Json(""));
  return line + "\n";
}

void export_annotations(const Words& words, Session& session) {
  const fs::path path = annotations_of(words, session);
  std::ifstream in(path);
  UniqueFd file;
  if (!words.out.empty()) {
    file = UniqueFd(::open(words.out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!file)
      throw Failure(ReturnCode::kUnavailable, fmt::format("cannot create '{}': {}", words.out, errno_text(errno)));
  }
  std::string line;
  std::string buffer;
  constexpr std::size_t kBufferBytes = 1U << 20;
  const auto flush = [&] {
    if (file)
      write_all(file.get(), std::as_bytes(std::span(buffer)), words.out);
    else
      fmt::print("{}", buffer);
    buffer.clear();
  };
  bool first = true;
  while (std::getline(in, line)) {
    if (words.format == "csv") {
      const Json annotation = Json::parse(line);
      if (first) buffer += csv_line(annotation, true);
      buffer += csv_line(annotation, false);
    } else {
      buffer += line + "\n";
    }
    first = false;
    if (buffer.size() > kBufferBytes) flush();
  }
  if (in.bad()) throw Failure(ReturnCode::kUnavailable, fmt::format("cannot read '{}'", path.string()));
  flush();
}

/// Whether an annotation is about the key: its record's key field, or its question's id.
bool is_about(const Json& annotation, const std::string& key) {
  const auto items = annotation.items();
  auto second = items.begin();
  ++second;  // record_number stands first, the record's key field second
  return (second.value().is_string() && second.value().get<std::string>() == key) ||
         annotation.value("question", "") == key;
}

void show(const Words& words, Session& session) {
  const batch::EnrichmentStore store{session.settings.store};
  std::size_t found = 0;
  for (const fs::path& path : store.annotation_files(std::nullopt)) {
    std::ifstream in(path);
    std::string line;
    while (std::getline(in, line)) {
      if (line.find(words.key) == std::string::npos) continue;
      const Json annotation = Json::parse(line);
      if (!is_about(annotation, words.key)) continue;
      ++found;
      fmt::print("{}\n", session.settings.json ? line : annotation.dump(2));
    }
  }
  if (found == 0) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("no annotation of '{}' in '{}'", shown(words.key), session.settings.store),
                  "KEY is the value of the record's key field, e.g. its OrderID, or a question's id");
  }
}

Json share_json(const batch::Share& share) {
  return {
      {"of", share.of}, {"held", share.held}, {"share", share.value()}, {"low", share.low()}, {"high", share.high()}};
}

Json evaluation_json(const batch::Evaluation& evaluation) {
  Json json{{"golden", evaluation.golden},
            {"missing", evaluation.missing},
            {"annotations", evaluation.annotations},
            {"fallback", share_json(evaluation.fallback)},
            {"reasons", evaluation.reasons},
            {"repaired", share_json(evaluation.repaired)},
            {"models", evaluation.models},
            {"fields", Json::object()},
            {"same", Json::object()},
            {"only_here", evaluation.only_here}};
  for (const auto& [field, agreement] : evaluation.fields) {
    Json& of_field = json["fields"][field] = {{"all", share_json(agreement.all)}, {"by_label", Json::object()}};
    for (const auto& [label, share] : agreement.by_label) of_field["by_label"][label] = share_json(share);
    of_field["confusion"] = agreement.confusion;
  }
  for (const auto& [field, share] : evaluation.same) json["same"][field] = share_json(share);
  return json;
}

std::string share_text(const batch::Share& share) {
  return fmt::format("{} of {} ({:.1f} %, 95 % interval {:.1f} to {:.1f})", grouped(share.held), grouped(share.of),
                     100 * share.value(), 100 * share.low(), 100 * share.high());
}

void print_evaluation(const batch::Evaluation& evaluation) {
  fmt::print("{} golden records, {} of them without an annotation\n", grouped(evaluation.golden),
             grouped(evaluation.missing));
  for (const auto& [field, agreement] : evaluation.fields) {
    fmt::print("  {}: {}\n", shown(field), share_text(agreement.all));
    for (const auto& [label, share] : agreement.by_label) fmt::print("    {}: {}\n", shown(label), share_text(share));
  }
  fmt::print("{} annotations: fallback {}; repaired {}\n", grouped(evaluation.annotations),
             share_text(evaluation.fallback), share_text(evaluation.repaired));
  for (const auto& [field, share] : evaluation.same)
    fmt::print("  the same {} as before: {}\n", field, share_text(share));
}

fs::path annotations_of(const Words& words, const Session& session);

/// RC 4 when a field agrees less than --least, or a golden record has no annotation.
void evaluate(const Words& words, Session& session) {
  const fs::path annotations = annotations_of(words, session);
  std::optional<fs::path> baseline;
  if (!words.baseline.empty())
    baseline = fs::path(words.baseline) / annotations.parent_path().filename() / annotations.filename();
  const batch::Evaluation evaluation = batch::evaluate(annotations, words.golden, baseline);
  if (session.settings.json)
    fmt::print("{}\n", evaluation_json(evaluation).dump());
  else
    print_evaluation(evaluation);
  std::string low;
  for (const auto& [field, agreement] : evaluation.fields) {
    if (agreement.all.value() < words.least) low += (low.empty() ? "" : ", ") + shown(field);
  }
  if (low.empty() && evaluation.missing == 0) return;
  session.ended_with(ReturnCode::kRejects);
  print_failure(Failure(ReturnCode::kRejects,
                        low.empty() ? fmt::format("{} golden records have no annotation", evaluation.missing)
                                    : fmt::format("less than {} agreement: {}", words.least, low)));
}

void add_store_option(CLI::App& command, Session& session) {
  command.add_option("--store", session.settings.store, "Folder of answers and annotations [LEDGERMILL_STORE]")
      ->capture_default_str();
}

/// What `run` and `plan` have in common.
void add_asking_options(CLI::App& command, Words& words, Session& session) {
  command.add_option("enrichment", words.enrichment, "Name of the enrichment, or path of its definition (.yaml)")
      ->required();
  command.add_option("file", words.file, "Feed file to enrich");
  command.add_option("--totals", words.totals,
                     "File of totals, e.g. what OrderTotals wrote: the category is decided on each customer's totals");
  command.add_option("--model-server", session.settings.model_server,
                     "Address of a model server, e.g. http://127.0.0.1:11434; without it the embedded enricher "
                     "answers [LEDGERMILL_MODEL_SERVER]");
  command.add_option("--model", session.settings.model, "Model, as the server names it [LEDGERMILL_MODEL]");
  command.add_option("--model-key-file", session.settings.model_key_file,
                     "File whose first line is the server's key (or LEDGERMILL_MODEL_KEY) [LEDGERMILL_MODEL_KEY_FILE]");
  command.add_option("--dialect", words.dialect, "ollama, openai, or auto: found out")
      ->check(CLI::IsMember({"auto", "ollama", "openai"}))
      ->capture_default_str();
  command.add_option("--in-flight", words.in_flight, "Calls at once (default: the definition's)")
      ->check(CLI::Range(1, 256));
  command
      .add_option("--enrichments", session.settings.enrichments,
                  "Folder with enrichment definitions, looked in before ./enrichments and the installed ones "
                  "[LEDGERMILL_ENRICHMENTS]")
      ->allow_extra_args(false);
  add_store_option(command, session);
  add_feed_options(command, session);
  add_module_options(command, session);
  add_json_option(command, session);
}

void add_run_command(CLI::App& enrich, Session& session) {
  auto* command = enrich.add_subcommand("run", "Annotate every record of a feed file");
  auto words = std::make_shared<Words>();
  add_asking_options(*command, *words, session);
  command->add_option("--out", words->out,
                      "Text file to write: each record's line with category and recommendation; with --inbox a folder");
  command->add_option("--batch", words->batch, "Annotate the postings of this published batch instead of a file");
  command->add_option("--inbox", words->inbox, "Folder: enriches the files that the feed's 'files' pattern names");
  command->add_flag("--watch", words->watch, "With --inbox: keep listening until stopped");
  add_ledger_options(*command, session);
  command
      ->add_option("--timeout-seconds", words->timeout_seconds,
                   "For one call, the server's queue included (default: the definition's)")
      ->check(CLI::Range(0.01, 3600.0));
  command->add_option("--max-calls", words->most_calls, "Calls at most, retries included; what is left gets a fallback")
      ->each([words](const std::string&) { words->calls_limited = true; });
  command->add_option("--max-cost", words->most_cost,
                      "Money at most, e.g. 2.50, by the definition's prices; what is left gets a fallback");
  command->add_option("--deadline", words->deadline_seconds, "Seconds for the asking; what is left gets a fallback")
      ->check(CLI::Range(0.01, 864000.0));
  command->footer(
      "The same command after any crash asks only what was in flight; a second run asks nothing.\n"
      "RC 4: some records are in quarantine, or have a fallback text because the model gave no answer.\n\nExamples:\n"
      "  ledgermill enrich run orders transformed_orders.txt --out llm_transformed_orders.txt\n"
      "  ledgermill enrich run orders transformed_orders.txt --out llm_transformed_orders.txt \\\n"
      "      --model-server http://127.0.0.1:11434 --model deepseek-r1:7b\n"
      "  ledgermill enrich run orders --inbox out/ --watch --out enriched_orders/\n"
      "  ledgermill enrich run transactions --batch transactions-2025-03-30\n");
  command->callback([words, &session] { run(*words, session); });
}

void add_plan_command(CLI::App& enrich, Session& session) {
  auto* command = enrich.add_subcommand("plan", "Say what a run would ask, before anything is asked");
  auto words = std::make_shared<Words>();
  add_asking_options(*command, *words, session);
  command->footer(
      "Example:\n  ledgermill enrich plan orders transformed_orders.txt --model-server http://127.0.0.1:11434 --model "
      "deepseek-r1:7b\n");
  command->callback([words, &session] { plan(*words, session); });
}

void add_export_command(CLI::App& enrich, Session& session) {
  auto* command = enrich.add_subcommand("export", "Print the annotations of a feed file");
  auto words = std::make_shared<Words>();
  command->add_option("enrichment", words->enrichment, "Name of the enrichment")->required();
  command->add_option("file", words->file, "The feed file that was enriched (default: the one enriched last)");
  command->add_option("--format", words->format, "jsonl or csv")
      ->check(CLI::IsMember({"jsonl", "csv"}))
      ->capture_default_str();
  command->add_option("--out", words->out, "File to write (default: standard output)");
  add_store_option(*command, session);
  command->footer(
      "CSV cells that a spreadsheet would run (=, +, -, @) get a ' in front.\n\nExamples:\n"
      "  ledgermill enrich export orders --format jsonl\n"
      "  ledgermill enrich export orders transformed_orders.txt --format csv --out orders.csv\n");
  command->callback([words, &session] { export_annotations(*words, session); });
}

void add_show_command(CLI::App& enrich, Session& session) {
  auto* command = enrich.add_subcommand("show", "Show the annotations of one record, or of one question's records");
  auto words = std::make_shared<Words>();
  command->add_option("key", words->key, "Value of the record's key field, e.g. its OrderID; or a question's id")
      ->required();
  add_store_option(*command, session);
  add_json_option(*command, session);
  command->footer("Example:\n  ledgermill enrich show 1000\n");
  command->callback([words, &session] { show(*words, session); });
}

void add_evaluate_command(CLI::App& enrich, Session& session) {
  auto* command = enrich.add_subcommand("evaluate", "Compare annotations with a golden set, and with another model's");
  auto words = std::make_shared<Words>();
  command->add_option("enrichment", words->enrichment, "Name of the enrichment")->required();
  command->add_option("file", words->file, "The feed file that was enriched (default: the one enriched last)");
  command->add_option("--golden", words->golden, "JSON Lines: the record's key, and the values that it should have")
      ->required();
  command->add_option("--baseline", words->baseline, "Store of another run over the same file: says what drifted");
  command->add_option("--least", words->least, "RC 4 when a field agrees less, e.g. 0.95")->check(CLI::Range(0.0, 1.0));
  add_store_option(*command, session);
  add_json_option(*command, session);
  command->footer(
      "Example:\n  ledgermill enrich evaluate orders --golden golden.jsonl --store after/ --baseline before/\n");
  command->callback([words, &session] { evaluate(*words, session); });
}

}  // namespace

void add_enrich(CLI::App& app, Session& session) {
  auto* enrich = app.add_subcommand("enrich", "Annotate records: rules decide the category, a model writes a sentence");
  enrich->require_subcommand(1);
  add_run_command(*enrich, session);
  add_plan_command(*enrich, session);
  add_export_command(*enrich, session);
  add_show_command(*enrich, session);
  add_evaluate_command(*enrich, session);
}

}  // namespace ledgermill::cli
