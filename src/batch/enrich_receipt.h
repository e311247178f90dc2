// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "batch/enrich.h"

namespace ledgermill::batch {

/// Keeps that a file was enriched whole, into which output, by which definition, totals and model; so that whoever
/// listens on a folder does no work twice (docs/formats/enrichment-store.md). Failure RC 12.
void write_receipt(const Enrichment& enrichment, const EnrichOptions& options, const EnrichReport& report);

/// Whether the file has been enriched so, and the output is still as it was written then. A receipt that cannot be read
/// is none. Failure RC 12: the file cannot be read.
bool has_receipt(const Enrichment& enrichment, const std::filesystem::path& file, const EnrichOptions& options);

}  // namespace ledgermill::batch
