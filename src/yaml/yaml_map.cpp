// SPDX-License-Identifier: Apache-2.0
#include "yaml/yaml_map.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace ledgermill {

namespace {

int line_of_node(const YAML::Node& node, int otherwise) {
  return node.Mark().line >= 0 ? node.Mark().line + 1 : otherwise;
}

/// Edits (insert, delete, replace) that make `a` from `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string proposal(std::string_view key, std::initializer_list<std::string_view> known) {
  const auto nearest = std::min_element(known.begin(), known.end(),
                                        [key](auto a, auto b) { return distance(key, a) < distance(key, b); });
  if (nearest != known.end() && distance(key, *nearest) <= 3) return fmt::format("did you mean '{}'?", *nearest);
  std::string all;
  for (const std::string_view name : known) all += (all.empty() ? "known here: " : ", ") + std::string(name);
  return all;
}

}  // namespace

YamlMap YamlMap::parse(std::string_view yaml, const std::filesystem::path& path) {
  const std::string name = path.empty() ? "definition" : path.string();
  constexpr std::size_t kMostBytes = 1U << 20;
  const auto refuse = [&](int line, const std::string& what) {
    return Failure(ReturnCode::kRefused, fmt::format("{}:{}: {}", name, line, what));
  };
  if (yaml.size() > kMostBytes)
    throw refuse(1, fmt::format("{} bytes are too many, at most {} are read", yaml.size(), kMostBytes));
  try {
    YAML::Node root = YAML::Load(std::string(yaml));
    return YamlMap(root, name, "", 1);
  } catch (const YAML::Exception& mistake) {
    throw refuse(mistake.mark.line + 1, mistake.msg);
  }
}

YamlMap::YamlMap(YAML::Node node, std::string path, std::string where, int line)
    : node_(std::move(node)), path_(std::move(path)), where_(std::move(where)), line_(line_of_node(node_, line)) {
  if (!node_.IsMap())
    throw mistake(line_, fmt::format("{} is no mapping of 'key: value' lines", where_.empty() ? "the text" : where_));
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const int at = line_of_node(entry.first, line_);
    if (!entry.first.IsScalar()) throw mistake(at, "a key must be a word");
    if (!seen.insert(entry.first.Scalar()).second)
      throw mistake(at, fmt::format("'{}' stands here a second time", entry.first.Scalar()));
  }
}

void YamlMap::only(std::initializer_list<std::string_view> known) const {
  for (const auto& entry : node_) {
    const std::string& key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw mistake(line_of_node(entry.first, line_),
                    fmt::format("unknown key '{}'{}", key.substr(0, 60), where_.empty() ? "" : " in " + where_),
                    proposal(std::string_view(key).substr(0, 60), known));
    }
  }
}

YAML::Node YamlMap::find(const char* key) const {
  for (const auto& entry : node_) {
    if (entry.first.Scalar() == key) return entry.second;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

std::vector<std::string> YamlMap::keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : node_) keys.push_back(entry.first.Scalar());
  return keys;
}

bool YamlMap::has(const char* key) const {
  const YAML::Node node = find(key);
  return node.IsDefined() && !node.IsNull();
}

bool YamlMap::is_list(const char* key) const { return find(key).IsSequence(); }

bool YamlMap::is_map(const char* key) const { return find(key).IsMap(); }

int YamlMap::line_of(const char* key) const {
  for (const auto& entry : node_) {
    if (entry.first.Scalar() == key) return line_of_node(entry.first, line_);
  }
  return line_;
}

Failure YamlMap::mistake(int line, const std::string& what, std::string hint) const {
  return Failure(ReturnCode::kRefused, fmt::format("{}:{}: {}", path_, line, what), std::move(hint));
}

std::string YamlMap::scalar(const YAML::Node& node, const char* key) const {
  if (!node.IsScalar()) throw mistake_at(key, fmt::format("'{}' must be a single value", key));
  return node.Scalar();
}

std::optional<std::string> YamlMap::text(const char* key) const {
  if (!has(key)) return std::nullopt;
  return scalar(find(key), key);
}

std::string YamlMap::required_text(const char* key) const {
  const auto value = text(key);
  if (!value || value->empty())
    throw mistake(line_, fmt::format("'{}' is missing{}", key, where_.empty() ? "" : " in " + where_));
  return *value;
}

bool YamlMap::flag(const char* key, bool otherwise) const {
  const auto value = text(key);
  if (!value) return otherwise;
  if (*value == "true" || *value == "false") return *value == "true";
  throw mistake_at(key, fmt::format("'{}' is neither true nor false", key));
}

std::optional<std::uint64_t> YamlMap::number(const char* key, std::uint64_t least, std::uint64_t most) const {
  const auto value = text(key);
  if (!value) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size() || number < least || number > most) {
    throw mistake_at(key, fmt::format("'{}' must be a whole number from {} to {}", key, least, most));
  }
  return number;
}

std::optional<char> YamlMap::byte(const char* key) const {
  const auto value = text(key);
  if (!value) return std::nullopt;
  if (value->empty()) return '\0';
  if (value->size() != 1 || static_cast<unsigned char>((*value)[0]) >= 0x80 || (*value)[0] == '\n' ||
      (*value)[0] == '\r') {
    throw mistake_at(key, fmt::format("'{}' must be one ASCII character, and no line end", key));
  }
  return (*value)[0];
}

std::vector<std::string> YamlMap::texts(const char* key) const {
  std::vector<std::string> values;
  if (!has(key)) return values;
  const YAML::Node list = find(key);
  if (!list.IsSequence()) throw mistake_at(key, fmt::format("'{}' must be a list", key));
  for (const auto& item : list) {
    if (!item.IsScalar())
      throw mistake(line_of_node(item, line_), fmt::format("'{}' must be a list of single values", key));
    values.push_back(item.Scalar());
  }
  return values;
}

std::optional<YamlMap> YamlMap::map(const char* key) const {
  if (!has(key)) return std::nullopt;
  return YamlMap(find(key), path_, where_.empty() ? key : where_ + "." + key, line_of(key));
}

std::vector<YamlMap> YamlMap::maps(const char* key) const {
  std::vector<YamlMap> values;
  if (!has(key)) return values;
  const YAML::Node list = find(key);
  if (!list.IsSequence()) throw mistake_at(key, fmt::format("'{}' must be a list", key));
  for (const auto& item : list) {
    values.emplace_back(item, path_, fmt::format("{}{}{}[{}]", where_, where_.empty() ? "" : ".", key, values.size()),
                        line_of(key));
  }
  return values;
}

}  // namespace ledgermill
