// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ledgermill::model {

/// What happened to the models of one folder. An event is a file `events/NNNNNN.json` that is made once and never
/// changed, so that storage needs no append and no rename, and two writers cannot both have a number.
struct RegistryEvent {
  enum class Kind : std::uint8_t { kTrained, kPromoted, kRolledBack } kind = Kind::kTrained;
  std::string model;
  std::string by;
  std::string why;
  std::string at;  ///< "2025-03-30T23:06:42.127715654Z"
};

/// The registry of models (docs/formats/model-registry.md): which there are, which is the champion, who decided.
class Registry {
 public:
  /// Reads the events. A folder that is not there is an empty registry. Failure RC 8 on a damaged event.
  explicit Registry(std::filesystem::path root);

  const std::vector<RegistryEvent>& events() const { return events_; }
  /// The model in use; nothing before the first promotion.
  std::optional<std::string> champion() const;
  /// The model trained last; nothing when none was.
  std::optional<std::string> newest() const;
  /// The model's folder, by its id or the beginning of it. Failure RC 8: none, or several.
  std::filesystem::path folder(const std::string& model) const;

  /// Failure RC 12 when another writer has just written.
  void record(RegistryEvent event);
  /// Makes the champion before this one the champion again, and returns it. Failure RC 8 when there was none.
  std::string roll_back(const std::string& by, const std::string& why, const std::string& at);

  const std::filesystem::path& root() const { return root_; }

 private:
  std::vector<std::string> champions() const;

  std::filesystem::path root_;
  std::vector<RegistryEvent> events_;
};

}  // namespace ledgermill::model
