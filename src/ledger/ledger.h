// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "record/batch_id.h"
#include "record/control_totals.h"
#include "record/plan.h"
#include "record/reject_part.h"
#include "record/staged_chunk.h"

namespace ledgermill::ledger {

/// planned → loading → loaded → published; or refused, or discarded; a published one may become superseded.
/// The key of the postings is a constraint of their table from the first row on, so there is no state "keyed".
enum class BatchState : std::uint8_t { kPlanned, kLoading, kLoaded, kPublished, kRefused, kDiscarded, kSuperseded };
const char* batch_state_name(BatchState state);

struct BatchSummary {
  BatchNumber number{};
  BatchId id;
  std::string feed;
  std::string table;
  std::optional<BusinessDate> business_date;
  std::uint32_t attempt = 1;
  BatchState state = BatchState::kPlanned;
  FileIdentity file;
  std::uint64_t records = 0;  ///< planned
  std::uint32_t chunks = 0;
  std::uint32_t chunks_done = 0;
  ControlTotals totals;  ///< of the chunks that are done
  ReasonCounts reasons;  ///< likewise
  std::string refusal;   ///< why, when refused
  std::optional<BatchId> corrects;
  std::string rejects_root;    ///< root of the reject log, as registered
  std::string rejects_folder;  ///< of this batch's parts, relative to the root: no other batch or ledger has it
  Timestamp planned_at;
  std::optional<Timestamp> ended_at;  ///< published, refused or discarded
};

struct ChunkStatus {
  ChunkNumber number{};
  enum class State : std::uint8_t { kPlanned, kClaimed, kDone } state = State::kPlanned;
  std::uint64_t epoch = 0;
  std::string worker;              ///< who holds or held it
  double lease_seconds_left = 0;   ///< kClaimed; negative when run out
  double age_seconds = 0;          ///< since it was claimed (kClaimed), or since it was done (kDone)
  std::uint64_t accepted = 0;      ///< kDone
  std::uint64_t rejected = 0;      ///< kDone
  std::optional<RejectPart> part;  ///< kDone with rejects
};

/// What registering a plan found.
struct Registration {
  enum class Outcome : std::uint8_t {
    kRegistered,         ///< a new batch; `plan` is the one given
    kResumed,            ///< an unfinished batch of the same file; `plan` is the stored one: use it, not yours
    kAlreadyPosted,      ///< the same file was published before, under whatever name; nothing to do
    kRefusedBefore,      ///< the same file was refused before; discard that batch to try again
    kBusinessDateTaken,  ///< other bytes were posted for this feed and business date, and no correction was declared
    kNothingToCorrect,   ///< `corrects` names no published batch of this feed and business date
  };
  Outcome outcome{};
  BatchSummary batch;  ///< the batch registered, resumed, or in the way (kNothingToCorrect: default)
  Plan plan;           ///< kRegistered, kResumed
};

/// A chunk that is ours to post until the lease runs out or someone takes it over (epoch + 1).
struct ChunkClaim {
  BatchNumber batch{};
  ChunkNumber chunk{};
  std::uint64_t epoch = 0;
};

enum class ClaimStatus : std::uint8_t {
  kClaimed,
  kOthersHoldTheRest,  ///< nothing to claim now, but not all is done: look again soon, a neighbour may die
  kAllDone,            ///< every chunk is done
  kEnded,              ///< the batch is published, refused, discarded or superseded
};
struct ChunkClaimResult {
  ClaimStatus status{};
  std::optional<ChunkClaim> claim;  ///< kClaimed
};
struct FinalClaim {
  BatchNumber batch{};
  std::uint64_t epoch = 0;
};
struct FinalClaimResult {
  ClaimStatus status{};  ///< kClaimed, kOthersHoldTheRest (chunks not done, or another worker finalises), kEnded
  std::optional<FinalClaim> claim;
};

enum class PostOutcome : std::uint8_t {
  kPosted,
  kLostClaim,  ///< someone took the chunk over; nothing of ours is in the ledger
};

/// Writes the reject part of a chunk; called inside the posting transaction, after the rows and before the fence.
/// Returns nothing when the chunk has no rejects.
using WriteRejects = std::function<std::optional<RejectPart>(std::span<const DatabaseRefusal>)>;

/// What an independent query over the posted rows counts.
struct Recount {
  std::uint64_t postings = 0;
  std::vector<ExactSum> sums;  ///< of the summed fields, in the layout's order
};

/// A cell of a posting, as it is read back.
struct PostedValue {
  bool missing = false;
  std::int64_t integer = 0;  ///< kInteger, kDecimal (minor units), kBoolean
  std::string text;          ///< kString, kDate ("2025-03-30"), kDatetime as the database writes it
};
struct PostedRecord {
  std::uint64_t record_number = 0;
  std::vector<PostedValue> values;  ///< of the fields asked for, in that order
};

/// What people said of a posting, e.g. {name "suspicion", value "confirmed"}.
struct Label {
  std::string name;
  std::string value;
  std::string source;  ///< who said it
  BatchNumber batch{};
  std::uint64_t record_number = 0;
};

struct LedgerOptions {
  std::string url;  ///< "sqlite:PATH", or "postgresql://..." (a password in it is refused by the cli)
  std::optional<std::filesystem::path> password_file;  ///< first line is the password
  std::string host;                                    ///< name of this machine
  std::chrono::seconds lease{60};
  /// A ledger that has no schema yet gets one (SQLite: the file is made). Otherwise Failure RC 8 with a hint.
  enum class Create : std::uint8_t { kIfMissing, kNever } create = Create::kIfMissing;
  enum class Access : std::uint8_t { kReadWrite, kReadOnly } access = Access::kReadWrite;

  /// Name of the calling process as a worker, for people: "host/process id".
  std::string worker() const;
};

/// Posts batches exactly once and answers what was posted. The numbered invariants of the posting protocol
/// (docs/ARCHITECTURE.md) are kept here; the contract suite in tests/contract runs against every implementation.
///
/// One object is one connection, used by one process and thread; after fork() only one side may go on with it.
/// Any member may throw Failure: RC 12 when the ledger cannot be reached or is busy (the same call may succeed later,
/// nothing half-done stays), RC 8 when it needs a person, e.g. a newer schema. A connection lost while idle is made
/// again; one lost at commit is resolved by asking the ledger.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// The ledger's address for people, without secrets.
  virtual std::string address() const = 0;

  /// Whether several processes may post at once; if not (SQLite), the parent posts for its workers.
  enum class Posting : std::uint8_t { kManyProcesses, kOneProcess };
  virtual Posting posting() const = 0;

  /// Makes sure that the target table and the readers' view of the plan's layout exist. A layout that differs from the
  /// last one makes a new version of the table under the same view. Needs the owner's rights when
  /// something has to be made; without them Failure (RC 8) whose hint is the command for the owner.
  virtual void prepare_table(const Plan& plan) = 0;

  /// Stores the plan, once, in one transaction; or says what is in the way. `table` must have been prepared.
  virtual Registration register_batch(const Plan& plan, const std::optional<BatchId>& corrects,
                                      const std::string& rejects_root) = 0;

  /// Claims a chunk that nobody holds: planned, lease run out, or its holder gone. Takes the lowest number.
  virtual ChunkClaimResult claim_chunk(BatchNumber batch) = 0;
  /// Prolongs the lease. False when the claim is lost: stop working on it.
  [[nodiscard]] virtual bool renew(const ChunkClaim& claim) = 0;
  /// Gives the chunk back, unposted. No effect on a claim that is lost.
  virtual void release(const ChunkClaim& claim) = 0;
  /// One transaction: rows, reject part, totals, fence.
  virtual PostOutcome post_chunk(const ChunkClaim& claim, const Plan& plan, const StagedChunk& chunk,
                                 const WriteRejects& write_rejects) = 0;

  virtual FinalClaimResult claim_finalising(BatchNumber batch) = 0;
  [[nodiscard]] virtual bool renew(const FinalClaim& claim) = 0;
  virtual Recount recount(BatchNumber batch, const Plan& plan) = 0;
  /// Makes the batch visible, and the batch it corrects superseded, in one short transaction; checks in it that every
  /// chunk is done and that the totals add up to `counted`. kLostClaim when another worker finalises now.
  virtual PostOutcome publish(const FinalClaim& claim, const Recount& counted) = 0;
  /// Ends the batch as refused: its rows are dropped, its reject parts stay.
  virtual PostOutcome refuse(const FinalClaim& claim, const std::string& reason) = 0;

  /// Ends an unfinished or refused batch as discarded and drops its rows, so that the same file may be tried anew.
  /// Failure (RC 8) for a published one.
  virtual void discard(BatchNumber batch) = 0;

  virtual BatchSummary summary(BatchNumber batch) = 0;
  /// The plan as stored.
  virtual Plan plan(BatchNumber batch) = 0;
  /// A batch by its id, by a part of it that is unambiguous, or by number; Failure (RC 8) otherwise, listing
  /// candidates.
  virtual BatchSummary find_batch(std::string_view text) = 0;
  struct ListFilter {
    std::string feed;  ///< "" for all
    std::optional<BatchState> state;
    std::int64_t before_number = 0;  ///< keyset paging: only numbers below; 0 for the newest
    std::uint32_t most = 100;
  };
  virtual std::vector<BatchSummary> list_batches(const ListFilter& filter) = 0;  ///< newest first
  virtual std::vector<ChunkStatus> chunks(BatchNumber batch) = 0;
  /// Record numbers of the postings, ascending, in portions; for `verify`.
  virtual void visit_record_numbers(BatchNumber batch, const Plan& plan,
                                    const std::function<void(std::span<const std::uint64_t>)>& take) = 0;
  /// The postings of a batch by record number, in portions; `fields` are places in the plan's layout.
  virtual void visit_postings(BatchNumber batch, const Plan& plan, const std::vector<std::size_t>& fields,
                              const std::function<void(std::span<const PostedRecord>)>& take) = 0;

  /// Keeps what was said of a posting; the same name from the same source replaces what it said before.
  virtual void put_label(const Label& label) = 0;
  /// All labels of that name, by batch and record number.
  virtual std::vector<Label> labels(const std::string& name) = 0;

  /// Schema version of the ledger and of this program; `migrate` brings the former to the latter, exclusively.
  struct SchemaVersion {
    int ledger = 0;
    int program = 0;
  };
  virtual SchemaVersion schema_version() = 0;
  virtual void migrate() = 0;
};

/// Opens a ledger. Failure RC 8: an address of no known kind, a newer schema, SQLite on a network file system;
/// RC 12: cannot be reached.
std::unique_ptr<Ledger> open_ledger(const LedgerOptions& options);

}  // namespace ledgermill::ledger
