// SPDX-License-Identifier: Apache-2.0
#include "job/condition.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/failure.h"

namespace ledgermill::job {

enum class Operator : std::uint8_t { kEqual, kNotEqual, kLess, kAtMost, kGreater, kAtLeast };

struct Condition::Node {
  enum class Kind : std::uint8_t { kCompare, kAbend, kRan, kNot, kAnd, kOr };
  Kind kind = Kind::kCompare;
  std::string step;  ///< "": of all steps
  Operator comparison = Operator::kEqual;
  std::int32_t number = 0;
  std::shared_ptr<const Node> left, right;
};

namespace {

using Node = Condition::Node;
using NodePtr = std::shared_ptr<const Node>;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

/// Recursive descent over `or`, `and`, `not`, and what can be true by itself.
class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& earlier) : text_(text), earlier_(earlier) { next(); }

  NodePtr whole() {
    NodePtr node = alternatives();
    if (!token_.empty()) throw expected("'and', 'or' or the end");
    return node;
  }
  bool speaks_of_abend() const { return speaks_of_abend_; }

 private:
  static constexpr int kDeepest = 50;

  Failure expected(const std::string& what) const {
    return Failure(ReturnCode::kRefused, fmt::format("'if: {}': {} is expected at column {}, not '{}'", text_, what,
                                                     begin_ + 1, token_.empty() ? "the end" : std::string(token_)));
  }

  void next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    begin_ = at_;
    if (at_ < text_.size() && is_word(text_[at_])) {
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    } else if (at_ < text_.size()) {
      const bool two = at_ + 1 < text_.size() && text_[at_ + 1] == '=' &&
                       std::string_view("!<>").find(text_[at_]) != std::string_view::npos;
      at_ += two ? 2 : 1;
    }
    token_ = text_.substr(begin_, at_ - begin_);
  }

  bool take(std::string_view word) {
    if (token_ != word) return false;
    next();
    return true;
  }

  NodePtr alternatives() {
    NodePtr left = conjunction();
    while (take("or")) left = std::make_shared<Node>(Node{Node::Kind::kOr, "", {}, 0, left, conjunction()});
    return left;
  }

  NodePtr conjunction() {
    NodePtr left = single();
    while (take("and")) left = std::make_shared<Node>(Node{Node::Kind::kAnd, "", {}, 0, left, single()});
    return left;
  }

  NodePtr single() {
    if (++depth_ > kDeepest) throw expected("a shorter condition");
    NodePtr node;
    if (take("not")) {
      node = std::make_shared<Node>(Node{Node::Kind::kNot, "", {}, 0, single(), nullptr});
    } else if (take("(")) {
      node = alternatives();
      if (!take(")")) throw expected("')'");
    } else if (take("abend")) {
      speaks_of_abend_ = true;
      node = std::make_shared<Node>(Node{Node::Kind::kAbend, step(), {}, 0, nullptr, nullptr});
    } else if (take("ran")) {
      const std::string of = step();
      if (of.empty()) throw expected("'(STEP)'");
      node = std::make_shared<Node>(Node{Node::Kind::kRan, of, {}, 0, nullptr, nullptr});
    } else if (take("rc")) {
      const std::string of = step();
      const Operator how = comparison();
      node = std::make_shared<Node>(Node{Node::Kind::kCompare, of, how, number(), nullptr, nullptr});
    } else {
      throw expected("'rc', 'abend', 'ran', 'not' or '('");
    }
    --depth_;
    return node;
  }

  /// "(NAME)" or nothing.
  std::string step() {
    if (!take("(")) return "";
    const std::string name(token_);
    if (std::find(earlier_.begin(), earlier_.end(), name) == earlier_.end())
      throw expected("the name of an earlier step");
    next();
    if (!take(")")) throw expected("')'");
    return name;
  }

  Operator comparison() {
    static constexpr std::pair<std::string_view, Operator> kOperators[] = {
        {"=", Operator::kEqual},   {"!=", Operator::kNotEqual}, {"<", Operator::kLess},
        {"<=", Operator::kAtMost}, {">", Operator::kGreater},   {">=", Operator::kAtLeast}};
    for (const auto& [sign, how] : kOperators) {
      if (take(sign)) return how;
    }
    throw expected("'=', '!=', '<', '<=', '>' or '>='");
  }

  std::int32_t number() {
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(token_.data(), token_.data() + token_.size(), value);
    if (token_.empty() || error != std::errc() || end != token_.data() + token_.size())
      throw expected("a whole number");
    next();
    return value;
  }

  std::string_view text_;
  const std::vector<std::string>& earlier_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  std::string_view token_;
  bool speaks_of_abend_ = false;
  int depth_ = 0;
};

bool compare(std::int32_t left, Operator how, std::int32_t right) {
  switch (how) {
    case Operator::kEqual:
      return left == right;
    case Operator::kNotEqual:
      return left != right;
    case Operator::kLess:
      return left < right;
    case Operator::kAtMost:
      return left <= right;
    case Operator::kGreater:
      return left > right;
    case Operator::kAtLeast:
      return left >= right;
  }
  return false;
}

bool value_of(const Node& node, const Outcomes& outcomes) {
  const StepOutcome* of = node.step.empty() ? nullptr : outcomes.of(node.step);
  switch (node.kind) {
    case Node::Kind::kCompare:
      if (node.step.empty()) return compare(outcomes.highest(), node.comparison, node.number);
      return of != nullptr && compare(of->return_code, node.comparison, node.number);
    case Node::Kind::kAbend:
      return node.step.empty() ? outcomes.any_abend() : of != nullptr && of->abend;
    case Node::Kind::kRan:
      return of != nullptr;
    case Node::Kind::kNot:
      return !value_of(*node.left, outcomes);
    case Node::Kind::kAnd:
      return value_of(*node.left, outcomes) && value_of(*node.right, outcomes);
    case Node::Kind::kOr:
      return value_of(*node.left, outcomes) || value_of(*node.right, outcomes);
  }
  return false;
}

}  // namespace

const StepOutcome* Outcomes::of(const std::string& step) const {
  const auto at = by_step_.find(step);
  return at == by_step_.end() ? nullptr : &at->second;
}

std::int32_t Outcomes::highest() const {
  std::int32_t highest = 0;
  for (const auto& [step, outcome] : by_step_) highest = std::max(highest, outcome.return_code);
  return highest;
}

bool Outcomes::any_abend() const {
  return std::any_of(by_step_.begin(), by_step_.end(), [](const auto& each) { return each.second.abend; });
}

Condition::Condition() : Condition("rc <= 4", {}) {}

Condition::Condition(std::string_view text, const std::vector<std::string>& earlier) : text_(text) {
  Parser parser(text_, earlier);
  root_ = parser.whole();
  speaks_of_abend_ = parser.speaks_of_abend();
}

bool Condition::holds(const Outcomes& outcomes) const {
  if (outcomes.any_abend() && !speaks_of_abend_) return false;
  return value_of(*root_, outcomes);
}

}  // namespace ledgermill::job
