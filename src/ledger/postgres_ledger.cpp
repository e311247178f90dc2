// SPDX-License-Identifier: Apache-2.0
#include "base/failure.h"
#include "ledger/kinds.h"
namespace ledgermill::ledger {
std::unique_ptr<Ledger> open_postgres_ledger(const LedgerOptions&) { throw Failure(ReturnCode::kRefused, "no PostgreSQL yet"); }
}
