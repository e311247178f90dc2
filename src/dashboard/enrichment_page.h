// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dashboard/view.h"
#include "enrich/answer_store.h"

namespace ledgermill::dashboard {

struct ModelUse {
  std::uint64_t answers = 0, repaired = 0, input_tokens = 0, output_tokens = 0, milliseconds = 0;
};
/// The annotations of one feed file.
struct AnnotatedFile {
  std::string enrichment, digest;  ///< name; first 12 digits of the feed file's SHA-256
  std::uint64_t bytes = 0, records = 0;
  bool whole = true;  ///< false: the file is large and its beginning was counted
  std::map<std::string, std::uint64_t> by_source, by_category;
  std::uint64_t records_kept_back = 0, questions_kept_back = 0;  ///< in quarantine
};
struct EnrichmentFound {
  std::map<std::string, ModelUse> models;
  std::uint64_t damaged = 0;  ///< lines of the journal
  std::vector<AnnotatedFile> files;
  std::string next;  ///< "after" of the next page; "" at the end
};
/// What the store holds (docs/formats/enrichment-store.md).
EnrichmentFound enrichment_of(const Call& call);

}  // namespace ledgermill::dashboard
