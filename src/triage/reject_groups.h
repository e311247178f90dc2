// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ledgermill::triage {

/// A reject as the log tells it, as far as grouping needs it. Views are read during `add` only.
struct Seen {
  std::string_view batch;
  std::string_view header;      ///< the file's header line, with its line end
  std::string_view code;        ///< of the first reason
  std::string_view constraint;  ///< likewise; "" for none
  std::string_view field;       ///< label; "" for the whole record
  std::string_view value;       ///< of the first reason
  std::string_view record;      ///< its bytes, without line end
  bool complete = true;         ///< false: `record` is a prefix, or masked
  bool exact_shape = false;     ///< the length of the value says something (a date)
  bool last_of_file = false;
  bool without_line_end = false;   ///< the file ends with the record's last byte
  std::uint64_t number = 0;        ///< RecordNumber
  std::uint64_t file_records = 0;  ///< records of the file
};

/// A record kept to try fixes on.
struct Sample {
  std::string header;
  std::string record;
};

struct GroupKey {
  std::string feed, code, constraint, field, shape;
  bool last_of_file = false;
  auto operator<=>(const GroupKey&) const = default;
};

/// Rejects that look alike.
struct Group {
  GroupKey key;
  std::uint64_t rejects = 0;
  std::uint64_t complete = 0;          ///< of which the log has all bytes: what `samples` was drawn from
  std::uint64_t without_line_end = 0;  ///< of which the file ends with the record's last byte
  std::uint64_t batches = 0;           ///< in how many batches, counted as they come
  std::string last_batch;
  std::string first_batch;
  std::uint64_t first_record = 0;
  std::uint64_t file_records = 0;  ///< of the file of the first reject
  std::string example;             ///< value, or the beginning of the record where the reason has none
  std::vector<Sample> samples;     ///< drawn evenly from all of the group
  std::size_t sample_bytes = 0;
};

/// Groups rejects in one pass. Memory is bounded whatever their number: at most kMostGroups groups by shape (what comes
/// later goes to one group per feed, code and field, of shape "(other)"), and in each at most kMostSamples records of
/// together at most kMostSampleBytes. The same rejects in the same order give the same groups and samples.
class RejectGroups {
 public:
  static constexpr std::size_t kMostGroups = 256;
  static constexpr std::size_t kMostSamples = 100;
  static constexpr std::size_t kMostSampleBytes = 64U << 10;

  void add(std::string_view feed, const Seen& seen);

  /// Largest first; equals by key.
  std::vector<Group> take();

 private:
  std::map<GroupKey, Group> groups_;
  std::uint64_t draws_ = 0;
};

}  // namespace ledgermill::triage
