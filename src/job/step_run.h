// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "job/run.h"

namespace ledgermill::job {

/// Runs one step to its end; how it ended stands in its record of the manifest, which is written after every event.
/// Throws only when the manifest cannot be written, or a name that the step's output is to get is taken: then the same
/// command completes it.
void run_step(const PreparedStep& step, const JobDefinition& job, const JobOptions& options,
              const std::filesystem::path& run_folder, const RunObserver& observer, Manifest& manifest,
              StepRecord& record);

/// What a killed run left: outputs whose step had ended get their names, private files of one that had not are removed.
void settle(Manifest& manifest, const std::filesystem::path& run_folder);

/// The time now, as it stands in manifests.
std::string time_text();

}  // namespace ledgermill::job
