// SPDX-License-Identifier: Apache-2.0
#include "batch/staging.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMagic = "LMCHUNK1";  // of a packed chunk
constexpr std::string_view kFileMagic = "LMSTAGE1";
constexpr std::string_view kExtension = ".staged";
constexpr int kMostAttempts = 100;

/// Packed structures are written as they lie in memory: little-endian, without padding.
template <class T>
concept Packable = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;
static_assert(Packable<StagedRecord> && Packable<StagedReject> && Packable<Reason> && Packable<TextRef> &&
              Packable<BusinessDate>);
static_assert(sizeof(StagedRecord) == 16 && sizeof(StagedReject) == 32 && sizeof(Reason) == 12);

class Packer {
 public:
  explicit Packer(std::size_t expected) { bytes_.reserve(expected); }

  void raw(const void* data, std::size_t size) {
    const auto* at = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), at, at + size);
  }
  template <Packable T>
  void value(const T& value) {
    raw(&value, sizeof value);
  }
  void text(std::string_view text) {
    value<std::uint64_t>(text.size());
    raw(text.data(), text.size());
  }
  template <Packable T>
  void list(const std::vector<T>& values) {
    value<std::uint64_t>(values.size());
    raw(values.data(), values.size() * sizeof(T));
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

Failure no_chunk(std::string_view why) {
  return Failure(ReturnCode::kRefused, fmt::format("these bytes are no staged chunk: {}", why),
                 "stage the chunk again with 'ledgermill ingest'");
}

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::span<const std::byte> raw(std::uint64_t size) {
    if (size > rest_.size()) throw no_chunk("they end too early");
    const auto part = rest_.first(size);
    rest_ = rest_.subspan(size);
    return part;
  }
  template <Packable T>
  T value() {
    T value;
    std::memcpy(&value, raw(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() {
    const auto part = raw(value<std::uint64_t>());
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  template <Packable T>
  std::vector<T> list() {
    const auto count = value<std::uint64_t>();
    if (count > rest_.size() / sizeof(T)) throw no_chunk("they end too early");
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), raw(count * sizeof(T)).data(), count * sizeof(T));
    return values;
  }
  std::size_t left() const { return rest_.size(); }

 private:
  std::span<const std::byte> rest_;
};

void check_ref(const ChunkText& text, TextRef ref) {
  const bool rewritten = (ref.offset & TextRef::kRewrittenBit) != 0;
  const std::size_t size = rewritten ? text.rewritten.size() : text.source.size();
  const std::size_t offset = ref.offset & ~TextRef::kRewrittenBit;
  if (offset > size || ref.length > size - offset) throw no_chunk("a text lies outside of them");
}

void check_frame(const StagedChunk& chunk, const Frame& frame) { check_ref(chunk.text, {frame.offset, frame.length}); }

/// All places and counts agree, so that no later step needs to look again.
void check_unpacked(const StagedChunk& chunk, PackRows rows) {
  for (const StagedReject& reject : chunk.rejects) {
    check_frame(chunk, reject.frame);
    if (reject.first_reason > chunk.reasons.size() || reject.reasons > chunk.reasons.size() - reject.first_reason) {
      throw no_chunk("a reject's reasons lie outside of them");
    }
  }
  for (const Reason& reason : chunk.reasons) check_ref(chunk.text, reason.value);
  if (chunk.totals.rejected != chunk.rejects.size() || !chunk.totals.imbalance().empty())
    throw no_chunk("its totals are out of balance");
  if (rows == PackRows::kOmitted) return;
  if (chunk.totals.accepted != chunk.accepted.size()) throw no_chunk("its totals are out of balance");
  for (const StagedRecord& record : chunk.accepted) check_frame(chunk, record.frame);
  for (const StagedColumn& column : chunk.columns) {
    const std::size_t values =
        column.integers.size() + column.dates.size() + column.booleans.size() + column.texts.size();
    if (column.states.size() != chunk.accepted.size() || values != chunk.accepted.size())
      throw no_chunk("a column is too short or too long");
    for (const FieldState state : column.states) {
      if (state != FieldState::kMissing && state != FieldState::kValid)
        throw no_chunk("an accepted record has an invalid cell");
    }
    for (const TextRef ref : column.texts) check_ref(chunk.text, ref);
  }
}

std::size_t packed_size(const StagedChunk& chunk) {
  constexpr std::size_t kFixed = 4096;
  return kFixed + chunk.text.source.size() + chunk.text.rewritten.size() +
         chunk.accepted.size() * (sizeof(StagedRecord) + 9 * chunk.columns.size()) +
         chunk.rejects.size() * sizeof(StagedReject) + chunk.reasons.size() * sizeof(Reason);
}

// --- files -------------------------------------------------------------------------------------------------------

std::string plan_name(const Plan& plan) {
  return fmt::format("{}-{}-{}.plan.json", plan.feed, plan.file.sha256.hex12(), plan.definition.hex12());
}

/// "ingested-...-<definition>-000001", then ".2" and so on for a second attempt.
std::string chunk_stem(const Plan& plan, ChunkNumber number) {
  return fmt::format("{}-{}-{:06}", plan.staged_stem(), plan.definition.hex12(), to_int(number));
}

fs::path attempt_path(const fs::path& folder, const Plan& plan, ChunkNumber number, int attempt) {
  const std::string suffix = attempt == 1 ? "" : fmt::format(".{}", attempt);
  return folder / (chunk_stem(plan, number) + suffix + std::string(kExtension));
}

/// What a staged file says of itself, before the packed chunk.
struct FileHead {
  Digest file, definition, module;
  std::uint32_t chunk = 0;
};

std::vector<std::byte> staged_bytes(const Plan& plan, const StagedChunk& chunk) {
  const std::vector<std::byte> packed = pack(chunk, PackRows::kIncluded);
  Packer packer(packed.size() + 256);
  packer.raw(kFileMagic.data(), kFileMagic.size());
  packer.value(plan.file.sha256.bytes);
  packer.value(plan.definition.bytes);
  packer.value(plan.module.value_or(Digest{}).bytes);
  packer.value(to_int(chunk.number));
  packer.value<std::uint64_t>(packed.size());
  packer.raw(packed.data(), packed.size());
  packer.value(chunk.totals.records);
  std::vector<std::byte> bytes = packer.take();
  const Digest digest = Sha256::of(bytes);
  bytes.insert(bytes.end(), digest.bytes.begin(), digest.bytes.end());
  return bytes;
}

std::vector<std::byte> read_file(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (!fd || error)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
  std::vector<std::byte> bytes(size);
  bytes.resize(read_some_at(fd.get(), 0, bytes, path));
  return bytes;
}

std::pair<FileHead, StagedChunk> parse_staged(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(Digest)) throw no_chunk("they end too early");
  const auto body = bytes.first(bytes.size() - sizeof(Digest));
  Digest digest;
  std::memcpy(digest.bytes.data(), bytes.data() + body.size(), digest.bytes.size());
  if (!(Sha256::of(body) == digest)) throw no_chunk("the digest at their end is not theirs");
  Unpacker unpacker(body);
  const auto magic = unpacker.raw(kFileMagic.size());
  if (std::memcmp(magic.data(), kFileMagic.data(), kFileMagic.size()) != 0) throw no_chunk("they begin otherwise");
  FileHead head;
  head.file.bytes = unpacker.value<std::array<std::byte, 32>>();
  head.definition.bytes = unpacker.value<std::array<std::byte, 32>>();
  head.module.bytes = unpacker.value<std::array<std::byte, 32>>();
  head.chunk = unpacker.value<std::uint32_t>();
  StagedChunk chunk = unpack(unpacker.raw(unpacker.value<std::uint64_t>()));
  if (unpacker.value<std::uint64_t>() != chunk.totals.records || unpacker.left() != 0)
    throw no_chunk("their trailer counts other records");
  return {head, std::move(chunk)};
}

/// Whether the chunk is the plan's: same file, definition and module, and as many records as planned.
bool belongs(const FileHead& head, const StagedChunk& chunk, const Plan& plan, ChunkNumber number) {
  return head.file == plan.file.sha256 && head.definition == plan.definition &&
         head.module == plan.module.value_or(Digest{}) && head.chunk == to_int(number) && chunk.number == number &&
         chunk.totals.records == plan.chunk(number).records && chunk.totals.bytes == plan.chunk(number).bytes &&
         chunk.columns.size() == plan.layout.fields.size();
}

std::optional<StagedChunk> read_attempt(const fs::path& path, const Plan& plan, ChunkNumber number) {
  try {
    auto [head, chunk] = parse_staged(read_file(path));
    if (belongs(head, chunk, plan, number)) return std::move(chunk);
  } catch (const Failure& failure) {
    if (failure.code() != ReturnCode::kRefused)
      throw;  // what a crashed attempt left is passed over; an I/O error is not
  }
  return std::nullopt;
}

Plan load_plan(const fs::path& path) {
  try {
    return plan_from_json(read_small_file(path, 256U << 20));
  } catch (const Failure& failure) {
    throw Failure(failure.code(), fmt::format("'{}': {}", path.string(), failure.fact()), failure.hint());
  }
}

void collect_chunks(StagedSet& set) {
  for (const ChunkPlan& chunk : set.plan.chunks) {
    for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
      const fs::path path = attempt_path(set.plan_file.parent_path(), set.plan, chunk.number, attempt);
      if (!fs::exists(path)) break;
      set.chunks[chunk.number].push_back(path);
    }
  }
}

bool is_plan_file(const fs::path& path) { return path.filename().string().ends_with(".plan.json"); }

}  // namespace

std::vector<std::byte> pack(const StagedChunk& chunk, PackRows rows) {
  Packer packer(packed_size(chunk));
  packer.raw(kMagic.data(), kMagic.size());
  packer.value<std::uint32_t>(rows == PackRows::kIncluded ? 1 : 0);
  packer.value(to_int(chunk.number));
  packer.text(totals_to_json(chunk.totals));
  packer.text(chunk.text.source);
  packer.text(chunk.text.rewritten);
  packer.list(chunk.rejects);
  packer.list(chunk.reasons);
  if (rows == PackRows::kOmitted) return packer.take();
  packer.list(chunk.accepted);
  packer.value<std::uint64_t>(chunk.columns.size());
  for (const StagedColumn& column : chunk.columns) {
    packer.list(column.states);
    packer.list(column.integers);
    packer.list(column.dates);
    packer.list(column.booleans);
    packer.list(column.texts);
  }
  return packer.take();
}

StagedChunk unpack(std::span<const std::byte> bytes) {
  Unpacker unpacker(bytes);
  const auto magic = unpacker.raw(kMagic.size());
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) throw no_chunk("they begin otherwise");
  const PackRows rows = unpacker.value<std::uint32_t>() == 1 ? PackRows::kIncluded : PackRows::kOmitted;
  StagedChunk chunk;
  chunk.number = ChunkNumber{unpacker.value<std::uint32_t>()};
  chunk.totals = totals_from_json(unpacker.text());
  const std::string_view source = unpacker.text();
  chunk.owned_source.assign(source.begin(), source.end());
  chunk.text.source = {chunk.owned_source.data(), chunk.owned_source.size()};
  chunk.text.rewritten = unpacker.text();
  chunk.rejects = unpacker.list<StagedReject>();
  chunk.reasons = unpacker.list<Reason>();
  if (rows == PackRows::kIncluded) {
    chunk.accepted = unpacker.list<StagedRecord>();
    const auto columns = unpacker.value<std::uint64_t>();
    if (columns > 0xffff) throw no_chunk("they have too many columns");
    for (std::uint64_t i = 0; i < columns; ++i) {
      StagedColumn& column = chunk.columns.emplace_back();
      column.states = unpacker.list<FieldState>();
      column.integers = unpacker.list<std::int64_t>();
      column.dates = unpacker.list<BusinessDate>();
      column.booleans = unpacker.list<std::int8_t>();
      column.texts = unpacker.list<TextRef>();
    }
  }
  if (unpacker.left() != 0) throw no_chunk("something stands behind them");
  check_unpacked(chunk, rows);
  return chunk;
}

Plan stage_plan(const fs::path& folder, const Plan& plan) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make '{}': {}", folder.string(), error.message()));
  const fs::path path = folder / plan_name(plan);
  if (create_new_file(path, plan_to_json(plan))) return plan;
  Plan there = load_plan(path);
  if (!(there.module == plan.module)) {
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' was staged with another rule module", path.string()),
                  "half a batch is never judged by other rules than the rest: put the former module back, or stage to "
                  "another folder");
  }
  return there;
}

std::optional<StagedChunk> find_chunk(const fs::path& folder, const Plan& plan, ChunkNumber number) {
  for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
    const fs::path path = attempt_path(folder, plan, number, attempt);
    if (!fs::exists(path)) return std::nullopt;
    if (auto chunk = read_attempt(path, plan, number)) return chunk;
  }
  return std::nullopt;
}

void stage_chunk(const fs::path& folder, const Plan& plan, const StagedChunk& chunk) {
  const std::vector<std::byte> bytes = staged_bytes(plan, chunk);
  const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
    const fs::path path = attempt_path(folder, plan, chunk.number, attempt);
    if (create_new_file(path, content)) return;
    if (read_attempt(path, plan, chunk.number)) return;  // a neighbour staged the same bytes
  }
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("'{}' holds {} broken attempts of chunk {}", folder.string(), kMostAttempts, to_int(chunk.number)),
      "stage to an empty folder");
}

std::vector<ChunkNumber> StagedSet::missing() const {
  std::vector<ChunkNumber> numbers;
  for (const ChunkPlan& chunk : plan.chunks) {
    if (!chunks.contains(chunk.number)) numbers.push_back(chunk.number);
  }
  return numbers;
}

std::vector<StagedSet> find_staged(const std::vector<fs::path>& paths) {
  std::map<std::string, fs::path> plans;  // by name: a folder and its files may both be named
  const auto add_folder = [&](const fs::path& folder) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (is_plan_file(entry.path())) plans[fs::weakly_canonical(entry.path()).string()] = entry.path();
    }
  };
  for (const fs::path& path : paths) {
    if (fs::is_directory(path))
      add_folder(path);
    else if (!fs::exists(path))
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' does not exist", path.string()));
    else if (is_plan_file(path))
      plans[fs::weakly_canonical(path).string()] = path;
    else if (path.extension() == kExtension)
      add_folder(fs::absolute(path).parent_path());
    else
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no staged file", path.string()),
                    "'ledgermill ingest' writes *.plan.json and *.staged");
  }
  std::vector<StagedSet> sets;
  for (const auto& [name, path] : plans) {
    StagedSet set{path, load_plan(path), {}};
    collect_chunks(set);
    sets.push_back(std::move(set));
  }
  return sets;
}

StagedChunk read_staged(const StagedSet& set, ChunkNumber number) {
  if (const auto attempts = set.chunks.find(number); attempts != set.chunks.end()) {
    for (const fs::path& path : attempts->second) {
      if (auto chunk = read_attempt(path, set.plan, number)) return std::move(*chunk);
    }
  }
  throw Failure(ReturnCode::kRefused,
                fmt::format("chunk {} of '{}' is not whole", to_int(number), set.plan_file.string()),
                "run 'ledgermill ingest' for the same file and folder again: it stages only what lacks");
}

StagedView view_staged(const fs::path& path) {
  try {
    auto [head, chunk] = parse_staged(read_file(path));
    for (const StagedSet& set : find_staged({path})) {
      if (set.plan.file.sha256 == head.file && set.plan.definition == head.definition &&
          to_int(chunk.number) <= set.plan.chunks.size() && belongs(head, chunk, set.plan, chunk.number)) {
        return {set.plan, std::move(chunk)};
      }
    }
  } catch (const Failure& failure) {
    throw Failure(failure.code(), fmt::format("'{}': {}", path.string(), failure.fact()), failure.hint());
  }
  throw Failure(ReturnCode::kRefused, fmt::format("the plan of '{}' does not lie beside it", path.string()));
}

}  // namespace ledgermill::batch
