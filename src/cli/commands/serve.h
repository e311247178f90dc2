// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/session.h"

namespace ledgermill::cli {

void add_serve(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);

}  // namespace ledgermill::cli
