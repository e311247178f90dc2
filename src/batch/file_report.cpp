// SPDX-License-Identifier: Apache-2.0
#include "batch/file_report.h"

namespace ledgermill::batch {

ControlTotals with_head(ControlTotals chunks, const Plan& plan) {
  if (chunks.sums.empty()) chunks.sums = ControlTotals::zero(plan.layout).sums;  // no chunk was judged
  chunks.skipped += plan.head;
  chunks.bytes += plan.head.bytes();
  return chunks;
}

}  // namespace ledgermill::batch
