// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ledgermill::ledger {

/// Version 1 of the schema `ledgermill`: tables, the owner's functions that a loader calls, and the documented view
/// (docs/formats/ledger-schema.md). Run in one transaction by the owner.
extern const char* const kPostgresSchema;

/// Rights of the group roles ledgermill_loader and ledgermill_reader on all of it, where those roles exist.
extern const char* const kPostgresGrants;

}  // namespace ledgermill::ledger
