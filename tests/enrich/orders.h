// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file.h"
#include "enrich/definition.h"
#include "enrich/question.h"

namespace ledgermill::testing {

inline std::string orders_yaml() { return read_small_file(LM_SOURCE_DIR "/enrichments/orders.yaml"); }

inline enrich::EnrichmentDefinition orders_enrichment() {
  return enrich::parse_definition(orders_yaml(), "orders.yaml");
}

/// The question of an order of this category ("VIP", ...) and item.
inline enrich::Question question(const enrich::EnrichmentDefinition& definition, const std::string& category,
                                 const std::string& item) {
  enrich::Question made;
  while (definition.categories.at(made.category).name != category) ++made.category;
  made.answers = {enrich::known_value(definition.question.at(0), item)};
  return made;
}

}  // namespace ledgermill::testing
