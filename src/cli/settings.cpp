// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "cli/session.h"

namespace ledgermill::cli {

namespace {

constexpr const char* kFile = "ledgermill.yaml";

std::vector<std::string> words(const YAML::Node& node) {
  if (node.IsSequence()) return node.as<std::vector<std::string>>();
  return {node.as<std::string>()};
}

void set(Settings& settings, const std::string& key, const YAML::Node& value, int line) {
  if (key == "ledger")
    settings.ledger = value.as<std::string>();
  else if (key == "ledger_password_file")
    settings.ledger_password_file = value.as<std::string>();
  else if (key == "feeds")
    settings.feeds = words(value);
  else if (key == "modules")
    settings.modules = words(value);
  else if (key == "cache")
    settings.cache = value.as<std::string>();
  else if (key == "rejects")
    settings.rejects = value.as<std::string>();
  else if (key == "enrichments")
    settings.enrichments = words(value);
  else if (key == "store")
    settings.store = value.as<std::string>();
  else if (key == "model_server")
    settings.model_server = value.as<std::string>();
  else if (key == "model")
    settings.model = value.as<std::string>();
  else if (key == "model_key_file")
    settings.model_key_file = value.as<std::string>();
  else if (key == "workers")
    settings.workers = value.as<unsigned>();
  else if (key == "lease_seconds")
    settings.lease_seconds = value.as<double>();
  else
    throw Failure(
        ReturnCode::kRefused, fmt::format("{}:{}: unknown setting '{}'", kFile, line, key),
        "known: ledger, ledger_password_file, feeds, modules, cache, rejects, enrichments, store, model_server, "
        "model, model_key_file, workers, lease_seconds");
}

}  // namespace

void Settings::read_environment() {
  constexpr std::string_view kKeys[] = {
      "ledger", "ledger_password_file", "feeds", "modules",        "cache",   "rejects",      "enrichments",
      "store",  "model_server",         "model", "model_key_file", "workers", "lease_seconds"};
  for (const std::string_view key : kKeys) {
    std::string name = "LEDGERMILL_";
    for (const char c : key) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr || *value == 0) continue;
    try {
      set(*this, std::string(key), YAML::Node(std::string(value)), 0);
    } catch (const YAML::Exception&) {
      throw Failure(ReturnCode::kRefused, fmt::format("{} is '{}', which cannot be", name, value));
    }
  }
}

void Settings::read_file() {
  if (!std::filesystem::exists(kFile)) return;
  try {
    const YAML::Node root = YAML::Load(read_small_file(kFile, 64U << 10));
    if (root.IsNull()) return;
    if (!root.IsMap())
      throw Failure(ReturnCode::kRefused, fmt::format("{}:1: is no list of 'setting: value' lines", kFile));
    for (const auto& entry : root) {
      set(*this, entry.first.as<std::string>(), entry.second, entry.first.Mark().line + 1);
    }
  } catch (const YAML::Exception& mistake) {
    throw Failure(ReturnCode::kRefused, fmt::format("{}:{}: {}", kFile, mistake.mark.line + 1, mistake.msg));
  }
}

}  // namespace ledgermill::cli
