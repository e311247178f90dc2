// SPDX-License-Identifier: Apache-2.0
#include "batch/load.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/failure.h"
#include "batch/interruption.h"
#include "batch/staging.h"
#include "batch/worker_pool.h"
#include "feed/survey.h"
#include "reject/reject_log.h"

namespace ledgermill::batch {

namespace {

using Json = nlohmann::json;

/// Fills in a report's failure and time, whatever way the work ends.
FileReport reported(const std::string& feed, const std::filesystem::path& path,
                    const std::function<void(FileReport&)>& work) {
  const auto start = std::chrono::steady_clock::now();
  FileReport report;
  report.feed = feed;
  report.file = path.string();
  try {
    work(report);
  } catch (const Failure& failure) {
    report.return_code = failure.code();
    report.fact = failure.fact();
    report.hint = failure.hint();
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

ReturnCode code_for(const ControlTotals& totals) {
  return totals.rejected > 0 ? ReturnCode::kRejects : ReturnCode::kDone;
}

/// Tells the observer how far a file is.
class Teller {
 public:
  Teller(const ProgressObserver& observer, const std::filesystem::path& path, std::uint64_t bytes_total)
      : observer_(observer) {
    progress_.file = path.filename().string();
    progress_.bytes_total = bytes_total;
  }

  void surveyed(std::uint64_t bytes) {
    if (!observer_) return;
    progress_.stage = Progress::Stage::kSurveying;
    progress_.bytes_done = bytes;
    observer_(progress_);
  }
  void loaded(std::uint64_t skip_bytes) {
    if (!observer_) return;
    const SharedCounters& counters = board_.counters();
    progress_.stage = Progress::Stage::kLoading;
    progress_.bytes_done = std::min(progress_.bytes_total, skip_bytes + counters.bytes.load(std::memory_order_relaxed));
    progress_.records = counters.records.load(std::memory_order_relaxed);
    progress_.rejected = counters.rejected.load(std::memory_order_relaxed);
    observer_(progress_);
  }
  SharedCounters& counters() { return board_.counters(); }

 private:
  const ProgressObserver& observer_;
  Progress progress_;
  ProgressBoard board_;
};

void count(SharedCounters& counters, const ChunkIngester::BlockDone& block) {
  counters.bytes.fetch_add(block.bytes, std::memory_order_relaxed);
  counters.records.fetch_add(block.records, std::memory_order_relaxed);
  counters.rejected.fetch_add(block.rejected, std::memory_order_relaxed);
}

Plan survey_file(const Feed& feed, const feed::SourceFile& file, const JudgeOptions& options, feed::ByteCheck check,
                 Teller& teller) {
  feed::SurveyOptions survey_options;
  survey_options.chunk_bytes = options.chunk_bytes;
  survey_options.now = options.now;
  survey_options.business_date = options.business_date;
  survey_options.declared = options.declared;
  survey_options.digests = check == feed::ByteCheck::kDigest;
  survey_options.progress = [&teller](std::uint64_t bytes) {
    teller.surveyed(bytes);
    stop_if_interrupted();
  };
  Plan plan = feed::survey(file, feed.definition, survey_options);
  if (feed.module) plan.module = feed.module->digest;
  return plan;
}

/// Looked at before work begins, so that a full disk is met before the first record and not in the middle.
void require_room(std::filesystem::path folder, std::uint64_t bytes) {
  std::error_code error;
  folder = std::filesystem::absolute(folder);
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (error || space.available >= bytes) return;  // a file system that cannot tell, tells by failing
  throw Failure(
      ReturnCode::kUnavailable,
      fmt::format("'{}' has room for {} bytes, this file may need {}", folder.string(), space.available, bytes),
      "make room, then run the same command again");
}

unsigned worker_count(const JudgeOptions& options, const Plan& plan) {
  const unsigned wanted = options.workers > 0 ? options.workers : usable_processors();
  return std::max(1U, std::min<unsigned>(wanted, static_cast<unsigned>(plan.chunks.size())));
}

/// Dealt to a worker of `check` beside the chunks: the digest of the file, which takes as long as half the judging.
constexpr ChunkNumber kWholeFile{0};

/// What a worker of `check` and `ingest` tells of a chunk. (The rows stay where they are.)
struct ChunkTold {
  ControlTotals totals;
  ReasonCounts reasons;
  std::uint64_t judge_nanoseconds = 0;
  std::vector<ShownReject> first_rejects;
};

std::vector<std::byte> to_bytes(const ChunkTold& told) {
  Json rejects = Json::array();
  for (const ShownReject& reject : told.first_rejects)
    rejects.push_back({reject.record_number, reject.line, reject.reason, reject.row});
  const std::string text =
      Json{
          {"totals", totals_to_json(told.totals)},
          {"reasons", told.reasons},
          {"judge_nanoseconds", told.judge_nanoseconds},
          {"first_rejects", rejects},
      }
          .dump();
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

ChunkTold from_bytes(std::span<const std::byte> bytes) {
  const Json json = Json::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  ChunkTold told{totals_from_json(json.at("totals").get<std::string>()),
                 json.at("reasons").get<ReasonCounts>(),
                 json.at("judge_nanoseconds").get<std::uint64_t>(),
                 {}};
  for (const Json& reject : json.at("first_rejects")) {
    told.first_rejects.push_back({reject.at(0).get<std::uint64_t>(), reject.at(1).get<std::uint64_t>(),
                                  reject.at(2).get<std::string>(), reject.at(3).get<std::string>()});
  }
  return told;
}

/// What `check` and `ingest` do differently with the chunks of a plan. All but `wanted` is called in workers.
struct ChunkUse {
  feed::ByteCheck check{};  ///< kNone: the plan has no digests, and the file's is a worker's first piece of work
  std::function<bool(ChunkNumber)> wanted;
  std::function<std::optional<StagedChunk>(ChunkNumber)> made_before;
  /// Takes a judged chunk; returns the first rejects to show.
  std::function<std::vector<ShownReject>(const StagedChunk&)> take;
};

/// Chunks of the plan that `use.wanted` accepts, judged by worker processes; what they tell is added to the report.
void judge_chunks(const Feed& feed, const feed::SourceFile& file, const Plan& plan, const JudgeOptions& options,
                  Teller& teller, const ChunkUse& use, FileReport& report) {
  std::size_t next = 0;
  bool digest_is_due = use.check == feed::ByteCheck::kNone;
  std::map<ChunkNumber, std::vector<ShownReject>> first_rejects;
  ChunkFlow flow;
  flow.next = [&]() -> std::optional<ChunkNumber> {
    if (std::exchange(digest_is_due, false)) return kWholeFile;
    while (next < plan.chunks.size() && !use.wanted(plan.chunks[next].number)) ++next;
    if (next == plan.chunks.size()) return std::nullopt;
    return plan.chunks[next++].number;
  };
  flow.take = [&](ChunkNumber number, std::span<const std::byte> bytes) {
    if (number == kWholeFile) {
      std::copy(bytes.begin(), bytes.end(), report.identity->sha256.bytes.begin());
      return;
    }
    ChunkTold told = from_bytes(bytes);
    report.totals += told.totals;
    for (const auto& [code, records] : told.reasons) report.reasons[code] += records;
    report.judge_nanoseconds += told.judge_nanoseconds;
    if (!told.first_rejects.empty()) first_rejects[number] = std::move(told.first_rejects);
  };
  flow.tick = [&] { teller.loaded(plan.head.bytes()); };
  const auto make_work = [&]() -> ChunkWork {
    return [&, ingester = std::make_shared<ChunkIngester>(feed, plan, file, use.check)](ChunkNumber number) {
      if (number == kWholeFile) {
        const Digest digest = feed::digest_of(file);
        return std::vector<std::byte>(digest.bytes.begin(), digest.bytes.end());
      }
      if (const auto before = use.made_before(number)) {
        count(teller.counters(), {before->totals.bytes, before->totals.records, before->totals.rejected});
        return to_bytes({before->totals, count_reasons(*before, plan.module_rules), 0, {}});
      }
      const std::uint64_t nanoseconds_before = ingester->judge_counts().nanoseconds;
      const StagedChunk chunk =
          ingester->ingest(number, [&](const ChunkIngester::BlockDone& block) { count(teller.counters(), block); });
      return to_bytes({chunk.totals, count_reasons(chunk, plan.module_rules),
                       ingester->judge_counts().nanoseconds - nanoseconds_before, use.take(chunk)});
    };
  };
  deal_chunks(worker_count(options, plan), make_work, flow);
  for (auto& [number, rejects] : first_rejects) {
    for (ShownReject& reject : rejects) report.first_rejects.push_back(std::move(reject));
  }
}

void describe_registration(const ledger::Registration& registration, const Plan& ours, FileReport& report) {
  const ledger::BatchSummary& batch = registration.batch;
  report.batch = batch.id.text;
  switch (registration.outcome) {
    case ledger::Registration::Outcome::kRegistered:
    case ledger::Registration::Outcome::kResumed:
      return;
    case ledger::Registration::Outcome::kAlreadyPosted:
      report.duplicate_of = batch.id.text;
      report.published = batch.state == ledger::BatchState::kPublished;
      report.totals = with_head(batch.totals, ours);
      report.reasons = batch.reasons;
      return;
    case ledger::Registration::Outcome::kRefusedBefore:
      throw Failure(ReturnCode::kRefused,
                    fmt::format("this file was refused before, as batch '{}': {}", batch.id.text, batch.refusal),
                    fmt::format("when the cause is mended: ledgermill batches discard {}, then the same command again",
                                batch.id.text));
    case ledger::Registration::Outcome::kBusinessDateTaken:
      throw Failure(
          ReturnCode::kRefused,
          fmt::format("other bytes are posted for feed '{}' and business date {}, as batch '{}' from file '{}'",
                      batch.feed, batch.business_date ? batch.business_date->text() : "", batch.id.text,
                      batch.file.name),
          fmt::format("if this file replaces them, say so: --corrects {}", batch.id.text));
    case ledger::Registration::Outcome::kNothingToCorrect:
      throw Failure(ReturnCode::kRefused, "--corrects names no published batch of this feed and business date",
                    "ledgermill batches list shows what is published");
  }
}

/// Half a batch is never judged by other rules than the rest.
void check_same_rules(const ledger::Registration& registration, const Plan& ours) {
  const bool definition = registration.plan.definition == ours.definition;
  const bool module = registration.plan.module == ours.module;
  if (definition && module) return;
  const std::string& id = registration.batch.id.text;
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("batch '{}' was begun with another {} (digest {}, now {})", id,
                  definition ? "rule module" : "feed definition",
                  definition ? (registration.plan.module ? registration.plan.module->hex12() : "none")
                             : registration.plan.definition.hex12(),
                  definition ? (ours.module ? ours.module->hex12() : "none") : ours.definition.hex12()),
      fmt::format("put the former one back and run the same command, or begin anew: ledgermill batches discard {}",
                  id));
}

void finish_report(const ledger::BatchSummary& summary, const Plan& plan, FileReport& report) {
  FileReport ended = report_of(summary, plan);
  ended.feed = report.feed;
  ended.file = report.file;
  report = std::move(ended);
}

}  // namespace

Feed prepare_feed(feed::FeedDefinition definition, const rules::ModulePlaces& places) {
  Feed feed{std::move(definition), std::nullopt};
  if (feed.definition.module) {
    feed.module = rules::resolve_module(feed.definition.name, feed.definition.layout, *feed.definition.module, places);
  }
  return feed;
}

FileReport check_file(const Feed& feed, const std::filesystem::path& path, const JudgeOptions& options,
                      std::size_t show_rejects) {
  return reported(feed.definition.name, path, [&](FileReport& report) {
    const feed::SourceFile file(path);
    Teller teller(options.progress, path, file.bytes());
    const Plan plan = survey_file(feed, file, options, feed::ByteCheck::kNone, teller);
    report.identity = plan.file;
    report.totals = ControlTotals::zero(plan.layout);
    const auto first_rejects = [&](const StagedChunk& chunk) {
      std::vector<ShownReject> shown;
      for (const StagedReject& reject : chunk.rejects) {
        if (shown.size() == show_rejects) break;
        const Json line = Json::parse(reject::render(plan, BatchId{}, chunk, reject));
        shown.push_back({line.at("record_number").get<std::uint64_t>(), line.at("line").get<std::uint64_t>(),
                         line.at("reason").get<std::string>(), line.at("row").get<std::string>()});
      }
      return shown;
    };
    // Nothing is kept of a chunk, and check_unchanged below tells whether the file was replaced: one digest will do.
    const ChunkUse use{feed::ByteCheck::kNone, [](ChunkNumber) { return true; },
                       [](ChunkNumber) { return std::nullopt; }, first_rejects};
    judge_chunks(feed, file, plan, options, teller, use, report);
    file.check_unchanged();
    if (report.first_rejects.size() > show_rejects) report.first_rejects.resize(show_rejects);
    report.totals = with_head(report.totals, plan);
    if (const auto why = refusal(plan, report.totals)) throw Failure(ReturnCode::kRefused, *why);
    report.return_code = code_for(report.totals);
  });
}

FileReport run_file(const Feed& feed, const std::filesystem::path& path, const RunOptions& options) {
  return reported(feed.definition.name, path, [&](FileReport& report) {
    const feed::SourceFile file(path);
    Teller teller(options.judge.progress, path, file.bytes());
    const Plan plan = survey_file(feed, file, options.judge, feed::ByteCheck::kDigest, teller);
    report.identity = plan.file;
    report.totals = ControlTotals::zero(plan.layout);
    require_room(options.posting.rejects_root, file.bytes());  // every record may be a reject
    const auto ledger = ledger::open_ledger(options.posting.ledger);
    ledger->prepare_table(plan);
    const ledger::Registration registration =
        ledger->register_batch(plan, options.corrects, options.posting.rejects_root.string());
    describe_registration(registration, plan, report);
    if (report.duplicate_of) return;
    check_same_rules(registration, plan);
    PostingOptions posting = options.posting;
    posting.workers = options.judge.workers;
    posting.rejects_root = registration.batch.rejects_root;
    const MakeSupply make_supply = [&]() -> SupplyChunk {
      return [&, ingester = std::make_shared<ChunkIngester>(feed, registration.plan, file, feed::ByteCheck::kDigest)](
                 ChunkNumber number, const std::function<void()>& after_block) {
        return ingester->ingest(number, [&](const ChunkIngester::BlockDone& block) {
          count(teller.counters(), block);
          after_block();
        });
      };
    };
    const ledger::BatchSummary ended =
        post_batch(*ledger, registration, posting, make_supply, [&] { teller.loaded(registration.plan.head.bytes()); });
    finish_report(ended, registration.plan, report);
  });
}

FileReport ingest_file(const Feed& feed, const std::filesystem::path& path, const JudgeOptions& options,
                       const std::filesystem::path& out, const Shard& shard) {
  return reported(feed.definition.name, path, [&](FileReport& report) {
    LM_CHECK(shard.count > 0 && shard.index < shard.count, "a shard is one of its count");
    const feed::SourceFile file(path);
    Teller teller(options.progress, path, file.bytes());
    const Plan surveyed = survey_file(feed, file, options, feed::ByteCheck::kDigest, teller);
    require_room(out, file.bytes());
    const Plan plan = stage_plan(out, surveyed);
    report.identity = plan.file;
    report.batch = BatchId::of(plan.feed, plan.business_date, plan.file.sha256, 1).text;
    report.totals = ControlTotals::zero(plan.layout);
    const ChunkUse use{feed::ByteCheck::kDigest,
                       [&](ChunkNumber number) { return (to_int(number) - 1) % shard.count == shard.index; },
                       [&](ChunkNumber number) { return find_chunk(out, plan, number); },
                       [&](const StagedChunk& chunk) {
                         stage_chunk(out, plan, chunk);
                         return std::vector<ShownReject>{};
                       }};
    if (!plan.chunks.empty()) judge_chunks(feed, file, plan, options, teller, use, report);
    file.check_unchanged();
    if (shard.index == 0) report.totals = with_head(report.totals, plan);
    report.return_code = code_for(report.totals);
  });
}

namespace {

/// A staged set fits a batch that was registered before only if both cut the file in the same places.
void check_same_chunks(const ledger::Registration& registration, const Plan& staged) {
  const auto same = [](const ChunkPlan& a, const ChunkPlan& b) {
    return a.first_byte == b.first_byte && a.bytes == b.bytes;
  };
  const std::vector<ChunkPlan>& stored = registration.plan.chunks;
  if (std::equal(stored.begin(), stored.end(), staged.chunks.begin(), staged.chunks.end(), same)) return;
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("batch '{}' was begun with other chunks than these staged files have", registration.batch.id.text),
      fmt::format("go on as it was begun, or begin anew: ledgermill batches discard {}", registration.batch.id.text));
}

void post_set(const StagedSet& set, const PostingOptions& options, const std::optional<BatchId>& corrects,
              const ProgressObserver& progress, FileReport& report) {
  report.identity = set.plan.file;
  report.totals = ControlTotals::zero(set.plan.layout);
  if (const auto missing = set.missing(); !missing.empty()) {
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("'{}': {} of {} chunks are not staged yet, the first is chunk {}", set.plan_file.string(),
                              missing.size(), set.plan.chunks.size(), to_int(missing.front())),
                  "let every shard of 'ledgermill ingest' end, then run the same command again");
  }
  const auto ledger = ledger::open_ledger(options.ledger);
  ledger->prepare_table(set.plan);
  const ledger::Registration registration = ledger->register_batch(set.plan, corrects, options.rejects_root.string());
  describe_registration(registration, set.plan, report);
  if (report.duplicate_of) return;
  check_same_rules(registration, set.plan);
  check_same_chunks(registration, set.plan);
  Teller teller(progress, set.plan.file.name, set.plan.file.bytes);
  PostingOptions posting = options;
  posting.rejects_root = registration.batch.rejects_root;
  const MakeSupply make_supply = [&]() -> SupplyChunk {
    return [&](ChunkNumber number, const std::function<void()>& after_block) {
      StagedChunk chunk = read_staged(set, number);
      count(teller.counters(), {chunk.totals.bytes, chunk.totals.records, chunk.totals.rejected});
      after_block();
      return chunk;
    };
  };
  const ledger::BatchSummary ended =
      post_batch(*ledger, registration, posting, make_supply, [&] { teller.loaded(set.plan.head.bytes()); });
  finish_report(ended, registration.plan, report);
}

}  // namespace

FileReport post_staged(const StagedSet& set, const PostingOptions& options, const std::optional<BatchId>& corrects,
                       const ProgressObserver& progress) {
  return reported(set.plan.feed, set.plan.file.name,
                  [&](FileReport& report) { post_set(set, options, corrects, progress, report); });
}

FileReport report_of(const ledger::BatchSummary& summary, const Plan& plan) {
  FileReport report;
  report.feed = summary.feed;
  report.file = summary.file.name;
  report.identity = summary.file;
  report.batch = summary.id.text;
  report.totals = with_head(summary.totals, plan);
  report.reasons = summary.reasons;
  report.published = summary.state == ledger::BatchState::kPublished;
  switch (summary.state) {
    case ledger::BatchState::kPublished:
    case ledger::BatchState::kSuperseded:
      report.return_code = code_for(report.totals);
      break;
    case ledger::BatchState::kRefused:
      report.return_code = ReturnCode::kRefused;
      report.fact = summary.refusal;
      report.hint = fmt::format(
          "nothing of it is visible; its rejects: ledgermill rejects summary {0}; to try again: "
          "ledgermill batches discard {0}",
          summary.id.text);
      break;
    case ledger::BatchState::kDiscarded:
      report.return_code = ReturnCode::kRefused;
      report.fact = fmt::format("batch '{}' was discarded while it was loaded", summary.id.text);
      report.hint = "run the same command again for the next attempt";
      break;
    case ledger::BatchState::kPlanned:
    case ledger::BatchState::kLoading:
    case ledger::BatchState::kLoaded:
      report.return_code = ReturnCode::kUnavailable;
      report.fact = fmt::format("batch '{}' has not ended", summary.id.text);
      report.hint = "run the same command again";
      break;
  }
  return report;
}

}  // namespace ledgermill::batch
