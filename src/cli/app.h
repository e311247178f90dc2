// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ledgermill::cli {

/// The whole program: parses the words, makes one call into `batch` or a station, shows the answer. Returns the exit
/// status: a ReturnCode, or 0 where --max-rc turns it into one. Never throws.
int run_command_line(int argc, const char* const* argv);

}  // namespace ledgermill::cli
