// SPDX-License-Identifier: Apache-2.0
#include "model/features.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "record/business_date.h"

namespace ledgermill::model {

namespace {

constexpr const char* kMeaning = "1";  // changes whenever a feature means something else
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a * 0x9e3779b97f4a7c15U + b;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return (z ^ (z >> 31)) | 1U;  // 0 marks a free place
}

/// What is known of one key: a running median and spread of log10 of the size, and how often.
struct KeyState {
  std::uint64_t key = 0;
  std::int64_t last_amount = 0;
  float median = 0;
  float spread = 0;  // mean absolute deviation, clipped
  float lag = 0;
  float lag_spread = 0;
  float gap = 0;        // days between two, about
  float usual_cos = 0;  // of the day of the month, as an angle
  float usual_sin = 0;
  std::uint32_t count = 0;
  std::uint32_t negative = 0;
  std::int32_t last_day = 0;
};
static_assert(sizeof(KeyState) == FeatureStream::kBytesPerKey);

struct AmountState {
  std::uint64_t key = 0;
  std::int32_t last_day = 0;
  std::int32_t entry_day = 0;
  std::uint32_t count = 0;
  std::uint32_t unused = 0;
};
static_assert(sizeof(AmountState) == 24);

/// Open addressing, linear probing; grows at three quarters. References are valid until the next `at`.
template <class State>
class Table {
 public:
  Table() : places_(1U << 12) {}

  State& at(std::uint64_t key) {
    if (used_ * 4 >= places_.size() * 3) rebuild(places_.size() * 2, [](const State&) { return true; });
    State& place = places_[find(key)];
    if (place.key == 0) {
      place.key = key;
      ++used_;
    }
    return place;
  }
  const State* look(std::uint64_t key) const {
    const State& place = places_[find(key)];
    return place.key == 0 ? nullptr : &place;
  }
  template <class Keep>
  void keep_only(Keep keep) {
    rebuild(places_.size(), keep);
  }
  std::size_t used() const { return used_; }
  std::size_t places() const { return places_.size(); }
  std::size_t bytes() const { return places_.size() * sizeof(State); }

 private:
  std::size_t find(std::uint64_t key) const {
    std::size_t at = (key >> 1) & (places_.size() - 1);
    while (places_[at].key != 0 && places_[at].key != key) at = (at + 1) & (places_.size() - 1);
    return at;
  }
  template <class Keep>
  void rebuild(std::size_t size, Keep keep) {
    std::vector<State> old(size);
    old.swap(places_);
    used_ = 0;
    for (const State& state : old) {
      if (state.key == 0 || !keep(state)) continue;
      places_[find(state.key)] = state;
      ++used_;
    }
  }

  std::vector<State> places_;
  std::size_t used_ = 0;
};

constexpr float kSlowest = 0.04F;       // weight of the newest once there are many
constexpr float kLeastSpread = 0.008F;  // of log10: 2 %, so that a fixed price does not divide by nothing
constexpr std::int32_t kAmountDays = 45;

float rate_of(std::uint32_t count) { return std::max(kSlowest, 1.0F / static_cast<float>(count + 1)); }

/// Deviation in spreads, within 30. A key seen once or never has no spread of its own.
float deviation(const KeyState* state, float log_amount) {
  if (state == nullptr || state->count < 2) return kMissing;
  return std::clamp((log_amount - state->median) / std::max(state->spread, kLeastSpread), -30.0F, 30.0F);
}

void learn_amount(KeyState& state, const Observation& seen, float log_amount) {
  if (state.count == 0) {
    state.median = log_amount;
    state.spread = 0.15F;  // about 40 %, until it is known better
  } else {
    const float rate = rate_of(state.count);
    const float limit = 3 * std::max(state.spread, kLeastSpread);
    const float off = std::clamp(log_amount - state.median, -limit, limit);
    state.median += rate * off;
    state.spread += rate * (std::abs(off) - state.spread);
  }
  ++state.count;
  if (seen.amount < 0) ++state.negative;
  state.last_amount = seen.amount;
}

float sign_surprise(const KeyState* state, bool negative) {
  if (state == nullptr) return kMissing;
  const auto count = static_cast<float>(state->count);
  const auto same = static_cast<float>(negative ? state->negative : state->count - state->negative);
  return -std::log2((same + 0.5F) / (count + 1));
}

/// Bounded, so that a count does not tell the time.
float log_count(const KeyState* state) {
  constexpr std::uint32_t kMany = 255;
  return state == nullptr ? 0 : std::log2(1 + static_cast<float>(std::min(state->count, kMany)));
}

/// Days of a file's day against the entry's, when day and month of the entry are exchanged; nothing when they cannot
/// be.
float swapped_lag(std::int32_t file_day, const BusinessDate& entry) {
  if (entry.day > 12 || entry.day == entry.month) return kMissing;
  return static_cast<float>(std::abs(file_day - BusinessDate{entry.year, entry.day, entry.month}.days_since_epoch()));
}

float other_year_lag(std::int32_t lag) {
  constexpr std::int32_t kYear = 365;
  return static_cast<float>(std::min(std::abs(lag - kYear), std::abs(lag + kYear)));
}

constexpr float kRadiansOfDay = 6.2831853F / 31;

}  // namespace

struct FeatureStream::Tables {
  Table<KeyState> keys;
  Table<AmountState> amounts;
  std::uint64_t previous = 0;  // key of the row before
  std::int32_t today = std::numeric_limits<std::int32_t>::min();

  void expire() {
    if (amounts.used() * 4 < amounts.places() * 3 - 4) return;
    amounts.keep_only([this](const AmountState& state) { return today - state.last_day <= kAmountDays; });
  }
};

FeatureStream::FeatureStream() : tables_(std::make_unique<Tables>()) {}
FeatureStream::FeatureStream(FeatureStream&&) noexcept = default;
FeatureStream& FeatureStream::operator=(FeatureStream&&) noexcept = default;
FeatureStream::~FeatureStream() = default;

namespace {

/// The keys of one observation.
struct Keys {
  std::uint64_t feed, entity, description, entity_description, type_description, entity_type, amount,
      amount_description;

  explicit Keys(const Observation& seen) {
    feed = mixed(seen.feed, 1);
    entity = mixed(mixed(feed, 2), seen.entity);
    description = mixed(mixed(feed, 3), seen.description);
    // A feed without entities has descriptions of its own instead.
    entity_description = mixed(mixed(entity, 4), seen.description);
    type_description = mixed(mixed(description, 5), seen.type);
    entity_type = mixed(mixed(entity, 8), seen.type);
    amount = mixed(mixed(entity_description, 6), static_cast<std::uint64_t>(seen.amount));
    amount_description = mixed(mixed(description, 7), static_cast<std::uint64_t>(seen.amount));
  }
};

enum At : std::size_t {
  kLogAmount,
  kNegative,
  kWhole,
  kTrailingZeros,
  kDigits,
  kFirstDigit,
  kZDescription,
  kZEntityDesc,
  kAbsZEntityDesc,
  kZEntity,
  kLogRatioLast,
  kTensDistance,
  kTens,
  kSeenAmount,
  kSeenAmountDesc,
  kNegativeShare,
  kSignSurprise,
  kSignSurpriseDesc,
  kDescGivenEntity,
  kTypeGivenDesc,
  kCountEntityDesc,
  kCountEntity,
  kLag,
  kAbsLag,
  kAbsLagSwapped,
  kAbsLagOtherYear,
  kDayOfMonth,
  kWeekday,
  kUsualDayDistance,
  kLagZ,
  kSameKeyWeek,
  kSameKeyAndDay,
  kDaysSinceKey,
  kEqualsPrevious,
  kGapRatio,
  kSpread,
  kZBestOther,
  kSwapGain
};
static_assert(kSwapGain + 1 == kFeatures.size());

void put_digits(FeatureRow& row, std::int64_t size, float log_amount) {
  row[kLogAmount] = log_amount;
  row[kWhole] = size % 100 == 0 ? 1 : 0;
  std::int64_t rest = size;
  int zeros = 0;
  int digits = 0;
  while (rest != 0 && rest % 10 == 0) ++zeros, rest /= 10;
  std::int64_t first = size;
  for (rest = size; rest > 0; rest /= 10) ++digits, first = rest;
  row[kTrailingZeros] = static_cast<float>(zeros);
  row[kDigits] = static_cast<float>(digits);
  row[kFirstDigit] = static_cast<float>(first);
}

/// How far the amount is from what this key has, and whether by a factor of ten or a hundred.
void put_scale(FeatureRow& row, const KeyState* key, float log_amount) {
  row[kLogRatioLast] = row[kTens] = row[kTensDistance] = kMissing;
  if (key == nullptr || key->count == 0) return;
  const auto last = static_cast<float>(std::max<std::int64_t>(1, std::abs(key->last_amount)));
  row[kLogRatioLast] = log_amount - std::log10(last);
  const float off = log_amount - key->median;
  const float tens = std::round(off);
  row[kTens] = tens;
  row[kTensDistance] = std::abs(off - tens) / std::max(key->spread, kLeastSpread);
}

void put_dates(FeatureRow& row, const Observation& seen, const KeyState* key, const KeyState* feed) {
  const std::int32_t lag = seen.file_day - seen.entry_day;
  const BusinessDate date = BusinessDate::from_days_since_epoch(seen.entry_day);
  row[kLag] = static_cast<float>(lag);
  row[kAbsLag] = static_cast<float>(std::abs(lag));
  row[kAbsLagSwapped] = swapped_lag(seen.file_day, date);
  row[kAbsLagOtherYear] = other_year_lag(lag);
  row[kSwapGain] = std::isnan(row[kAbsLagSwapped]) ? 0 : row[kAbsLag] - row[kAbsLagSwapped];
  row[kDayOfMonth] = static_cast<float>(date.day);
  row[kWeekday] = static_cast<float>(((seen.file_day + 3) % 7 + 7) % 7);
  row[kUsualDayDistance] = kMissing;
  if (key != nullptr && key->count > 0) {
    const float angle = kRadiansOfDay * static_cast<float>(date.day);
    row[kUsualDayDistance] = 1 - (std::cos(angle) * key->usual_cos + std::sin(angle) * key->usual_sin);
  }
  row[kLagZ] =
      feed == nullptr || feed->count < 10
          ? kMissing
          : std::clamp((static_cast<float>(lag) - feed->lag) / std::max(feed->lag_spread, 0.5F), -100.0F, 100.0F);
  row[kGapRatio] = key == nullptr || key->count < 2
                       ? kMissing
                       : static_cast<float>(seen.file_day - key->last_day) / std::max(key->gap, 0.5F);
}

/// What all keys learn from one observation, made once.
struct Lesson {
  float log_amount, lag, day_cos, day_sin;

  Lesson(const Observation& seen, float log)
      : log_amount(log), lag(static_cast<float>(std::clamp(seen.file_day - seen.entry_day, -30, 30))) {
    const float angle = kRadiansOfDay * static_cast<float>(BusinessDate::from_days_since_epoch(seen.entry_day).day);
    day_cos = std::cos(angle);
    day_sin = std::sin(angle);
  }
};

void learn(KeyState& key, const Observation& seen, const Lesson& lesson) {
  const float rate = rate_of(key.count);
  if (key.count > 0) key.gap += rate * (static_cast<float>(seen.file_day - key.last_day) - key.gap);
  const float off = lesson.lag - key.lag;
  key.lag += rate * off;
  key.lag_spread += rate * (std::abs(off) - key.lag_spread);
  key.usual_cos += rate * (lesson.day_cos - key.usual_cos);
  key.usual_sin += rate * (lesson.day_sin - key.usual_sin);
  key.last_day = seen.file_day;
  learn_amount(key, seen, lesson.log_amount);
}

void learn(AmountState& amount, const Observation& seen) {
  ++amount.count;
  amount.last_day = seen.file_day;
  amount.entry_day = seen.entry_day;
}

void put_repeats(FeatureRow& row, const Observation& seen, const AmountState* same,
                 const AmountState* same_description) {
  const auto count = [](const AmountState* state) {
    return state == nullptr ? 0.0F : std::log2(1 + static_cast<float>(state->count));
  };
  const bool week = same != nullptr && seen.file_day - same->last_day <= 7;
  row[kSeenAmount] = count(same);
  row[kSeenAmountDesc] = count(same_description);
  row[kSameKeyWeek] = week ? 1 : 0;
  row[kSameKeyAndDay] = same != nullptr && same->entry_day == seen.entry_day ? 1 : 0;
  row[kDaysSinceKey] = same == nullptr ? kMissing : static_cast<float>(seen.file_day - same->last_day);
}

}  // namespace

FeatureRow FeatureStream::next(const Observation& seen) {
  Tables& tables = *tables_;
  const Keys keys(seen);
  if (seen.file_day > tables.today) tables.today = seen.file_day;
  tables.expire();
  const std::int64_t size = seen.amount < 0 ? -seen.amount : seen.amount;
  const bool negative = seen.amount < 0;
  const float log_amount = std::log10(static_cast<float>(std::max<std::int64_t>(1, size)));
  const KeyState* feed = tables.keys.look(keys.feed);
  const KeyState* entity = tables.keys.look(keys.entity);
  const KeyState* description = tables.keys.look(keys.description);
  const KeyState* key = tables.keys.look(keys.entity_description);
  const KeyState* typed = tables.keys.look(keys.type_description);
  const KeyState* entity_type = tables.keys.look(keys.entity_type);

  FeatureRow row{};
  put_digits(row, size, log_amount);
  row[kNegative] = negative ? 1 : 0;
  row[kZDescription] = deviation(description, log_amount);
  row[kZEntityDesc] = deviation(key, log_amount);
  row[kAbsZEntityDesc] = std::abs(row[kZEntityDesc]);
  row[kZEntity] = deviation(entity, log_amount);
  row[kZBestOther] = deviation(entity_type, log_amount);
  put_scale(row, key, log_amount);
  row[kNegativeShare] = key == nullptr ? kMissing : static_cast<float>(key->negative) / static_cast<float>(key->count);
  row[kSignSurprise] = sign_surprise(key, negative);
  row[kSignSurpriseDesc] = sign_surprise(description, negative);
  row[kCountEntityDesc] = log_count(key);
  row[kCountEntity] = log_count(entity);
  row[kDescGivenEntity] = row[kCountEntityDesc] - row[kCountEntity];
  row[kTypeGivenDesc] = log_count(typed) - log_count(description);
  row[kSpread] = key == nullptr || key->count < 2 ? kMissing : key->spread;
  put_dates(row, seen, key, feed);
  put_repeats(row, seen, tables.amounts.look(keys.amount), tables.amounts.look(keys.amount_description));
  row[kEqualsPrevious] = tables.previous == keys.amount ? 1 : 0;

  const Lesson lesson(seen, log_amount);
  learn(tables.keys.at(keys.feed), seen, lesson);
  learn(tables.keys.at(keys.entity), seen, lesson);
  learn(tables.keys.at(keys.description), seen, lesson);
  learn(tables.keys.at(keys.entity_description), seen, lesson);
  learn(tables.keys.at(keys.type_description), seen, lesson);
  learn(tables.keys.at(keys.entity_type), seen, lesson);
  learn(tables.amounts.at(keys.amount), seen);
  learn(tables.amounts.at(keys.amount_description), seen);
  tables.previous = keys.amount;
  return row;
}

FeatureStream::State FeatureStream::state() const {
  return {tables_->keys.used(), tables_->amounts.used(), tables_->keys.bytes() + tables_->amounts.bytes()};
}

std::uint64_t text_id(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash | 1U;
}

std::string_view feature_schema() {
  static const std::string kSchema = [] {
    std::string names = kMeaning;
    for (const std::string_view name : kFeatures) names += "\n" + std::string(name);
    return Sha256::of(std::string_view(names)).hex();
  }();
  return kSchema;
}

}  // namespace ledgermill::model
