// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "job/definition.h"

namespace ledgermill::job {

/// What a utility reads: `lent` is opened, failures speak of `shown`.
struct UtilityInput {
  std::filesystem::path lent;
  std::filesystem::path shown;
};

/// Both write `out` anew; Failure RC 8, naming file and record, on a record whose fields are none of their kind, or
/// that is torn; RC 12 on I/O errors. Memory does not grow with the file.
void copy_records(const CopyStep& step, const UtilityInput& in, const std::filesystem::path& out);

/// Records with equal keys keep their order. The sorting is coreutils' sort, given each record behind its keys in a
/// form that compares as bytes; what does not fit into 256 MiB of memory it writes to `work`. Failure RC 8 where there
/// is no sort.
void sort_records(const SortStep& step, const UtilityInput& in, const std::filesystem::path& out,
                  const std::filesystem::path& work);

}  // namespace ledgermill::job
