// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/features.h"

namespace ledgermill::model {

/// Which posting a row of a dataset is.
struct RowId {
  std::string batch;
  std::uint64_t record_number = 0;
  std::string feed;
  std::int32_t file_day = 0;
  std::string cause;  ///< name of the fault; "" for a row that is right, or wrong for a reason nobody named
};

/// Rows with labels, in the order of their days. One element a row everywhere.
struct Dataset {
  std::size_t width = kFeatures.size();
  std::vector<float> values;         ///< row after row, `width` each; NaN is missing
  std::vector<std::uint8_t> labels;  ///< 1: the stored value was wrong
  std::vector<RowId> ids;

  std::size_t rows() const { return labels.size(); }
  std::size_t positives() const;
  const float* row(std::size_t i) const { return values.data() + i * width; }
  void add(const FeatureRow& features, bool wrong, RowId id);
};

/// Which days go where. Rows between the parts are left out (embargo): an event that spreads over some days is on one
/// side only.
struct SplitRule {
  std::int32_t warmup_days = 60;  ///< from the first day: habits are not known yet
  std::int32_t validation_days = 60;
  std::int32_t test_days = 120;
  std::int32_t embargo_days = 7;
  std::int32_t maturity_days = 0;  ///< younger than so many days on the day `as of`: labels are not final
};

enum class Part : std::uint8_t { kNone, kTrain, kValidation, kTest };
/// Where a day goes, for rows from `first_day` to `as_of`.
Part part_of(const SplitRule& rule, std::int32_t first_day, std::int32_t as_of, std::int32_t day);

struct SplitDataset {
  Dataset train;
  Dataset validation;
  Dataset test;
};

/// What the manifest of a dataset says (docs/formats/dataset.md).
struct DatasetManifest {
  std::string as_of;              ///< "2025-03-30"
  std::string schema;             ///< feature_schema()
  std::string data_sha256;        ///< of the digests of all files, in the order of their names
  std::string definition_sha256;  ///< of the learning definition
  SplitRule split;
  struct PartCount {
    std::uint64_t rows = 0;
    std::uint64_t positives = 0;
    std::string first_day, last_day;
    std::string sha256;
  };
  std::map<std::string, PartCount> parts;              ///< "train", "validation", "test"
  std::map<std::string, std::uint64_t> label_sources;  ///< "truth", "feedback"
  std::map<std::string, std::uint64_t> feeds;          ///< rows
  std::uint64_t batches = 0;
};

/// Writes `<out>/<as of>/`: `train/train.csv`, `validation/validation.csv`, `test/test.csv` (label first, no header, an
/// empty cell is missing: what the XGBoost container of SageMaker reads), `rows/*.csv` (which row is which posting),
/// and last `manifest.json`. An existing dataset of that day is replaced. Fills in the manifest's counts and digests.
/// Failure RC 12: cannot write.
std::filesystem::path write_dataset(const std::filesystem::path& out, const SplitDataset& data,
                                    DatasetManifest& manifest);

/// Failure RC 8: no manifest, a file whose digest is not the manifest's, or features of another schema.
DatasetManifest read_manifest(const std::filesystem::path& folder);
SplitDataset read_dataset(const std::filesystem::path& folder, const DatasetManifest& manifest);

/// The newest dataset in `root` that is not younger than `as_of` ("" for any). Failure RC 8 when there is none.
std::filesystem::path newest_dataset(const std::filesystem::path& root, const std::string& as_of);

}  // namespace ledgermill::model
