// SPDX-License-Identifier: Apache-2.0
#include "ledger/copy_encoder.h"

#include <array>
#include <concepts>

namespace ledgermill::ledger {

namespace {

template <std::integral T>
void append_be(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes;
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = sizeof(T); i-- > 0;) {
    bytes[i] = static_cast<char>(bits & 0xffU);
    if constexpr (sizeof(T) > 1) bits >>= 8;
  }
  out.append(bytes.data(), bytes.size());
}

template <std::integral T>
void append_value(std::string& out, T value) {
  append_be<std::int32_t>(out, sizeof(T));
  append_be(out, value);
}

constexpr std::int32_t kDaysTo2000 = 10'957;  // PostgreSQL counts days and microseconds from 2000-01-01
constexpr std::int64_t kMicrosecondsTo2000 = 946'684'800'000'000;

constexpr std::array<std::uint64_t, 19> powers_of_ten() {
  std::array<std::uint64_t, 19> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
constexpr auto kPowers = powers_of_ten();

}  // namespace

void append_numeric(std::string& out, std::int64_t minor_units, unsigned scale) {
  const std::uint64_t size =
      minor_units < 0 ? 0 - static_cast<std::uint64_t>(minor_units) : static_cast<std::uint64_t>(minor_units);
  std::uint64_t whole = size / kPowers[scale];
  const std::uint64_t fraction = size % kPowers[scale];
  std::array<std::int16_t, 12> groups;  // base 10,000, most significant first
  constexpr int kPoint = 5;             // the point stands before groups[kPoint]
  int first = kPoint;
  for (; whole != 0; whole /= 10'000)
    groups[static_cast<std::size_t>(--first)] = static_cast<std::int16_t>(whole % 10'000);
  int end = kPoint;
  unsigned left = scale;
  for (std::uint64_t rest = fraction; rest != 0;) {
    // The next four decimals; the last group is filled up with zeros.
    const unsigned take = left < 4 ? left : 4;
    const std::uint64_t group = rest / kPowers[left - take];
    rest %= kPowers[left - take];
    left -= take;
    groups[static_cast<std::size_t>(end++)] = static_cast<std::int16_t>(group * kPowers[4 - take]);
  }
  while (first < end && groups[static_cast<std::size_t>(first)] == 0) ++first;
  while (end > first && groups[static_cast<std::size_t>(end - 1)] == 0) --end;
  const int count = end - first;
  append_be<std::int32_t>(out, 8 + 2 * count);
  append_be(out, static_cast<std::int16_t>(count));
  append_be(out, static_cast<std::int16_t>(count == 0 ? 0 : kPoint - 1 - first));
  append_be<std::int16_t>(out, minor_units < 0 ? 0x4000 : 0);
  append_be(out, static_cast<std::int16_t>(scale));
  for (int i = first; i < end; ++i) append_be(out, groups[static_cast<std::size_t>(i)]);
}

CopyEncoder::CopyEncoder(BatchNumber batch, const Plan& plan, const StagedChunk& chunk)
    : batch_(batch), plan_(plan), chunk_(chunk), first_record_(plan.chunk(chunk.number).first_record) {}

void CopyEncoder::append_header(std::string& out) {
  out.append("PGCOPY\n\377\r\n\0", 11);
  append_be<std::int32_t>(out, 0);
  append_be<std::int32_t>(out, 0);
}

void CopyEncoder::append_trailer(std::string& out) { append_be<std::int16_t>(out, -1); }

void CopyEncoder::append_row(std::string& out, std::size_t i) const {
  append_be(out, static_cast<std::int16_t>(2 + plan_.layout.fields.size()));
  append_value(out, to_int(batch_));
  append_value(out, static_cast<std::int64_t>(first_record_ + chunk_.accepted[i].record));
  for (std::size_t field = 0; field < plan_.layout.fields.size(); ++field) append_field(out, field, i);
}

void CopyEncoder::append_field(std::string& out, std::size_t field, std::size_t i) const {
  const StagedColumn& column = chunk_.columns[field];
  if (column.states[i] == FieldState::kMissing) return append_be<std::int32_t>(out, -1);
  switch (plan_.layout.fields[field].type) {
    case FieldType::kInteger:
      return append_value(out, column.integers[i]);
    case FieldType::kDecimal:
      return append_numeric(out, column.integers[i], plan_.layout.fields[field].scale);
    case FieldType::kDatetime:
      return append_value(out, column.integers[i] - kMicrosecondsTo2000);
    case FieldType::kDate:
      return append_value(out, column.dates[i].days_since_epoch() - kDaysTo2000);
    case FieldType::kBoolean:
      return append_value(out, column.booleans[i]);
    case FieldType::kString: {
      const std::string_view text = chunk_.text.at(column.texts[i]);
      append_be(out, static_cast<std::int32_t>(text.size()));
      out.append(text);
      return;
    }
  }
}

}  // namespace ledgermill::ledger
