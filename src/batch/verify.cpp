// SPDX-License-Identifier: Apache-2.0
#include "batch/verify.h"

#include <fmt/core.h>

#include "base/failure.h"
#include "batch/file_report.h"
#include "reject/reject_log.h"

namespace ledgermill::batch {

namespace {

constexpr std::size_t kMostNamed = 5;  // record numbers named in a difference

/// Which of the records 1..n were seen, and those seen twice or out of range.
class RecordSet {
 public:
  explicit RecordSet(std::uint64_t records) : seen_(records + 1, false) {}

  /// False when the number is out of range or was seen before.
  bool add(std::uint64_t number) {
    if (number == 0 || number >= seen_.size() || seen_[number]) return false;
    seen_[number] = true;
    return true;
  }
  bool has(std::uint64_t number) const { return seen_[number]; }

 private:
  std::vector<bool> seen_;
};

/// "3, 17, 18 (and 4 more)"
class NumberList {
 public:
  void add(std::uint64_t number) {
    ++count_;
    if (count_ <= kMostNamed) text_ += fmt::format("{}{}", text_.empty() ? "" : ", ", number);
  }
  bool empty() const { return count_ == 0; }
  std::string text() const {
    return count_ > kMostNamed ? fmt::format("{} (and {} more)", text_, count_ - kMostNamed) : text_;
  }

 private:
  std::uint64_t count_ = 0;
  std::string text_;
};

void read_rejects(ledger::Ledger& ledger, Verification& result, RecordSet& rejected) {
  NumberList twice;
  for (const ledger::ChunkStatus& chunk : ledger.chunks(result.batch.number)) {
    const std::uint64_t logged_before = result.logged_rejects;
    if (chunk.part) {
      try {
        reject::read_part(result.batch.rejects_root, *chunk.part, [&](reject::LoggedReject&& reject) {
          ++result.logged_rejects;
          if (reject.batch != result.batch.id.text || reject.file_sha256 != result.batch.file.sha256.hex()) {
            result.differences.push_back(
                fmt::format("reject part '{}' holds a record of batch '{}'", chunk.part->name, reject.batch));
            return false;
          }
          if (!rejected.add(reject.record_number)) twice.add(reject.record_number);
          return true;
        });
      } catch (const Failure& failure) {
        result.differences.push_back(failure.fact());
      }
    }
    if (result.logged_rejects - logged_before != chunk.rejected) {
      result.differences.push_back(fmt::format("chunk {}: {} rejects recorded, {} in the reject log",
                                               to_int(chunk.number), chunk.rejected,
                                               result.logged_rejects - logged_before));
    }
  }
  if (!twice.empty())
    result.differences.push_back("in the reject log twice, or beyond the file's records: " + twice.text());
}

}  // namespace

Verification verify_batch(ledger::Ledger& ledger, const ledger::BatchSummary& batch) {
  if (batch.state != ledger::BatchState::kPublished && batch.state != ledger::BatchState::kSuperseded) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("batch '{}' is {}, not published", batch.id.text, batch_state_name(batch.state)),
                  "only a published batch can be verified");
  }
  const Plan plan = ledger.plan(batch.number);
  Verification result;
  result.batch = batch;
  const ControlTotals totals = with_head(batch.totals, plan);
  result.sums = totals.sums;
  if (const std::string out = totals.imbalance(); !out.empty()) result.differences.push_back(out);
  if (totals.records != plan.records || totals.bytes != plan.file.bytes) {
    result.differences.push_back(fmt::format("planned {} records in {} bytes, recorded {} records in {} bytes",
                                             plan.records, plan.file.bytes, totals.records, totals.bytes));
  }

  const ledger::Recount counted = ledger.recount(batch.number, plan);
  result.postings = counted.postings;
  if (counted.postings != totals.accepted) {
    result.differences.push_back(
        fmt::format("{} records recorded as posted, {} are in the table", totals.accepted, counted.postings));
  }
  for (std::size_t i = 0; i < totals.sums.size(); ++i) {
    result.sums[i].posted = counted.sums.at(i);
    if (!(counted.sums[i] == totals.sums[i].posted)) {
      result.differences.push_back(fmt::format("field '{}': {} recorded as posted, the table sums to {}",
                                               totals.sums[i].field, totals.sums[i].posted.text(totals.sums[i].scale),
                                               counted.sums[i].text(totals.sums[i].scale)));
    }
  }

  RecordSet posted(plan.records);
  RecordSet rejected(plan.records);
  NumberList posted_twice;
  ledger.visit_record_numbers(batch.number, plan, [&](std::span<const std::uint64_t> numbers) {
    for (const std::uint64_t number : numbers) {
      if (!posted.add(number)) posted_twice.add(number);
    }
  });
  read_rejects(ledger, result, rejected);
  NumberList both;
  NumberList neither;
  for (std::uint64_t number = 1; number <= plan.records; ++number) {
    if (posted.has(number) && rejected.has(number)) both.add(number);
    if (!posted.has(number) && !rejected.has(number)) neither.add(number);
  }
  if (!posted_twice.empty())
    result.differences.push_back("posted twice, or beyond the file's records: " + posted_twice.text());
  if (!both.empty()) result.differences.push_back("records both posted and rejected: " + both.text());
  if (!neither.empty()) result.differences.push_back("records neither posted nor rejected: " + neither.text());
  return result;
}

}  // namespace ledgermill::batch
