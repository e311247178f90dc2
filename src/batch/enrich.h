// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "batch/decided_records.h"
#include "enrich/answer_store.h"
#include "enrich/model_server.h"
#include "ledger/ledger.h"
#include "record/plan.h"

namespace ledgermill::batch {

/// Where answers and annotations are kept (docs/formats/enrichment-store.md).
struct EnrichmentStore {
  std::filesystem::path folder;

  std::filesystem::path answers() const { return folder / "answers.jsonl"; }
  /// The annotations of one feed file, named by the digest of its bytes.
  std::filesystem::path annotations(const std::string& enrichment, const Digest& file) const;
  std::filesystem::path quarantine(const std::string& enrichment, const Digest& file) const;
  /// The annotations written last, of one enrichment or of all, newest first.
  std::vector<std::filesystem::path> annotation_files(const std::optional<std::string>& enrichment) const;
};

/// What tokens cost, rounded up to a millionth of the currency's unit.
struct Cost {
  std::string currency;
  std::uint64_t millionths = 0;

  static Cost of(const enrich::TokenPrice& price, std::uint64_t input_tokens, std::uint64_t output_tokens);
  std::string text() const;  ///< "0.001234 USD"
};

struct EnrichProgress {
  enum class Stage : std::uint8_t { kReading, kAsking, kWriting } stage{};
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::uint64_t unanswered = 0;
};

struct EnrichOptions {
  EnrichmentStore store;
  std::filesystem::path out;                         ///< the text file; replaced at once when it is whole. "" for none
  std::optional<enrich::ModelServerOptions> server;  ///< the embedded enricher when absent
  std::optional<std::uint32_t> in_flight;            ///< instead of the definition's
  std::optional<std::uint32_t> timeout_ms;
  std::optional<std::uint64_t> most_calls;
  std::optional<std::uint64_t> most_cost;  ///< in millionths of the unit; needs a price of the model
  std::optional<double> deadline_seconds;  ///< for the asking; what has no answer by then gets its category's own text
  Timestamp now;
  std::function<void(const EnrichProgress&)> progress;
};

/// What a run did. records = annotated + undecided; annotated = by rule + by model + fallback.
struct EnrichReport {
  std::string enrichment;
  std::string file;
  std::string file_sha256;
  std::string batch;  ///< id, of a run over postings
  std::uint64_t records = 0;
  std::uint64_t annotated = 0;
  std::uint64_t undecided = 0;  ///< in the quarantine file, with reasons
  std::map<std::string, std::uint64_t> by_category;
  std::map<std::string, std::uint64_t> by_source;  ///< rule, model, fallback
  std::map<std::string, std::uint64_t> by_flag;
  std::uint64_t questions = 0;  ///< distinct
  std::uint64_t stored = 0;     ///< of them, answered by an earlier run
  std::uint64_t answered = 0;   ///< of them, answered now
  std::uint64_t repaired = 0;
  std::uint64_t unanswered = 0;
  std::map<std::string, std::uint64_t> why_unanswered;  ///< by code
  std::string first_problem;                            ///< of the first unanswered question
  enrich::CallCounts calls;
  std::uint64_t damaged_answers = 0;  ///< lines of the store that could not be read
  std::string model;
  std::string model_digest;
  std::string out;
  std::string annotations;
  std::string quarantine;    ///< "" when nothing is in it
  std::optional<Cost> cost;  ///< of this run's calls, where the definition has a price
  double seconds = 0;
  double asking_seconds = 0;  ///< of them, between the first call and the last answer
  ReturnCode return_code = ReturnCode::kDone;
  std::string fact;
  std::string hint;
};

/// Enriches a feed file: decide every record, ask each distinct question that the store has no answer to, write every
/// record with its annotation. The same call after any crash asks only what was in flight. What concerns the file or
/// the server becomes the report's return code, fact and hint, as in run_file.
EnrichReport enrich_file(const Enrichment& enrichment, const std::filesystem::path& path, const EnrichOptions& options);

/// The same of the postings of a published batch: annotations only, beside the ledger, which is not written.
EnrichReport enrich_postings(const Enrichment& enrichment, ledger::Ledger& ledger, const ledger::BatchSummary& batch,
                             const EnrichOptions& options);

/// What a run would ask, before anything is asked.
struct EnrichPlan {
  std::uint64_t records = 0;
  std::uint64_t undecided = 0;
  std::uint64_t questions = 0;
  std::uint64_t stored = 0;
  std::uint64_t to_ask = 0;
  std::uint64_t request_bytes = 0;      ///< of all requests
  std::uint64_t most_input_tokens = 0;  ///< bytes of the prompts: a token is at least one byte
  std::uint64_t most_output_tokens = 0;
  /// From the stored answers of this model; nothing when there are none.
  std::optional<double> calls;  ///< repairs and retries included
  std::optional<double> input_tokens;
  std::optional<double> output_tokens;
  std::optional<double> seconds;
  std::uint64_t measured_answers = 0;
  std::optional<Cost> most_cost;  ///< where the definition has a price
  std::optional<Cost> cost;       ///< likewise, by the stored answers
};
EnrichPlan plan_enrichment(const Enrichment& enrichment, const std::filesystem::path& path,
                           const EnrichOptions& options);

}  // namespace ledgermill::batch
