// SPDX-License-Identifier: Apache-2.0
#include "feed/history.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/failure.h"
#include "base/file.h"
#include "base/sha256.h"
#include "feed/random.h"
#include "record/amount.h"
#include "yaml/yaml_map.h"

namespace ledgermill::feed {

namespace fs = std::filesystem;

namespace {

enum class FaultKind : std::uint8_t {
  kTimes100,
  kTimes10,
  kSignFlip,
  kDayMonthSwap,
  kYearWrong,
  kDuplicate,
  kTransposed,
  kWrongCategory,
  kShiftedColumn,
};
constexpr std::size_t kFaultKinds = 9;

enum class Sign : std::uint8_t { kPlus, kMinus, kBoth };

/// What one description does over the days.
struct Stream {
  std::string type;
  std::string description;
  Sign sign = Sign::kPlus;
  double typical = 0;         // minor units: the median over the accounts
  double between = 0;         // standard deviation of the logarithm, from account to account
  double within = 0;          // the same, within one account
  double accounts = 1;        // share of the accounts that have it
  double weight = 0;          // against the other streams, of the records that no calendar decides
  std::uint32_t monthly = 0;  // day of the month; 0 for none
  double fixed = 0;           // share of the accounts whose amount is the same every time
};

struct HistoryCatalogue {
  std::size_t date = 0;
  std::size_t type = 0;
  std::size_t description = 0;
  std::size_t amount = 0;
  std::optional<std::size_t> entity;
  std::uint32_t accounts = 1;
  double records = 0;  // a working day, without those of the calendar
  double weekend = 1;
  double month_end = 1;
  double growth = 0;         // of amounts, a year
  double late = 0;           // share of records that come 10 to 200 days late
  double against = 0;        // of a stream with both signs: share of records against the account's habit
  double repeats = 0;        // share of records that rightly occur twice
  std::int64_t largest = 0;  // minor units; no fault makes more
  std::vector<Stream> streams;
  std::array<double, kFaultKinds> faults{};
};

double decimal(const YamlMap& map, const char* key, double otherwise, double least, double most) {
  const auto text = map.text(key);
  if (!text) return otherwise;
  char* end = nullptr;
  const double number = std::strtod(text->c_str(), &end);
  if (text->empty() || *end != 0 || !(number >= least && number <= most))
    throw map.mistake_at(key, fmt::format("'{}' is no number from {} to {}", *text, least, most));
  return number;
}

std::int64_t money(const YamlMap& map, const char* key, const Field& field) {
  const std::string text = map.required_text(key);
  const auto sum = ExactSum::from_text(text, field.scale);
  constexpr Int128 kMost = 999'999'999'999'999;
  if (!sum || sum->minor_units <= 0 || sum->minor_units > kMost)
    throw map.mistake_at(key, fmt::format("'{}' is no amount above zero", text));
  return static_cast<std::int64_t>(sum->minor_units);
}

std::size_t field_of(const YamlMap& map, const char* key, const Layout& layout, FieldType type) {
  const std::string label = map.required_text(key);
  const auto field = layout.find(label);
  if (!field) throw map.mistake_at(key, fmt::format("the feed has no field '{}'", label));
  if (layout.fields[*field].type != type)
    throw map.mistake_at(key, fmt::format("'{}' is a {}, not a {}", label, field_type_name(layout.fields[*field].type),
                                          field_type_name(type)));
  return *field;
}

Stream read_stream(const YamlMap& map, const Field& amount) {
  map.only({"type", "description", "sign", "typical", "between", "within", "accounts", "weight", "monthly", "fixed"});
  Stream stream;
  stream.type = map.required_text("type");
  stream.description = map.required_text("description");
  const std::string sign = map.required_text("sign");
  if (sign != "plus" && sign != "minus" && sign != "both")
    throw map.mistake_at("sign", fmt::format("'{}' is no sign", sign), "plus, minus or both");
  stream.sign = sign == "plus" ? Sign::kPlus : sign == "minus" ? Sign::kMinus : Sign::kBoth;
  stream.typical = static_cast<double>(money(map, "typical", amount));
  stream.between = decimal(map, "between", 0.5, 0, 3);
  stream.within = decimal(map, "within", 0.2, 0, 3);
  stream.accounts = decimal(map, "accounts", 1, 0, 1);
  stream.weight = decimal(map, "weight", 0, 0, 1000);
  stream.fixed = decimal(map, "fixed", 0, 0, 1);
  stream.monthly = static_cast<std::uint32_t>(map.number("monthly", 1, 28).value_or(0));
  if (stream.weight <= 0 && stream.monthly == 0)
    throw map.mistake(map.line(), "this never occurs", "give it a 'weight', or a day of the month ('monthly')");
  return stream;
}

HistoryCatalogue load_history(const FeedDefinition& definition) {
  if (!definition.synthetic)
    throw Failure(ReturnCode::kRefused,
                  fmt::format("feed '{}' has no catalogue to generate records from", definition.name),
                  "name one in the definition: 'synthetic: FILE' (docs/formats/synthetic.md)");
  const fs::path path = definition.path.parent_path() / *definition.synthetic;
  const YamlMap whole = YamlMap::parse(read_small_file(path), path);
  const auto map = whole.map("history");
  if (!map)
    throw Failure(ReturnCode::kRefused,
                  fmt::format("{}: no 'history': it does not say what comes from day to day", path.string()),
                  "feeds/journal.synthetic.yaml has one; or leave --days out");
  map->only({"fields", "accounts", "records", "weekend", "month_end", "growth", "late", "repeats", "against", "largest",
             "streams", "faults"});
  const Layout& layout = definition.layout;
  const auto fields = map->map("fields");
  if (!fields) throw map->mistake(map->line(), "'fields' is missing: which field is the date, the amount, ...");
  fields->only({"date", "entity", "type", "description", "amount"});
  HistoryCatalogue all;
  all.date = field_of(*fields, "date", layout, FieldType::kDate);
  all.type = field_of(*fields, "type", layout, FieldType::kString);
  all.description = field_of(*fields, "description", layout, FieldType::kString);
  all.amount = field_of(*fields, "amount", layout, FieldType::kDecimal);
  if (fields->has("entity")) all.entity = field_of(*fields, "entity", layout, FieldType::kString);
  all.accounts = static_cast<std::uint32_t>(map->number("accounts", 1, 100'000).value_or(100));
  all.records = static_cast<double>(map->number("records", 1, 10'000'000).value_or(100));
  all.weekend = decimal(*map, "weekend", 1, 0, 10);
  all.month_end = decimal(*map, "month_end", 1, 0, 10);
  all.growth = decimal(*map, "growth", 0, -0.9, 10);
  all.late = decimal(*map, "late", 0, 0, 1);
  all.repeats = decimal(*map, "repeats", 0, 0, 1);
  all.against = decimal(*map, "against", 0.001, 0, 0.5);
  all.largest = money(*map, "largest", layout.fields[all.amount]);
  for (const YamlMap& stream : map->maps("streams"))
    all.streams.push_back(read_stream(stream, layout.fields[all.amount]));
  if (all.streams.empty()) throw map->mistake(map->line(), "'streams' is missing: nothing occurs");
  if (const auto faults = map->map("faults")) {
    for (const std::string& name : faults->keys()) {
      const auto& names = history_faults();
      const auto at = std::find(names.begin(), names.end(), name);
      if (at == names.end())
        throw faults->mistake_at(name.c_str(), fmt::format("there is no fault '{}'", name),
                                 fmt::format("known: {}", fmt::join(names, ", ")));
      all.faults[static_cast<std::size_t>(at - names.begin())] = decimal(*faults, name.c_str(), 0, 0, 1000);
    }
  }
  return all;
}

/// One record of a history, before it is text.
struct Entry {
  std::int32_t day = 0;
  std::uint32_t account = 0;  // its number, of six digits
  std::size_t stream = 0;
  std::int64_t amount = 0;  // minor units
};

/// What one account does in one stream.
struct Habit {
  bool has = false;
  double log_amount = 0;
  bool fixed = false;
  bool mostly_minus = false;
  bool whole = false;  // amounts without cents
};

class History {
 public:
  History(const FeedDefinition& definition, const HistoryOptions& options)
      : definition_(definition), options_(options), catalogue_(load_history(definition)), random_(options.seed) {
    double total = 0;
    for (const double weight : catalogue_.faults) total += weight;
    if (options.faults > 0 && total <= 0)
      throw Failure(ReturnCode::kRefused, fmt::format("the history of feed '{}' has no faults", definition.name),
                    "leave --faults out");
    make_habits();
  }

  GeneratedHistory write();

 private:
  void make_habits();
  std::optional<Entry> entry(std::size_t stream, std::uint32_t account, std::int32_t day);
  std::vector<Entry> of_day(std::int32_t day);
  std::size_t draw_stream();
  std::int32_t transaction_day(std::int32_t day);
  std::optional<Entry> spoilt(FaultKind kind, const Entry& good, std::int32_t day);
  std::optional<std::pair<FaultKind, Entry>> fault_for(const Entry& good, std::int32_t day);
  std::string text_of(const Entry& entry, std::size_t field) const;
  void append(std::string& out, const Entry& entry) const;
  void write_day(std::int32_t day, GeneratedHistory& made);

  const FeedDefinition& definition_;
  const HistoryOptions& options_;
  HistoryCatalogue catalogue_;
  Random random_;
  std::vector<std::vector<Habit>> habits_;          // [stream][account]
  std::vector<std::vector<std::uint32_t>> having_;  // [stream]: accounts that have it
  std::vector<std::uint32_t> numbers_;              // [account]
  std::deque<Entry> recent_;                        // what duplicates are copies of
};

void History::make_habits() {
  constexpr std::uint64_t kOfHabits = 0x686162697473U;
  Random random(options_.seed ^ kOfHabits);
  for (std::uint32_t a = 0; a < catalogue_.accounts; ++a)
    numbers_.push_back(100'000 + static_cast<std::uint32_t>(random.below(900'000)));
  for (const Stream& stream : catalogue_.streams) {
    auto& habits = habits_.emplace_back(catalogue_.accounts);
    auto& having = having_.emplace_back();
    for (std::uint32_t a = 0; a < catalogue_.accounts; ++a) {
      Habit& habit = habits[a];
      habit.has = random.share() < stream.accounts;
      habit.log_amount = std::log(stream.typical) + stream.between * random.normal();
      habit.fixed = random.share() < stream.fixed;
      habit.mostly_minus = random.share() < 0.5;
      habit.whole = random.share() < 0.15;
      if (habit.has) having.push_back(a);
    }
  }
}

std::size_t History::draw_stream() {
  double total = 0;
  for (const Stream& stream : catalogue_.streams) total += stream.weight;
  double at = random_.share() * total;
  for (std::size_t s = 0; s < catalogue_.streams.size(); ++s) {
    at -= catalogue_.streams[s].weight;
    if (at < 0) return s;
  }
  return 0;
}

std::int32_t History::transaction_day(std::int32_t day) {
  if (random_.share() < catalogue_.late) return day - 10 - static_cast<std::int32_t>(random_.below(190));
  const double at = random_.share();
  return day - (at < 0.6 ? 0 : at < 0.85 ? 1 : at < 0.95 ? 2 : 3 + static_cast<std::int32_t>(random_.below(3)));
}

std::optional<Entry> History::entry(std::size_t s, std::uint32_t account, std::int32_t day) {
  constexpr double kDaysOfYear = 365.25;
  const Stream& stream = catalogue_.streams[s];
  const Habit& habit = habits_[s][account];
  const double years = (day - options_.first_day.days_since_epoch()) / kDaysOfYear;
  const double wild = random_.share() < 0.02 ? 3 : 1;  // one record in fifty is out of the ordinary, and right
  const double noise = habit.fixed ? 0 : stream.within * wild * random_.normal();
  // A fixed price rises once a year, any other by and by.
  const double growth = std::log1p(catalogue_.growth) * (habit.fixed ? std::floor(years) : years);
  double minor = std::exp(habit.log_amount + growth + noise);
  constexpr double kCents = 100;
  if (habit.whole) minor = std::max(kCents, std::round(minor / kCents) * kCents);
  std::int64_t amount = std::clamp<std::int64_t>(std::llround(minor), 1, catalogue_.largest);
  const bool minus = stream.sign == Sign::kMinus ||
                     (stream.sign == Sign::kBoth && habit.mostly_minus != (random_.share() < catalogue_.against));
  return Entry{transaction_day(day), account, s, minus ? -amount : amount};
}

std::vector<Entry> History::of_day(std::int32_t day) {
  const BusinessDate date = BusinessDate::from_days_since_epoch(day);
  const int weekday = (day % 7 + 7 + 3) % 7;  // 1970-01-01 was a Thursday; 0 is Monday
  const bool weekend = weekday >= 5;
  const bool month_end = date.day >= 28 || date.day <= 2;
  const double expected = catalogue_.records * (weekend ? catalogue_.weekend : 1) *
                          (month_end ? catalogue_.month_end : 1) * (0.92 + 0.16 * random_.share());
  std::vector<Entry> entries;
  const auto add = [&](std::size_t s, std::uint32_t account) {
    if (const auto made = entry(s, account, day)) entries.push_back(*made);
    if (random_.share() < catalogue_.repeats && !entries.empty()) entries.push_back(entries.back());
  };
  for (std::size_t s = 0; s < catalogue_.streams.size(); ++s) {
    if (catalogue_.streams[s].monthly != static_cast<std::uint32_t>(date.day)) continue;
    for (const std::uint32_t account : having_[s]) add(s, account);
  }
  for (auto left = static_cast<std::int64_t>(expected); left > 0; --left) {
    const std::size_t s = draw_stream();
    if (having_[s].empty()) continue;
    // Some accounts are busier than others.
    const double at = std::pow(random_.share(), 1.6) * static_cast<double>(having_[s].size());
    add(s, having_[s][static_cast<std::size_t>(at)]);
  }
  for (std::size_t i = entries.size(); i > 1; --i) std::swap(entries[i - 1], entries[random_.below(i)]);
  return entries;
}

/// Two neighbouring digits exchanged, the first pair that differs from a place drawn on; nothing when all are alike.
std::optional<std::int64_t> transposed(std::int64_t amount, Random& random) {
  std::string digits = std::to_string(amount < 0 ? -amount : amount);
  if (digits.size() < 2) return std::nullopt;
  const std::size_t pairs = digits.size() - 1;
  const std::size_t first = random.below(pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t at = (first + i) % pairs;
    if (digits[at] == digits[at + 1] || (at == 0 && digits[1] == '0')) continue;
    std::swap(digits[at], digits[at + 1]);
    const std::int64_t number = std::stoll(digits);
    return amount < 0 ? -number : number;
  }
  return std::nullopt;
}

/// The record as the fault leaves it; nothing where the fault cannot be, or a rule would see it.
std::optional<Entry> History::spoilt(FaultKind kind, const Entry& good, std::int32_t day) {
  Entry bad = good;
  const Stream& stream = catalogue_.streams[good.stream];
  const std::int64_t size = good.amount < 0 ? -good.amount : good.amount;
  BusinessDate date = BusinessDate::from_days_since_epoch(good.day);
  switch (kind) {
    case FaultKind::kTimes100:
    case FaultKind::kTimes10: {
      const std::int64_t factor = kind == FaultKind::kTimes100 ? 100 : 10;
      if (size > catalogue_.largest / factor) return std::nullopt;
      bad.amount *= factor;
      return bad;
    }
    case FaultKind::kSignFlip:
      if (stream.sign != Sign::kBoth) return std::nullopt;
      bad.amount = -bad.amount;
      return bad;
    case FaultKind::kDayMonthSwap:
      if (date.day > 12 || date.day == date.month) return std::nullopt;
      bad.day = BusinessDate{date.year, date.day, date.month}.days_since_epoch();
      return bad;
    case FaultKind::kYearWrong: {
      date.year = static_cast<std::int16_t>(date.year + (random_.below(2) == 0 ? 1 : -1));
      if (!date.exists()) return std::nullopt;
      bad.day = date.days_since_epoch();
      return bad;
    }
    case FaultKind::kDuplicate: {
      if (recent_.empty()) return std::nullopt;
      return recent_[random_.below(recent_.size())];
    }
    case FaultKind::kTransposed: {
      const auto amount = transposed(good.amount, random_);
      if (!amount || *amount > catalogue_.largest || -*amount > catalogue_.largest) return std::nullopt;
      bad.amount = *amount;
      return bad;
    }
    case FaultKind::kWrongCategory: {
      const std::size_t other = random_.below(catalogue_.streams.size());
      const Sign sign = catalogue_.streams[other].sign;
      if (other == good.stream || (sign == Sign::kPlus && good.amount < 0) || (sign == Sign::kMinus && good.amount > 0))
        return std::nullopt;
      bad.stream = other;
      return bad;
    }
    case FaultKind::kShiftedColumn:
      if (!catalogue_.entity || stream.sign == Sign::kMinus) return std::nullopt;
      bad.amount = std::int64_t{numbers_[good.account]};
      for (std::uint8_t s = 0; s < definition_.layout.fields[catalogue_.amount].scale; ++s) bad.amount *= 10;
      if (bad.amount > catalogue_.largest) return std::nullopt;
      return bad;
  }
  (void)day;
  return std::nullopt;
}

std::optional<std::pair<FaultKind, Entry>> History::fault_for(const Entry& good, std::int32_t day) {
  double total = 0;
  for (const double weight : catalogue_.faults) total += weight;
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    double at = random_.share() * total;
    std::size_t kind = 0;
    while (kind + 1 < kFaultKinds && (at -= catalogue_.faults[kind]) >= 0) ++kind;
    if (const auto bad = spoilt(static_cast<FaultKind>(kind), good, day))
      return std::pair{static_cast<FaultKind>(kind), *bad};
  }
  return std::nullopt;
}

std::string History::text_of(const Entry& entry, std::size_t field) const {
  const Field& described = definition_.layout.fields[field];
  const Stream& stream = catalogue_.streams[entry.stream];
  if (field == catalogue_.date) return BusinessDate::from_days_since_epoch(entry.day).text();
  if (field == catalogue_.type) return stream.type;
  if (field == catalogue_.description) return stream.description;
  if (field == catalogue_.amount) return Amount{entry.amount, described.scale}.text();
  if (catalogue_.entity == field) return std::to_string(numbers_[entry.account]);
  return "";
}

void History::append(std::string& out, const Entry& entry) const {
  for (std::size_t f = 0; f < definition_.layout.fields.size(); ++f) {
    if (f > 0) out += definition_.framing.delimiter;
    out += text_of(entry, f);
  }
  out += '\n';
}

std::string day_file_name(const FeedDefinition& definition, const BusinessDate& date) {
  const std::string day = date.text();
  std::string name = definition.business_date.value_or(definition.name + "-{YYYY}-{MM}-{DD}.csv");
  const std::array<std::pair<std::string_view, std::string>, 4> parts{
      {{"{YYYY}", day.substr(0, 4)}, {"{MM}", day.substr(5, 2)}, {"{DD}", day.substr(8, 2)}, {"*", ""}}};
  for (const auto& [mark, text] : parts) {
    for (auto at = name.find(mark); at != std::string::npos; at = name.find(mark)) name.replace(at, mark.size(), text);
  }
  return name;
}

/// Replaces what was generated before; by rename, so that a file is whole or not there.
void put_file(const fs::path& path, const std::string& text) {
  const fs::path part = path.string() + ".part";
  std::error_code gone;
  fs::remove(part, gone);
  if (!create_new_file(part, text))
    throw Failure(ReturnCode::kUnavailable, fmt::format("'{}' is in the way", part.string()));
  fs::rename(part, path);
}

void History::write_day(std::int32_t day, GeneratedHistory& made) {
  const BusinessDate date = BusinessDate::from_days_since_epoch(day);
  const fs::path path = options_.out / day_file_name(definition_, date);
  const fs::path truth = fs::path(path).replace_extension(".truth.jsonl");
  if (fs::exists(path) && !fs::exists(truth))
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is there already, and was not generated", path.string()),
                  "name another folder");
  std::string text;
  std::string faults;
  if (definition_.csv.header) {
    for (const Field& field : definition_.layout.fields)
      text += (text.empty() ? "" : std::string(1, definition_.framing.delimiter)) + field.name;
    text += '\n';
  }
  std::uint64_t records = 0;
  std::uint64_t faulty = 0;
  for (const Entry& good : of_day(day)) {
    ++records;
    const auto fault = random_.share() < options_.faults ? fault_for(good, day) : std::nullopt;
    const Entry& written = fault ? fault->second : good;
    append(text, written);
    constexpr std::size_t kRecent = 400;
    recent_.push_back(written);
    if (recent_.size() > kRecent) recent_.pop_front();
    if (!fault) continue;
    ++faulty;
    std::string before;
    append(before, good);
    before.pop_back();
    faults += nlohmann::ordered_json{{"record", records},
                                     {"fault", history_faults()[static_cast<std::size_t>(fault->first)]},
                                     {"code", nullptr},
                                     {"field", nullptr},
                                     {"before", before}}
                  .dump() +
              "\n";
  }
  const nlohmann::ordered_json totals{{"feed", definition_.name},
                                      {"file", path.filename().string()},
                                      {"records", records},
                                      {"bytes", text.size()},
                                      {"seed", options_.seed},
                                      {"faults", options_.faults},
                                      {"faulty", faulty},
                                      {"accepted", records},
                                      {"rejected", 0},
                                      {"codes", nlohmann::ordered_json::object()},
                                      {"sha256", Sha256::of(text).hex()}};
  put_file(truth, totals.dump() + "\n" + faults);
  put_file(path, text);
  ++made.files;
  made.records += records;
  made.bytes += text.size();
  made.faulty += faulty;
}

GeneratedHistory History::write() {
  std::error_code error;
  fs::create_directories(options_.out, error);
  if (error)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot make '{}': {}", options_.out.string(), error.message()));
  GeneratedHistory made;
  const std::int32_t first = options_.first_day.days_since_epoch();
  for (std::uint32_t d = 0; d < options_.days; ++d) {
    write_day(first + static_cast<std::int32_t>(d), made);
    if (options_.progress) options_.progress(made.records, made.bytes);
  }
  return made;
}

}  // namespace

const std::vector<std::string>& history_faults() {
  static const std::vector<std::string> kNames{"times-100",         "times-10",       "sign-flip",
                                               "day-month-swap",    "year-wrong",     "duplicate",
                                               "transposed-digits", "wrong-category", "shifted-column"};
  return kNames;
}

void HistoryOptions::validate() const {
  constexpr std::uint32_t kMostDays = 3660;
  if (days < 1 || days > kMostDays)
    throw Failure(ReturnCode::kRefused, fmt::format("a history has 1 to {} days, not {}", kMostDays, days));
  if (!(faults >= 0.0 && faults <= 1.0))
    throw Failure(ReturnCode::kRefused, fmt::format("a share of faults is from 0 to 1, not {}", faults));
}

GeneratedHistory generate_history(const FeedDefinition& definition, const HistoryOptions& options) {
  options.validate();
  if (definition.decoding != Decoding::kCsv)
    throw Failure(ReturnCode::kRefused,
                  fmt::format("feed '{}' is positional; a history is made as CSV", definition.name));
  return History(definition, options).write();
}

}  // namespace ledgermill::feed
