// SPDX-License-Identifier: Apache-2.0
#include "model/dataset.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "base/file.h"
#include "base/sha256.h"
#include "record/business_date.h"

namespace ledgermill::model {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 30;

std::string day_text(std::int32_t day) { return BusinessDate::from_days_since_epoch(day).text(); }

void append_float(std::string& out, float value) {
  if (!std::isfinite(value)) return;
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
  out.append(text.data(), end);
}

std::string values_text(const Dataset& data) {
  std::string out;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    out += data.labels[i] != 0 ? '1' : '0';
    for (std::size_t f = 0; f < data.width; ++f) {
      out += ',';
      append_float(out, data.row(i)[f]);
    }
    out += '\n';
  }
  return out;
}

std::string ids_text(const Dataset& data) {
  std::string out = "batch,record_number,feed,file_day,cause\n";
  for (const RowId& id : data.ids)
    out += fmt::format("{},{},{},{},{}\n", id.batch, id.record_number, id.feed, day_text(id.file_day), id.cause);
  return out;
}

std::string put(const fs::path& path, const std::string& text) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  fs::remove(path, ignored);
  if (!create_new_file(path, text))
    throw Failure(ReturnCode::kUnavailable, fmt::format("'{}' is written by another run", path.string()));
  return Sha256::of(std::string_view(text)).hex();
}

Json split_json(const SplitRule& split) {
  return {{"warmup_days", split.warmup_days},
          {"validation_days", split.validation_days},
          {"test_days", split.test_days},
          {"embargo_days", split.embargo_days},
          {"maturity_days", split.maturity_days}};
}

Json to_json(const DatasetManifest& manifest) {
  Json parts = Json::object();
  for (const auto& [name, part] : manifest.parts)
    parts[name] = {{"rows", part.rows},
                   {"positives", part.positives},
                   {"first_day", part.first_day},
                   {"last_day", part.last_day},
                   {"sha256", part.sha256}};
  Json features = Json::array();
  for (const std::string_view name : kFeatures) features.push_back(name);
  return {{"version", 1},
          {"as_of", manifest.as_of},
          {"schema", manifest.schema},
          {"features", features},
          {"split", split_json(manifest.split)},
          {"parts", parts},
          {"label_sources", manifest.label_sources},
          {"feeds", manifest.feeds},
          {"batches", manifest.batches},
          {"definition_sha256", manifest.definition_sha256},
          {"data_sha256", manifest.data_sha256}};
}

/// The cells of a line, by their commas; no cell of ours is quoted.
class Cells {
 public:
  explicit Cells(std::string_view line) : rest_(line) {}
  bool more() const { return !done_; }
  std::string_view next() {
    const auto comma = rest_.find(',');
    const std::string_view cell = rest_.substr(0, comma);
    done_ = comma == std::string_view::npos;
    rest_ = done_ ? std::string_view() : rest_.substr(comma + 1);
    return cell;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    take(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

std::string read_checked(const fs::path& path, const std::string& sha256) {
  std::string text = read_small_file(path, kMostBytes);
  if (Sha256::of(std::string_view(text)).hex() != sha256)
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is not what its manifest says", path.string()),
                  "build the dataset again: ledgermill dataset build");
  return text;
}

Dataset read_part(const fs::path& folder, const std::string& name, const DatasetManifest::PartCount& part) {
  Dataset data;
  const fs::path path = folder / name / (name + ".csv");
  for_each_line(read_checked(path, part.sha256), [&](std::string_view line) {
    Cells cells(line);
    data.labels.push_back(cells.next() == "1" ? 1 : 0);
    while (cells.more()) {
      const std::string_view cell = cells.next();
      float value = std::numeric_limits<float>::quiet_NaN();
      if (!cell.empty()) std::from_chars(cell.data(), cell.data() + cell.size(), value);
      data.values.push_back(value);
    }
  });
  bool header = true;
  for_each_line(read_small_file(folder / "rows" / (name + ".csv"), kMostBytes), [&](std::string_view line) {
    if (std::exchange(header, false)) return;
    Cells cells(line);
    RowId& id = data.ids.emplace_back();
    id.batch = cells.next();
    id.record_number = std::stoull(std::string(cells.next()));
    id.feed = cells.next();
    id.file_day = BusinessDate::from_text(cells.next()).value_or(BusinessDate{1970, 1, 1}).days_since_epoch();
    id.cause = cells.next();
  });
  if (data.values.size() != data.rows() * data.width || data.ids.size() != data.rows())
    throw Failure(ReturnCode::kRefused,
                  fmt::format("'{}' has lines of another width than {} features", path.string(), data.width),
                  "build the dataset again: ledgermill dataset build");
  return data;
}

}  // namespace

std::size_t Dataset::positives() const { return static_cast<std::size_t>(std::count(labels.begin(), labels.end(), 1)); }

void Dataset::add(const FeatureRow& features, bool wrong, RowId id) {
  values.insert(values.end(), features.begin(), features.end());
  labels.push_back(wrong ? 1 : 0);
  ids.push_back(std::move(id));
}

Part part_of(const SplitRule& rule, std::int32_t first_day, std::int32_t as_of, std::int32_t day) {
  const std::int32_t test_to = as_of - rule.maturity_days;
  const std::int32_t test_from = test_to - rule.test_days + 1;
  const std::int32_t validation_to = test_from - 1 - rule.embargo_days;
  const std::int32_t validation_from = validation_to - rule.validation_days + 1;
  const std::int32_t train_to = validation_from - 1 - rule.embargo_days;
  if (day > test_to) return Part::kNone;
  if (day >= test_from) return Part::kTest;
  if (day > validation_to) return Part::kNone;
  if (day >= validation_from) return Part::kValidation;
  return day <= train_to && day >= first_day + rule.warmup_days ? Part::kTrain : Part::kNone;
}

fs::path write_dataset(const fs::path& out, const SplitDataset& data, DatasetManifest& manifest) {
  const fs::path folder = out / manifest.as_of;
  std::error_code ignored;
  fs::remove(folder / "manifest.json", ignored);  // a dataset without one is not there
  std::string digests;
  for (const auto& [name, part] :
       {std::pair{"train", &data.train}, {"validation", &data.validation}, {"test", &data.test}}) {
    DatasetManifest::PartCount& count = manifest.parts[name];
    count = {part->rows(), part->positives(), "", "",
             put(folder / name / (std::string(name) + ".csv"), values_text(*part))};
    if (part->rows() > 0) {
      count.first_day = day_text(part->ids.front().file_day);
      count.last_day = day_text(part->ids.back().file_day);
    }
    digests += count.sha256 + put(folder / "rows" / (std::string(name) + ".csv"), ids_text(*part));
  }
  manifest.data_sha256 = Sha256::of(std::string_view(digests)).hex();
  put(folder / "manifest.json", to_json(manifest).dump(2) + "\n");
  return folder;
}

DatasetManifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / "manifest.json";
  const Json json = Json::parse(read_small_file(path), nullptr, false);
  try {
    DatasetManifest manifest;
    manifest.as_of = json.at("as_of");
    manifest.schema = json.at("schema");
    manifest.data_sha256 = json.at("data_sha256");
    manifest.definition_sha256 = json.at("definition_sha256");
    manifest.batches = json.at("batches");
    const Json& split = json.at("split");
    manifest.split = {split.at("warmup_days"), split.at("validation_days"), split.at("test_days"),
                      split.at("embargo_days"), split.at("maturity_days")};
    for (const auto& [name, part] : json.at("parts").items())
      manifest.parts[name] = {part.at("rows"), part.at("positives"), part.at("first_day"), part.at("last_day"),
                              part.at("sha256")};
    manifest.label_sources = json.at("label_sources").get<std::map<std::string, std::uint64_t>>();
    manifest.feeds = json.at("feeds").get<std::map<std::string, std::uint64_t>>();
    if (manifest.schema != feature_schema())
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' has features of another version", folder.string()),
                    "build the dataset again: ledgermill dataset build");
    return manifest;
  } catch (const nlohmann::json::exception&) {
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no manifest of a dataset", path.string()),
                  "build the dataset again: ledgermill dataset build");
  }
}

SplitDataset read_dataset(const fs::path& folder, const DatasetManifest& manifest) {
  return {read_part(folder, "train", manifest.parts.at("train")),
          read_part(folder, "validation", manifest.parts.at("validation")),
          read_part(folder, "test", manifest.parts.at("test"))};
}

fs::path newest_dataset(const fs::path& root, const std::string& as_of) {
  std::string newest;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    const std::string name = entry.path().filename().string();
    if (!BusinessDate::from_text(name) || (!as_of.empty() && name > as_of)) continue;
    if (fs::exists(entry.path() / "manifest.json")) newest = std::max(newest, name);
  }
  if (newest.empty())
    throw Failure(ReturnCode::kRefused, fmt::format("there is no dataset in '{}'", root.string()),
                  "make one: ledgermill dataset build");
  return root / newest;
}

}  // namespace ledgermill::model
