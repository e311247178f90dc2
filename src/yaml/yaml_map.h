// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"

namespace ledgermill {

/// Reads one YAML mapping by its keys; every mistake is a Failure (RC 8) that begins "<path>:<line>: ". What people
/// write (feed definitions, catalogues of faults, jobs) is read by it, so mistakes look alike everywhere.
class YamlMap {
 public:
  /// The whole text. Failure when it is no YAML, no mapping, or larger than 1 MiB.
  static YamlMap parse(std::string_view yaml, const std::filesystem::path& path);

  /// `where` names the mapping in messages, e.g. "schema.fields[2]". Failure when `node` is no mapping or has a key
  /// twice.
  YamlMap(YAML::Node node, std::string path, std::string where, int line);

  /// Failure on a key that is not among `known`, proposing the nearest.
  void only(std::initializer_list<std::string_view> known) const;

  std::vector<std::string> keys() const;
  bool has(const char* key) const;
  /// What stands at `key`, where people may write one value, a list or a mapping.
  bool is_list(const char* key) const;
  bool is_map(const char* key) const;
  int line() const { return line_; }
  int line_of(const char* key) const;

  std::optional<std::string> text(const char* key) const;
  std::string required_text(const char* key) const;
  bool flag(const char* key, bool otherwise) const;
  std::optional<std::uint64_t> number(const char* key, std::uint64_t least, std::uint64_t most) const;
  /// A single byte; "\t" as YAML writes it. 0 where the key is absent or the text empty.
  std::optional<char> byte(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  std::optional<YamlMap> map(const char* key) const;
  std::vector<YamlMap> maps(const char* key) const;

  /// "<path>:<line>: <what>"
  Failure mistake(int line, const std::string& what, std::string hint = {}) const;
  Failure mistake_at(const char* key, const std::string& what, std::string hint = {}) const {
    return mistake(line_of(key), what, std::move(hint));
  }
  const std::string& where() const { return where_; }

 private:
  YAML::Node find(const char* key) const;
  std::string scalar(const YAML::Node& node, const char* key) const;

  YAML::Node node_;
  std::string path_;
  std::string where_;
  int line_;
};

}  // namespace ledgermill
