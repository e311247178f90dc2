// SPDX-License-Identifier: Apache-2.0
#include "batch/posting.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/check.h"
#include "base/failure.h"
#include "batch/file_report.h"
#include "batch/interruption.h"
#include "batch/staging.h"
#include "batch/worker_pool.h"
#include "reject/reject_log.h"

namespace ledgermill::batch {

namespace {

using ledger::ClaimStatus;

constexpr auto kLookAgain = std::chrono::milliseconds(200);

ledger::WriteRejects reject_writer(const std::filesystem::path& root, const ledger::Registration& registration,
                                   const StagedChunk& chunk, std::uint64_t epoch) {
  return [&, epoch](std::span<const DatabaseRefusal> refusals) {
    return reject::write_part({root, registration.batch.rejects_folder}, registration.plan, registration.batch.id,
                              chunk, epoch, refusals);
  };
}

/// Ends a batch whose chunks are all done. False when another worker is about to.
bool finalise(ledger::Ledger& ledger, const ledger::Registration& registration) {
  const auto claimed = ledger.claim_finalising(registration.batch.number);
  if (claimed.status == ClaimStatus::kEnded) return true;
  if (claimed.status != ClaimStatus::kClaimed) return false;
  const ControlTotals totals = with_head(ledger.summary(registration.batch.number).totals, registration.plan);
  if (const auto why = refusal(registration.plan, totals)) {
    return ledger.refuse(*claimed.claim, *why) == ledger::PostOutcome::kPosted;
  }
  const ledger::Recount counted = ledger.recount(registration.batch.number, registration.plan);
  return ledger.publish(*claimed.claim, counted) == ledger::PostOutcome::kPosted;
}

/// A worker on a ledger that many processes may post to: claims, supplies, posts, and stays until the batch ended.
void work_until_ended(const PostingOptions& options, const ledger::Registration& registration,
                      const MakeSupply& make_supply) {
  const auto ledger = ledger::open_ledger(options.ledger);
  const BatchNumber batch = registration.batch.number;
  SupplyChunk supply;  // made when there is a chunk to judge: a judge process costs a millisecond
  while (true) {
    stop_if_interrupted();
    const ledger::ChunkClaimResult result = ledger->claim_chunk(batch);
    if (result.status == ClaimStatus::kEnded) return;
    if (result.status == ClaimStatus::kAllDone && finalise(*ledger, registration)) return;
    if (result.status != ClaimStatus::kClaimed) {
      std::this_thread::sleep_for(kLookAgain);
      continue;
    }
    const ledger::ChunkClaim& claim = *result.claim;
    if (!supply) supply = make_supply();
    auto renewed = std::chrono::steady_clock::now();
    bool lost = false;
    const auto after_block = [&] {
      if (interrupted()) {
        ledger->release(claim);
        stop_if_interrupted();
      }
      if (std::chrono::steady_clock::now() - renewed > options.ledger.lease / 4) {
        lost = lost || !ledger->renew(claim);
        renewed = std::chrono::steady_clock::now();
      }
    };
    const StagedChunk chunk = supply(claim.chunk, after_block);
    if (lost) continue;
    ledger->post_chunk(claim, registration.plan, chunk,
                       reject_writer(options.rejects_root, registration, chunk, claim.epoch));
  }
}

/// On a ledger that one process posts to: workers supply, this process posts.
void post_for_workers(ledger::Ledger& ledger, const PostingOptions& options, unsigned workers,
                      const ledger::Registration& registration, const MakeSupply& make_supply,
                      const std::function<void()>& tick) {
  const BatchNumber batch = registration.batch.number;
  std::map<ChunkNumber, ledger::ChunkClaim> claims;
  ChunkFlow flow;
  flow.next = [&]() -> std::optional<ChunkNumber> {
    const auto result = ledger.claim_chunk(batch);
    if (result.status != ClaimStatus::kClaimed) return std::nullopt;
    claims[result.claim->chunk] = *result.claim;
    return result.claim->chunk;
  };
  flow.take = [&](ChunkNumber number, std::span<const std::byte> bytes) {
    const StagedChunk chunk = unpack(bytes);
    const ledger::ChunkClaim claim = claims.at(number);
    claims.erase(number);
    ledger.post_chunk(claim, registration.plan, chunk,
                      reject_writer(options.rejects_root, registration, chunk, claim.epoch));
  };
  auto renewed = std::chrono::steady_clock::now();
  flow.tick = [&] {
    if (tick) tick();
    if (std::chrono::steady_clock::now() - renewed < options.ledger.lease / 4) return;
    renewed = std::chrono::steady_clock::now();
    // A claim lost meanwhile shows at the fence: post_chunk answers kLostClaim and posts nothing.
    for (const auto& [number, claim] : claims) static_cast<void>(ledger.renew(claim));
  };
  const auto make_work = [&make_supply]() -> ChunkWork {
    return [supply = make_supply()](ChunkNumber number) { return pack(supply(number, [] {}), PackRows::kIncluded); };
  };
  try {
    deal_chunks(workers, make_work, flow);
  } catch (const Failure&) {
    for (const auto& [number, claim] : claims) ledger.release(claim);
    throw;
  }
}

unsigned default_workers(ledger::Ledger::Posting posting) {
  const unsigned processors = usable_processors();
  if (posting == ledger::Ledger::Posting::kManyProcesses) return processors;
  return std::max(1U, processors - 1);  // the parent posts beside them
}

}  // namespace

std::optional<std::string> refusal(const Plan& plan, const ControlTotals& totals) {
  if (const std::string out = totals.imbalance(); !out.empty()) return "out of balance: " + out;
  if (totals.records != plan.records || totals.bytes != plan.file.bytes) {
    return fmt::format("out of balance: the plan has {} records in {} bytes, {} records in {} bytes were judged",
                       plan.records, plan.file.bytes, totals.records, totals.bytes);
  }
  const DeclaredTotals& declared = plan.declared;
  if (declared.records && *declared.records != totals.records) {
    return fmt::format("out of balance: {} records were declared, the file has {} ({:+})", *declared.records,
                       totals.records, static_cast<std::int64_t>(totals.records - *declared.records));
  }
  if (declared.sum) {
    for (const FieldSum& sum : totals.sums) {
      if (declared.sum_field && sum.field != *declared.sum_field) continue;
      const auto promised = ExactSum::from_text(*declared.sum, sum.scale);
      if (promised && *promised == sum.in && sum.unreadable == 0) continue;
      ExactSum difference = sum.in;
      if (promised) difference.minor_units -= promised->minor_units;
      return fmt::format(
          "out of balance: a sum of {} was declared for '{}', the file's readable records sum to {} "
          "(difference {}; {} records have no readable amount)",
          *declared.sum, sum.field, sum.in.text(sum.scale), difference.text(sum.scale), sum.unreadable);
    }
  }
  if (plan.limits.most_rejects && totals.rejected > *plan.limits.most_rejects) {
    return fmt::format("too many rejects: {} of {} records, the feed allows {}", totals.rejected, totals.records,
                       *plan.limits.most_rejects);
  }
  constexpr std::uint64_t kMillion = 1'000'000;
  if (plan.limits.most_rejects_ppm && totals.rejected * kMillion > totals.records * *plan.limits.most_rejects_ppm) {
    return fmt::format("too many rejects: {} of {} records, the feed allows a share of {}.{:06}", totals.rejected,
                       totals.records, *plan.limits.most_rejects_ppm / kMillion,
                       *plan.limits.most_rejects_ppm % kMillion);
  }
  return std::nullopt;
}

ledger::BatchSummary post_batch(ledger::Ledger& ledger, const ledger::Registration& registration,
                                const PostingOptions& options, const MakeSupply& make_supply,
                                const std::function<void()>& tick) {
  const unsigned workers = options.workers > 0 ? options.workers : default_workers(ledger.posting());
  const BatchNumber batch = registration.batch.number;
  if (ledger.posting() == ledger::Ledger::Posting::kManyProcesses && !registration.plan.chunks.empty()) {
    run_workers(
        workers, [&] { work_until_ended(options, registration, make_supply); }, tick);
    return ledger.summary(batch);
  }
  while (true) {  // until the batch ended: another process may hold a chunk, and may die with it
    if (!registration.plan.chunks.empty()) post_for_workers(ledger, options, workers, registration, make_supply, tick);
    if (finalise(ledger, registration)) return ledger.summary(batch);
    std::this_thread::sleep_for(kLookAgain);
    stop_if_interrupted();
  }
}

}  // namespace ledgermill::batch
