// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dashboard/enrichment_page.h"
#include "dashboard/view.h"

namespace ledgermill::dashboard {

/// What the server counts of itself.
struct ServerCounts {
  std::map<std::pair<std::string, int>, std::uint64_t> requests;  ///< by route and status
  std::map<std::string, double> seconds;                          ///< by route
};

/// Prometheus text, version 0.0.4 (docs/formats/prometheus-metrics.md).
std::string metrics_text(const std::vector<ledger::FeedTotals>& feeds, const Today& today,
                         const EnrichmentFound& enrichment, const ServerCounts& server, const std::string& version,
                         Timestamp now);

}  // namespace ledgermill::dashboard
