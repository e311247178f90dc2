// SPDX-License-Identifier: Apache-2.0
#include "rules/constraint_judge.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <bit>
#include <cstring>

#include "base/failure.h"

namespace ledgermill::rules {

namespace {

/// The first and the last bytes of a text: of one up to 16 bytes long they are the whole of it.
struct TextEnds {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;

  explicit TextEnds(std::string_view text) {
    const char* const end = text.data() + text.size();
    if (text.size() >= 8) {
      head = load<std::uint64_t>(text.data());
      tail = load<std::uint64_t>(end - 8);
    } else if (text.size() >= 4) {
      head = load<std::uint32_t>(text.data());
      tail = load<std::uint32_t>(end - 4);
    } else {
      for (const char c : text) head = head << 8 | static_cast<unsigned char>(c);
    }
  }
  bool operator==(const TextEnds&) const = default;

 private:
  template <class Word>
  static Word load(const char* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
};

/// The values of an `enum`, found by a hash of length, first and last bytes.
class CodeTable {
 public:
  explicit CodeTable(const std::vector<std::string>& values)
      : values_(values), slots_(std::bit_ceil(values.size() * 4 + 1)) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const TextEnds ends(values[i]);
      std::size_t at = hash(values[i].size(), ends) & (slots_.size() - 1);
      while (slots_[at].code != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {ends, static_cast<std::uint32_t>(values[i].size()), static_cast<std::int16_t>(i + 1)};
    }
  }

  /// 1 + the value's place in the list, 0 when it is not there.
  std::int16_t code(std::string_view value) const {
    const TextEnds ends(value);
    for (std::size_t at = hash(value.size(), ends) & (slots_.size() - 1); slots_[at].code != 0;
         at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.length == value.size() && slot.ends == ends &&
          (value.size() <= 16 || value == values_[static_cast<std::size_t>(slot.code - 1)]))
        return slot.code;
    }
    return 0;
  }

 private:
  struct Slot {
    TextEnds ends{""};
    std::uint32_t length = 0;
    std::int16_t code = 0;
  };

  static std::size_t hash(std::size_t length, const TextEnds& ends) {
    std::uint64_t mixed = (ends.head ^ (ends.tail * 0x9e3779b97f4a7c15ULL) ^ length) * 0xbf58476d1ce4e5b9ULL;
    mixed ^= mixed >> 32;
    return static_cast<std::size_t>(mixed);
  }

  const std::vector<std::string>& values_;
  std::vector<Slot> slots_;
};

std::uint32_t characters(std::string_view utf8) {
  std::uint32_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1U : 0U;
  return count;
}

std::unique_ptr<RE2> compile_pattern(const Field& field) {
  if (!field.constraints.pattern) return nullptr;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  auto pattern = std::make_unique<RE2>(*field.constraints.pattern, options);
  if (!pattern->ok()) {
    throw Failure(ReturnCode::kRefused,
                  fmt::format("field '{}' (definition line {}): pattern '{}' is no regular expression: {}", field.name,
                              field.constraints.definition_line, *field.constraints.pattern, pattern->error()),
                  "patterns are RE2 expressions: no look-around, no back references");
  }
  return pattern;
}

/// The constraints of one field.
class FieldJudge {
 public:
  FieldJudge(const Field& field, std::size_t index)
      : field_(field), index_(static_cast<std::uint16_t>(index)), pattern_(compile_pattern(field)) {
    if (field.is_code()) codes_ = std::make_unique<CodeTable>(field.constraints.enumeration);
  }

  void judge(RecordBlock& block, const ChunkText& text, Findings& findings) const {
    if (field_.constraints.required) judge_required(block, findings);
    if (codes_) judge_codes(block, text, findings);
    if (field_.constraints.minimum || field_.constraints.maximum) judge_bounds(block, findings);
    if (field_.constraints.min_length || field_.constraints.max_length || pattern_) judge_text(block, text, findings);
  }

 private:
  void refuse(RecordBlock& block, std::size_t i, ReasonCode code, Findings& findings) const {
    block.states(index_)[i] = FieldState::kInvalid;
    findings.push_back({static_cast<std::uint32_t>(i), {code, index_, block.texts(index_)[i]}});
  }

  void judge_required(RecordBlock& block, Findings& findings) const {
    const auto states = block.states(index_);
    static_assert(static_cast<int>(FieldState::kMissing) == 0);
    if (std::memchr(states.data(), 0, block.size()) == nullptr) return;  // as nearly always
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (states[i] == FieldState::kMissing) refuse(block, i, ReasonCode::kRequired, findings);
    }
  }

  void judge_codes(RecordBlock& block, const ChunkText& text, Findings& findings) const {
    const auto states = block.states(index_);
    const auto texts = block.texts(index_);
    const auto codes = block.codes(index_);
    for (std::size_t i = 0; i < block.size(); ++i) {
      codes[i] = states[i] == FieldState::kValid ? codes_->code(text.at(texts[i])) : std::int16_t{0};
      if (codes[i] == 0 && states[i] == FieldState::kValid) refuse(block, i, ReasonCode::kEnum, findings);
    }
  }

  std::int64_t value(const RecordBlock& block, std::size_t i) const {
    return field_.type == FieldType::kDate ? block.dates(index_)[i].days_since_epoch() : block.integers(index_)[i];
  }

  void judge_bounds(RecordBlock& block, Findings& findings) const {
    const auto states = block.states(index_);
    const FieldConstraints& c = field_.constraints;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (states[i] != FieldState::kValid) continue;
      const std::int64_t of_cell = value(block, i);
      if (c.minimum && of_cell < c.minimum->value) refuse(block, i, ReasonCode::kMinimum, findings);
      if (c.maximum && of_cell > c.maximum->value) refuse(block, i, ReasonCode::kMaximum, findings);
    }
  }

  void judge_text(RecordBlock& block, const ChunkText& text, Findings& findings) const {
    const FieldConstraints& c = field_.constraints;
    const auto states = block.states(index_);
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (states[i] != FieldState::kValid) continue;
      const std::string_view cell = text.at(block.texts(index_)[i]);
      const std::uint32_t length = c.min_length || c.max_length ? characters(cell) : 0;
      if (c.min_length && length < *c.min_length) refuse(block, i, ReasonCode::kMinLength, findings);
      if (c.max_length && length > *c.max_length) refuse(block, i, ReasonCode::kMaxLength, findings);
      if (pattern_ && !RE2::FullMatch(re2::StringPiece(cell.data(), cell.size()), *pattern_))
        refuse(block, i, ReasonCode::kPattern, findings);
    }
  }

  const Field& field_;
  std::uint16_t index_;
  std::unique_ptr<RE2> pattern_;
  std::unique_ptr<CodeTable> codes_;
};

}  // namespace

struct ConstraintJudge::State {
  Layout layout;
  std::vector<FieldJudge> fields;
};

ConstraintJudge::ConstraintJudge(const Layout& layout) : state_(std::make_unique<State>()) {
  state_->layout = layout;
  for (std::size_t i = 0; i < layout.fields.size(); ++i) state_->fields.emplace_back(state_->layout.fields[i], i);
}
ConstraintJudge::~ConstraintJudge() = default;

void ConstraintJudge::judge(RecordBlock& block, const ChunkText& text, Findings& findings) {
  for (const FieldJudge& field : state_->fields) field.judge(block, text, findings);
}

}  // namespace ledgermill::rules
