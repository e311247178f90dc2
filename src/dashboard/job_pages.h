// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "dashboard/view.h"
#include "job/manifest.h"
#include "job/run.h"

namespace ledgermill::dashboard {

/// Job runs, newest first, by key (the run's id).
struct RunsPage {
  std::vector<job::Manifest> runs;
  std::string next;  ///< "before" of the next page; "" at the end
  std::vector<std::string> damaged;
};
RunsPage runs_of(const Call& call);
job::Manifest manifest_of(const Call& call);

}  // namespace ledgermill::dashboard
