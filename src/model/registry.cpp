// SPDX-License-Identifier: Apache-2.0
#include "model/registry.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::model {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 3> kKindNames{"trained", "promoted", "rolled_back"};

fs::path event_path(const fs::path& root, std::size_t number) {
  return root / "events" / fmt::format("{:06}.json", number);
}

RegistryEvent read_event(const fs::path& path) {
  try {
    const auto json = nlohmann::json::parse(read_small_file(path));
    RegistryEvent event;
    const std::string kind = json.at("event");
    const auto at = std::find(kKindNames.begin(), kKindNames.end(), kind);
    if (at != kKindNames.end()) {
      event.kind = static_cast<RegistryEvent::Kind>(at - kKindNames.begin());
      event.model = json.at("model");
      event.by = json.at("by");
      event.why = json.at("why");
      event.at = json.at("at");
      return event;
    }
  } catch (const nlohmann::json::exception&) {  // said below
  }
  throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no event of a registry", path.string()),
                "restore it from a backup of models/");
}

}  // namespace

Registry::Registry(fs::path root) : root_(std::move(root)) {
  for (std::size_t number = 1; fs::exists(event_path(root_, number)); ++number)
    events_.push_back(read_event(event_path(root_, number)));
}

std::vector<std::string> Registry::champions() const {
  std::vector<std::string> stack;
  for (const RegistryEvent& event : events_) {
    if (event.kind == RegistryEvent::Kind::kPromoted) stack.push_back(event.model);
    if (event.kind == RegistryEvent::Kind::kRolledBack && !stack.empty()) stack.pop_back();
  }
  return stack;
}

std::optional<std::string> Registry::champion() const {
  const auto stack = champions();
  return stack.empty() ? std::nullopt : std::optional(stack.back());
}

std::optional<std::string> Registry::newest() const {
  for (auto event = events_.rbegin(); event != events_.rend(); ++event)
    if (event->kind == RegistryEvent::Kind::kTrained) return event->model;
  return std::nullopt;
}

fs::path Registry::folder(const std::string& model) const {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_, error)) {
    const std::string name = entry.path().filename().string();
    if (!model.empty() && name.starts_with(model) && fs::exists(entry.path() / "model.json")) found.push_back(name);
  }
  if (found.size() == 1) return root_ / found.front();
  throw Failure(
      ReturnCode::kRefused,
      fmt::format("{} model in '{}' is named '{}'", found.empty() ? "no" : "more than one", root_.string(), model),
      "'ledgermill models' lists them");
}

void Registry::record(RegistryEvent event) {
  std::error_code error;
  fs::create_directories(root_ / "events", error);
  if (error)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot make '{}': {}", (root_ / "events").string(), error.message()));
  const nlohmann::ordered_json json{{"event", kKindNames[static_cast<std::size_t>(event.kind)]},
                                    {"model", event.model},
                                    {"by", event.by},
                                    {"why", event.why},
                                    {"at", event.at}};
  if (!create_new_file(event_path(root_, events_.size() + 1), json.dump() + "\n"))
    throw Failure(ReturnCode::kUnavailable, fmt::format("another run has just written to '{}'", root_.string()),
                  "the same command again");
  events_.push_back(std::move(event));
}

std::string Registry::roll_back(const std::string& by, const std::string& why, const std::string& at) {
  const auto stack = champions();
  if (stack.size() < 2)
    throw Failure(ReturnCode::kRefused, "there is no earlier champion to go back to",
                  "'ledgermill models' lists what there is");
  record({RegistryEvent::Kind::kRolledBack, stack[stack.size() - 2], by, why, at});
  return stack[stack.size() - 2];
}

}  // namespace ledgermill::model
