// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/file.h"
#include "enrich/answer.h"

namespace ledgermill::enrich {

/// Where an answer comes from.
struct Provenance {
  std::string model;
  std::string model_digest;
  std::uint64_t prompt_version = 0;
  std::string prompt_digest;  ///< 12 hex digits
  std::string asked_at;       ///< ISO 8601; "" of the embedded enricher, whose answers do not depend on the day
  std::uint32_t attempts = 1;
  std::uint64_t milliseconds = 0;
  std::uint64_t input_tokens = 0;  ///< 0 where the server did not say
  std::uint64_t output_tokens = 0;
  std::string verdict = "accepted";  ///< or "repaired": accepted at the second answer

  bool operator==(const Provenance&) const = default;
};

struct StoredAnswer {
  std::string key;       ///< hex digest, see answer_key
  std::string question;  ///< question_json
  Answer answer;
  Provenance provenance;

  bool operator==(const StoredAnswer&) const = default;
};

/// The answers received so far: one JSON object a line, appended as each comes (docs/formats/
/// enrichment-store.md), so a kill costs only what was in flight. Each line carries its own digest: a torn last line is
/// cut off when the store is opened for writing, a damaged one in the middle is left out and counted.
class AnswerStore {
 public:
  enum class Access : std::uint8_t { kReadOnly, kWrite };

  /// Makes folder and file where they are missing (kWrite). One writer at a time: Failure RC 12 while another run
  /// holds the file.
  AnswerStore(std::filesystem::path file, Access access);

  /// Valid until the next `add`.
  const StoredAnswer* find(const std::string& key) const;
  /// Appends; a kill of the process loses nothing that was added. Of two answers to one key the last holds.
  /// Failure RC 12 (disk full).
  void add(const StoredAnswer& answer);
  /// Brings what was added to the disk: a loss of power loses nothing after it. Many answers share one sync, since a
  /// sync may take longer than an answer. Failure RC 12.
  void sync();

  const std::map<std::string, StoredAnswer>& answers() const { return answers_; }
  std::uint64_t damaged_lines() const { return damaged_; }
  /// The digest that the model of this name had when it was last asked; "" when it never was.
  std::string last_digest_of(const std::string& model) const;

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  std::map<std::string, StoredAnswer> answers_;
  std::map<std::string, std::string> model_digests_;
  std::uint64_t damaged_ = 0;
  bool unsynced_ = false;
};

/// One line of the store, with its line end, and back; nothing when the line is damaged.
std::string to_line(const StoredAnswer& answer);
std::optional<StoredAnswer> from_line(std::string_view line);

}  // namespace ledgermill::enrich
