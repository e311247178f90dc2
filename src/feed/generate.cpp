// SPDX-License-Identifier: Apache-2.0
#include "feed/generate.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/failure.h"
#include "base/file.h"
#include "base/sha256.h"
#include "feed/random.h"
#include "feed/synthetic_catalogue.h"

namespace ledgermill::feed {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kFlushBytes = 1U << 20;
constexpr std::size_t kTotalsLineBytes = 2048;  // the truth file's first line, filled in at the end

/// Draws an index by weight.
class Weighted {
 public:
  void add(std::uint32_t weight) { bounds_.push_back(total() + weight); }
  std::uint64_t total() const { return bounds_.empty() ? 0 : bounds_.back(); }
  std::size_t draw(Random& random) const {
    const std::uint64_t at = random.below(total());
    std::size_t i = 0;
    while (bounds_[i] <= at) ++i;
    return i;
  }

 private:
  std::vector<std::uint64_t> bounds_;
};

/// A file that appears under its name only when it is complete.
class NewFile {
 public:
  explicit NewFile(fs::path path)
      : path_(std::move(path)),
        temporary_(path_.string() + ".part"),
        fd_(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (!fd_)
      throw Failure(ReturnCode::kUnavailable,
                    fmt::format("cannot write '{}': {}", temporary_.string(), errno_text(errno)));
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (fd_) ::unlink(temporary_.c_str());
  }

  std::string buffer;

  std::uint64_t bytes() const { return written_ + buffer.size(); }
  void flush_if_full() {
    if (buffer.size() >= kFlushBytes) flush();
  }
  void flush() {
    write_all(fd_.get(), std::as_bytes(std::span(buffer)), temporary_);
    written_ += buffer.size();
    buffer.clear();
  }
  void rewrite_start(const std::string& text) {
    flush();
    if (::lseek(fd_.get(), 0, SEEK_SET) != 0)
      throw Failure(ReturnCode::kUnavailable,
                    fmt::format("cannot write '{}': {}", temporary_.string(), errno_text(errno)));
    write_all(fd_.get(), std::as_bytes(std::span(text)), temporary_);
  }
  void complete() {
    flush();
    sync_and_close(std::move(fd_), temporary_);
    fs::rename(temporary_, path_);
  }

 private:
  fs::path path_;
  fs::path temporary_;
  UniqueFd fd_;
  std::uint64_t written_ = 0;
};

void append_number(std::string& out, std::int64_t minor_units, const Field& field, bool shortest) {
  std::array<char, 24> digits;
  std::size_t at = digits.size();
  std::uint64_t rest = minor_units < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(minor_units)
                                       : static_cast<std::uint64_t>(minor_units);
  std::size_t decimals = field.scale;
  for (std::size_t d = 0; d < field.scale; ++d, rest /= 10) {
    if (shortest && rest % 10 == 0) {
      --decimals;
      continue;
    }
    shortest = false;
    digits[--at] = static_cast<char>('0' + rest % 10);
  }
  if (decimals > 0) digits[--at] = field.decimal_char;
  do {
    digits[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (minor_units < 0) digits[--at] = '-';
  out.append(digits.data() + at, digits.size() - at);
}

/// A day in the field's own format; the directives are those that the definition allows.
std::string day_text(std::int32_t days, const std::string& format) {
  const BusinessDate date = BusinessDate::from_days_since_epoch(days);
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      text += format[i];
      continue;
    }
    switch (format[++i]) {
      case 'Y':
        text += fmt::format("{:04}", date.year);
        break;
      case 'y':
        text += fmt::format("{:02}", date.year % 100);
        break;
      case 'm':
        text += fmt::format("{:02}", date.month);
        break;
      case 'd':
        text += fmt::format("{:02}", date.day);
        break;
      default:
        text += "00";
        break;  // of the time of day
    }
  }
  return text;
}

/// What stands at one place of a positional record, in the order of the places.
struct PlacedPart {
  std::uint32_t offset = 0;
  std::optional<std::size_t> field;  // or a literal
  std::string_view literal;
};

std::vector<PlacedPart> parts_of(const PositionalLayout& positional) {
  std::vector<PlacedPart> parts;
  for (std::size_t f = 0; f < positional.fields.size(); ++f) parts.push_back({positional.fields[f].offset, f, {}});
  for (const Literal& literal : positional.literals) parts.push_back({literal.offset, std::nullopt, literal.text});
  std::sort(parts.begin(), parts.end(), [](const PlacedPart& a, const PlacedPart& b) { return a.offset < b.offset; });
  return parts;
}

/// Fills the cell that begins at `begin` of `out` up to its place; one that is longer is left so, and shifts what
/// follows. An empty cell is spaces whatever the padding.
void pad(std::string& out, std::size_t begin, const FieldPlace& place, bool number) {
  const std::size_t length = out.size() - begin;
  if (length >= place.length) return;
  const bool zeros = place.padding == Padding::kZeros && length > 0;
  out.insert(number ? begin : out.size(), place.length - length, zeros ? '0' : ' ');
}

class Generator {
 public:
  Generator(const FeedDefinition& definition, const GenerateOptions& options)
      : definition_(definition), options_(options), catalogue_(load_catalogue(definition)), random_(options.seed) {
    for (const RecordKind& kind : catalogue_.kinds) kinds_.add(kind.weight);
    for (const Fault& fault : catalogue_.faults) faults_.add(fault.weight);
    if (options.faults > 0 && catalogue_.faults.empty()) {
      throw Failure(ReturnCode::kRefused, fmt::format("the catalogue of feed '{}' has no faults", definition.name),
                    "leave --faults out");
    }
    header_ = header_line();
    placed_ = parts_of(definition.positional);
    make_day_texts();
    make_pools();
    if (options.records) check_sequences(*options.records);
  }

  GeneratedFile write(const fs::path& path, const fs::path& truth_path);

 private:
  std::string header_line() const;
  void make_day_texts();
  void make_pools();
  void check_sequences(std::uint64_t records) const;
  bool enough(const NewFile& file, std::uint64_t records) const;
  void append_made(std::string& out, std::size_t field, const CellRecipe& recipe, Random& random) const;
  void append_cell(std::string& out, std::size_t field, const RecordKind& kind, const Fault* fault);
  void append_delimited(std::string& out, const RecordKind& kind, const Fault* fault);
  void append_placed(std::string& out, const RecordKind& kind, const Fault* fault);
  void append_record(std::string& out, const RecordKind& kind, const Fault* fault);
  static std::string totals_line(const Generator& generator, const GeneratedFile& made, std::uint64_t rejected,
                                 const std::map<std::string, std::uint64_t>& codes);

  const FeedDefinition& definition_;
  const GenerateOptions& options_;
  SyntheticCatalogue catalogue_;
  Random random_;
  Weighted kinds_;
  Weighted faults_;
  std::string header_;
  std::vector<PlacedPart> placed_;
  std::vector<std::vector<std::vector<std::string>>> day_texts_;   // by kind, field, day from the recipe's first
  std::vector<std::vector<std::vector<std::string>>> pool_texts_;  // by pool, row, field
  std::vector<std::optional<std::size_t>> pool_rows_;              // by pool: the row of the record being made
  std::uint64_t record_index_ = 0;                                 // of the record being made
};

std::string Generator::header_line() const {
  std::string line;
  for (const Field& field : definition_.layout.fields)
    line += (line.empty() ? "" : std::string(1, definition_.framing.delimiter)) + field.name;
  return line;
}

void Generator::make_day_texts() {
  for (const RecordKind& kind : catalogue_.kinds) {
    auto& of_kind = day_texts_.emplace_back(kind.cells.size());
    for (std::size_t f = 0; f < kind.cells.size(); ++f) {
      const CellRecipe& recipe = kind.cells[f];
      if (recipe.kind != CellRecipe::Kind::kDay) continue;
      for (std::int64_t day = recipe.from; day <= recipe.to; ++day) {
        of_kind[f].push_back(day_text(static_cast<std::int32_t>(day), definition_.layout.fields[f].format));
      }
    }
  }
}

bool Generator::enough(const NewFile& file, std::uint64_t records) const {
  return options_.records ? records >= *options_.records : file.bytes() >= *options_.bytes;
}

/// Pools have random numbers of their own, so that their size does not change the draws of the records.
void Generator::make_pools() {
  constexpr std::uint64_t kOfPools = 0x706f6f6c73U;
  Random random(options_.seed ^ kOfPools);
  for (const Pool& pool : catalogue_.pools) {
    auto& rows = pool_texts_.emplace_back(pool.rows, std::vector<std::string>(pool.cells.size()));
    for (std::vector<std::string>& row : rows) {
      for (std::size_t f = 0; f < row.size(); ++f) append_made(row[f], f, pool.cells[f], random);
    }
  }
  pool_rows_.resize(catalogue_.pools.size());
}

/// A sequence that ends too early is told before anything is written.
void Generator::check_sequences(std::uint64_t records) const {
  for (const RecordKind& kind : catalogue_.kinds) {
    for (std::size_t f = 0; f < kind.cells.size(); ++f) {
      const CellRecipe& recipe = kind.cells[f];
      if (recipe.kind != CellRecipe::Kind::kSequence || records == 0 || sequence_text(recipe.first, records - 1))
        continue;
      throw Failure(ReturnCode::kRefused,
                    fmt::format("the sequence of '{}' from {} on has no text for record {}",
                                definition_.layout.fields[f].name, recipe.first, records),
                    fmt::format("it ends with {}; make several files, or a wider sequence",
                                std::string(recipe.first.size(), 'Z')));
    }
  }
}

/// A cell that depends on nothing but chance.
void Generator::append_made(std::string& out, std::size_t field, const CellRecipe& recipe, Random& random) const {
  constexpr std::uint64_t kOneInShortest = 8;  // 1234.50 is also written 1234.5
  switch (recipe.kind) {
    case CellRecipe::Kind::kEmpty:
      return;
    case CellRecipe::Kind::kOneOf:
      out += recipe.texts[random.below(recipe.texts.size())];
      return;
    case CellRecipe::Kind::kDay: {
      const auto days = static_cast<std::uint64_t>(recipe.to - recipe.from) + 1;
      const std::int64_t day = recipe.from + static_cast<std::int64_t>(random.below(days));
      out += day_text(static_cast<std::int32_t>(day), definition_.layout.fields[field].format);
      return;
    }
    case CellRecipe::Kind::kNumber: {
      const auto span = static_cast<std::uint64_t>(recipe.to - recipe.from) + 1;
      const std::int64_t number = recipe.from + static_cast<std::int64_t>(random.below(span));
      return append_number(out, number, definition_.layout.fields[field], random.below(kOneInShortest) == 0);
    }
    case CellRecipe::Kind::kPattern:
      for (const char c : recipe.patterns[recipe.patterns.size() == 1 ? 0 : random.below(recipe.patterns.size())]) {
        if (c == '#')
          out += static_cast<char>('0' + random.below(10));
        else if (c == '@')
          out += static_cast<char>('A' + random.below(26));
        else
          out += c;
      }
      return;
    case CellRecipe::Kind::kParts:
      for (std::size_t p = 0; p < recipe.parts.size(); ++p) {
        if (p > 0) out += ' ';
        out += recipe.parts[p][random.below(recipe.parts[p].size())];
      }
      return;
    case CellRecipe::Kind::kSequence:
    case CellRecipe::Kind::kPool:
      LM_CHECK(false, "append_cell makes what depends on the record");
  }
}

void Generator::append_cell(std::string& out, std::size_t field, const RecordKind& kind, const Fault* fault) {
  const Fault::CellChange* change = nullptr;
  if (fault != nullptr) {
    for (const Fault::CellChange& each : fault->cells) change = each.field == field ? &each : change;
  }
  if (change != nullptr) {
    out += change->texts[random_.below(change->texts.size())];
    return;
  }
  const CellRecipe& recipe = kind.cells[field];
  if (recipe.kind == CellRecipe::Kind::kDay) {
    const auto& days = day_texts_[static_cast<std::size_t>(&kind - catalogue_.kinds.data())][field];
    out += days[random_.below(days.size())];
  } else if (recipe.kind == CellRecipe::Kind::kSequence) {
    const auto text = sequence_text(recipe.first, record_index_);
    if (!text)
      throw Failure(ReturnCode::kRefused,
                    fmt::format("the sequence of '{}' ends before the file is large enough",
                                definition_.layout.fields[field].name),
                    fmt::format("it has {} texts; ask for no more --records than that", record_index_));
    out += *text;
  } else if (recipe.kind == CellRecipe::Kind::kPool) {
    const auto& rows = pool_texts_[recipe.pool];
    auto& row = pool_rows_[recipe.pool];
    if (!row) row = random_.below(rows.size());
    out += rows[*row][field];
  } else {
    append_made(out, field, recipe, random_);
  }
}

void Generator::append_delimited(std::string& out, const RecordKind& kind, const Fault* fault) {
  bool first = true;
  for (std::size_t f = 0; f < kind.cells.size(); ++f) {
    if (fault != nullptr && fault->remove == f) continue;
    if (!first) out += definition_.framing.delimiter;
    first = false;
    append_cell(out, f, kind, fault);
  }
}

void Generator::append_placed(std::string& out, const RecordKind& kind, const Fault* fault) {
  const PositionalLayout& positional = definition_.positional;
  std::uint32_t at = 0;  // where the layout stands, whatever has shifted
  for (const PlacedPart& part : placed_) {
    out.append(part.offset - at, ' ');
    at = part.offset;
    if (!part.field) {
      out += part.literal;
      at += static_cast<std::uint32_t>(part.literal.size());
      continue;
    }
    const FieldPlace& place = positional.fields[*part.field];
    at += place.length;
    if (fault != nullptr && fault->remove == part.field) continue;
    const std::size_t begin = out.size();
    append_cell(out, *part.field, kind, fault);
    pad(out, begin, place, definition_.layout.fields[*part.field].is_number());
  }
  out.append(positional.record_bytes - at, ' ');
}

void Generator::append_record(std::string& out, const RecordKind& kind, const Fault* fault) {
  pool_rows_.assign(pool_rows_.size(), std::nullopt);
  const std::size_t start = out.size();
  if (fault != nullptr) out += fault->before;
  const std::size_t begin = out.size();
  if (fault != nullptr && fault->record)
    out += *fault->record;
  else if (fault != nullptr && fault->repeat_header)
    out += header_;
  else if (definition_.decoding == Decoding::kPositional)
    append_placed(out, kind, fault);
  else
    append_delimited(out, kind, fault);
  if (fault != nullptr && !fault->repeat_header) out += fault->append;
  if (fault != nullptr) out.resize(std::max(begin, out.size() - std::min<std::size_t>(out.size(), fault->cut)));
  if (definition_.framing_kind == FramingKind::kFixed && out.size() - start != definition_.framing.max_record_bytes) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("{} makes a record of {} bytes, framing is fixed at {}",
                              fault != nullptr ? "the fault '" + fault->name + "'" : "the kind '" + kind.name + "'",
                              out.size() - start, definition_.framing.max_record_bytes),
                  "records behind it would all be shifted; leave such faults out of the catalogue");
  }
  out += catalogue_.newline;
}

std::string Generator::totals_line(const Generator& generator, const GeneratedFile& made, std::uint64_t rejected,
                                   const std::map<std::string, std::uint64_t>& codes) {
  nlohmann::ordered_json json{{"feed", generator.definition_.name},
                              {"file", made.file.filename().string()},
                              {"records", made.records},
                              {"bytes", made.bytes},
                              {"seed", generator.options_.seed},
                              {"faults", generator.options_.faults},
                              {"faulty", made.faulty},
                              {"accepted", made.records - rejected},
                              {"rejected", rejected},
                              {"codes", codes}};
  std::string line = json.dump();
  LM_CHECK(line.size() < kTotalsLineBytes, "the totals fit the line kept for them");
  line.resize(kTotalsLineBytes - 1, ' ');
  return line + "\n";
}

GeneratedFile Generator::write(const fs::path& path, const fs::path& truth_path) {
  NewFile file(path);
  NewFile truth(truth_path);
  GeneratedFile made{path, truth_path, 0, 0, 0};
  std::uint64_t rejected = 0;
  std::map<std::string, std::uint64_t> codes;
  truth.buffer.assign(kTotalsLineBytes, ' ');
  if (definition_.csv.header) file.buffer += header_ + catalogue_.newline;
  const auto threshold = static_cast<std::uint64_t>(std::ldexp(options_.faults, 53));
  while (!enough(file, made.records)) {
    record_index_ = made.records++;
    const bool faulty = (random_.next() >> 11) < threshold;
    if (!faulty) {
      append_record(file.buffer, catalogue_.kinds[kinds_.draw(random_)], nullptr);
    } else {
      const Fault& fault = catalogue_.faults[faults_.draw(random_)];
      const std::size_t kind =
          fault.kinds.empty() ? kinds_.draw(random_) : fault.kinds[random_.below(fault.kinds.size())];
      append_record(file.buffer, catalogue_.kinds[kind], &fault);
      ++made.faulty;
      if (!fault.code.empty()) {
        ++rejected;
        ++codes[fault.code];
      }
      const nlohmann::ordered_json line{
          {"record", made.records},
          {"fault", fault.name},
          {"code", fault.code.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(fault.code)},
          {"field", fault.field.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(fault.field)}};
      truth.buffer += line.dump() + "\n";
      truth.flush_if_full();
    }
    if (file.buffer.size() >= kFlushBytes) {
      file.flush();
      if (options_.progress) options_.progress(made.records, file.bytes());
    }
  }
  made.bytes = file.bytes();
  truth.rewrite_start(totals_line(*this, made, rejected, codes));
  file.complete();
  truth.complete();
  return made;
}

/// "transactions-{YYYY}-{MM}-{DD}*.csv" with a day put in and the stars left out.
std::string file_name(const FeedDefinition& definition, const BusinessDate& date) {
  const std::string day = date.text();
  std::string name = definition.business_date.value_or(definition.name + "-{YYYY}-{MM}-{DD}.csv");
  const std::array<std::pair<std::string_view, std::string>, 4> parts{
      {{"{YYYY}", day.substr(0, 4)}, {"{MM}", day.substr(5, 2)}, {"{DD}", day.substr(8, 2)}, {"*", ""}}};
  for (const auto& [mark, text] : parts) {
    for (auto at = name.find(mark); at != std::string::npos; at = name.find(mark)) name.replace(at, mark.size(), text);
  }
  return name;
}

fs::path truth_beside(const fs::path& file) { return fs::path(file).replace_extension(".truth.jsonl"); }

}  // namespace

void GenerateOptions::validate() const {
  if (records.has_value() == bytes.has_value())
    throw Failure(ReturnCode::kRefused, "say how much is to be generated: so many records, or so many bytes");
  if (!(faults >= 0.0 && faults <= 1.0))
    throw Failure(ReturnCode::kRefused, fmt::format("a share of faults is from 0 to 1, not {}", faults));
}

GeneratedFile generate(const FeedDefinition& definition, const GenerateOptions& options) {
  options.validate();
  const BusinessDate date = options.business_date.value_or(BusinessDate{2025, 3, 30});
  const bool folder = fs::is_directory(options.out) || !options.out.has_filename() || !options.out.has_extension();
  const fs::path path = folder ? options.out / file_name(definition, date) : options.out;
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot make '{}': {}", path.parent_path().string(), error.message()));
  const fs::path truth = truth_beside(path);
  if (fs::exists(path) && !fs::exists(truth)) {
    throw Failure(
        ReturnCode::kRefused,
        fmt::format("'{}' is there already, and was not generated: it has no truth file beside it", path.string()),
        "name another file or folder");
  }
  return Generator(definition, options).write(path, truth);
}

}  // namespace ledgermill::feed
