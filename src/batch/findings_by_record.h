// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "record/reason.h"

namespace ledgermill::batch {

/// Sorts the findings of a block by record, keeping their order within one, and drops repetitions of one reason.
/// `room` is kept by the caller for its memory.
void order_findings(Findings& findings, Findings& room);

}  // namespace ledgermill::batch
