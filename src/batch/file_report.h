// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "record/control_totals.h"
#include "record/plan.h"
#include "record/staged_chunk.h"

namespace ledgermill::batch {

/// A reject as `check` shows it.
struct ShownReject {
  std::uint64_t record_number = 0;
  std::uint64_t line = 0;
  std::string reason;  ///< for people, as in the reject log
  std::string row;     ///< the record's text, as in the reject log
};

/// What became of one feed file: what `check`, `run`, `ingest` and `post` show (docs/formats/json-output.md).
struct FileReport {
  std::string feed;
  std::string file;                      ///< as named by the user
  std::optional<FileIdentity> identity;  ///< nothing when the file could not be surveyed
  std::string batch;                     ///< batch id; "" for `check`, or when there is none
  ControlTotals totals;                  ///< of the whole file, spans before the first record included
  ReasonCounts reasons;
  std::vector<ShownReject> first_rejects;  ///< `check` only: the first few
  bool published = false;
  std::optional<std::string> duplicate_of;  ///< batch id, when the same file was posted before
  std::string archived_to;                  ///< where the file lies now; "" when it stayed
  ReturnCode return_code = ReturnCode::kDone;
  std::string fact;  ///< why, when return_code is 8 or worse
  std::string hint;
  double seconds = 0;                   ///< wall time
  std::uint64_t judge_nanoseconds = 0;  ///< processor time of all judge processes (`check`)
};

/// Totals of the whole file: the chunks', and the spans before the first chunk.
ControlTotals with_head(ControlTotals chunks, const Plan& plan);

}  // namespace ledgermill::batch
