// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ledgermill::batch {

/// SIGTERM and SIGINT ask a run to stop: the chunk in work is finished or given back, then the run ends with RC 12.
/// A flag of the process, since a signal handler can reach nothing else.
void install_interruption_handlers();
bool interrupted();

/// Throws Failure (RC 12) when the process was asked to stop.
void stop_if_interrupted();

}  // namespace ledgermill::batch
