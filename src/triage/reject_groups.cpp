// SPDX-License-Identifier: Apache-2.0
#include "triage/reject_groups.h"

#include <algorithm>

#include "triage/shape.h"

namespace ledgermill::triage {

namespace {

/// SplitMix64: the same sequence on every machine.
std::uint64_t scrambled(std::uint64_t n) {
  n += 0x9e3779b97f4a7c15U;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9U;
  n = (n ^ (n >> 27)) * 0x94d049bb133111ebU;
  return n ^ (n >> 31);
}

/// Reservoir sampling (Vitter's algorithm R): each record of the group has the same chance to be kept.
void sample(Group& group, const Seen& seen, std::uint64_t draw) {
  ++group.complete;
  const std::size_t bytes = seen.record.size() + seen.header.size();
  if (group.samples.size() < RejectGroups::kMostSamples &&
      group.sample_bytes + bytes <= RejectGroups::kMostSampleBytes) {
    group.samples.push_back({std::string(seen.header), std::string(seen.record)});
    group.sample_bytes += bytes;
    return;
  }
  const std::uint64_t place = scrambled(draw) % group.complete;
  if (place >= group.samples.size()) return;
  Sample& old = group.samples[place];
  const std::size_t without = group.sample_bytes - old.record.size() - old.header.size();
  if (without + bytes > RejectGroups::kMostSampleBytes) return;
  old = {std::string(seen.header), std::string(seen.record)};
  group.sample_bytes = without + bytes;
}

}  // namespace

void RejectGroups::add(std::string_view feed, const Seen& seen) {
  const bool of_value = !seen.field.empty() && !seen.value.empty();
  const std::string shape =
      of_value ? shape_of(seen.value, seen.exact_shape ? ShapeDetail::kEachCharacter : ShapeDetail::kRuns)
               : shape_of(seen.record.substr(0, 4096), ShapeDetail::kRuns);
  GroupKey key{std::string(feed), std::string(seen.code), std::string(seen.constraint), std::string(seen.field), shape,
               seen.last_of_file};
  // A last record that looks like rejects before it shares their fault; apart stands what only a file's end has.
  if (seen.last_of_file) {
    key.last_of_file = false;
    key.last_of_file = groups_.find(key) == groups_.end();
  }
  if (groups_.size() >= kMostGroups && groups_.find(key) == groups_.end()) key.shape = "(other)";
  Group& group = groups_[key];
  if (group.rejects++ == 0) {
    group.key = key;
    group.first_batch = seen.batch;
    group.first_record = seen.number;
    group.file_records = seen.file_records;
    group.example = (of_value ? seen.value : seen.record).substr(0, 120);
  }
  if (group.last_batch != seen.batch) {
    group.last_batch = seen.batch;
    ++group.batches;
  }
  if (seen.without_line_end) ++group.without_line_end;
  if (seen.complete) sample(group, seen, ++draws_);
}

std::vector<Group> RejectGroups::take() {
  std::vector<Group> all;
  for (auto& [key, group] : groups_) all.push_back(std::move(group));
  groups_.clear();
  std::stable_sort(all.begin(), all.end(), [](const Group& a, const Group& b) { return a.rejects > b.rejects; });
  return all;
}

}  // namespace ledgermill::triage
