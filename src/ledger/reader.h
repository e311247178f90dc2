// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"

namespace ledgermill::ledger {

/// What became of one summed field of a feed: in = posted + rejected + refused + unreconciled.
struct MoneyFlow {
  std::string field;  ///< label
  std::uint8_t scale = 0;
  ExactSum in, posted, rejected;
  ExactSum refused;              ///< of batches refused as a whole
  ExactSum unreconciled;         ///< of batches that have not ended: as far as they are judged
  std::uint64_t unreadable = 0;  ///< records whose cell could not be read

  bool operator==(const MoneyFlow&) const = default;
};

/// What a feed did. A superseded or discarded batch counts as a batch only: its correction, or its next attempt, has
/// its records. records_in = posted + rejected + refused + unreconciled.
struct FeedTotals {
  std::string feed;
  std::uint64_t published = 0, refused = 0, open = 0, superseded = 0, discarded = 0;  ///< batches
  std::uint64_t out_of_balance = 0;  ///< published batches whose totals do not add up: must be 0
  std::uint64_t records_in = 0, records_posted = 0, records_rejected = 0, records_refused = 0;
  std::uint64_t records_unreconciled = 0;  ///< of batches that have not ended: as planned
  std::vector<MoneyFlow> money;
  ReasonCounts reasons;
  std::optional<Timestamp> last_planned_at, last_published_at, oldest_open_at;

  std::uint64_t arrived() const { return published + refused + open + superseded; }
};

/// A chunk with its place in the file and its times.
struct ChunkRow {
  ChunkStatus status;
  std::uint64_t first_record = 0, records = 0;
  std::uint64_t first_byte = 0, bytes = 0;
  std::optional<Timestamp> claimed_at, done_at;
};

/// One time that the file of a batch was brought.
struct Delivery {
  std::string file_name, disposition;
  Timestamp seen_at;
};

/// A field of a posting as text; nothing for NULL.
struct PostedField {
  std::size_t field = 0;  ///< index in the plan's layout
  std::optional<std::string> value;
};

struct ReaderOptions {
  LedgerOptions ledger;
  std::chrono::milliseconds statement_timeout{5'000};  ///< PostgreSQL; a query over it is Failure RC 12
};

/// Answers what a ledger holds, by a connection that cannot write: a SQLite file is opened read-only, a PostgreSQL
/// session's transactions are read-only. Every list goes by key, so no answer grows with the ledger, but
/// `feed_totals`, which grows with the batches of its span. The same tests run on both kinds (tests/contract).
///
/// One object is one connection, used by one thread at a time. Any member may throw Failure; after one, open another.
class Reader {
 public:
  virtual ~Reader() = default;

  virtual std::string address() const = 0;

  struct BatchFilter {
    std::string feed;  ///< "" for all
    std::optional<BatchState> state;
    enum class Having : std::uint8_t { kAny, kRejects } having = Having::kAny;
    std::int64_t before_number = 0;  ///< only numbers below; 0 for the newest
    std::uint32_t most = 50;
  };
  virtual std::vector<BatchSummary> batches(const BatchFilter& filter) = 0;  ///< newest first
  /// Batches whose id, file name or file digest begins with `text`, or whose file was brought under such a name.
  virtual std::vector<BatchSummary> search(std::string_view text, std::int64_t before_number, std::uint32_t most) = 0;
  virtual std::optional<BatchSummary> batch(const BatchId& id) = 0;
  virtual Plan plan(BatchNumber batch) = 0;
  /// Chunks with a number above `after`, ascending.
  virtual std::vector<ChunkRow> chunks(BatchNumber batch, std::uint32_t after, std::uint32_t most) = 0;
  virtual std::optional<ChunkRow> chunk_of_record(BatchNumber batch, RecordNumber record) = 0;
  virtual std::vector<Delivery> deliveries(BatchNumber batch, std::uint32_t most) = 0;  ///< newest first
  /// The posted record; nothing when the ledger's table has none of this number.
  virtual std::optional<std::vector<PostedField>> posting(BatchNumber batch, const Plan& plan, RecordNumber record) = 0;

  struct Span {
    Timestamp from{0};
    Timestamp until{std::numeric_limits<std::int64_t>::max()};
  };
  /// By feed, over the batches planned in [from, until); feeds ascending.
  virtual std::vector<FeedTotals> feed_totals(const Span& span) = 0;
};

/// Failure as `open_ledger`; the ledger must be there.
std::unique_ptr<Reader> open_reader(const ReaderOptions& options);

}  // namespace ledgermill::ledger
