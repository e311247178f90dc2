// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "feed/positional_layout.h"
#include "record/layout.h"
#include "yaml/yaml_map.h"

namespace ledgermill::feed {

/// Reads the places of the fields (`at`, `length`, `padding`), and literals and length of the record, of a definition
/// whose decoding is positional (docs/formats/feed-definition.md). `fixed_bytes`: the length that fixed framing gives
/// records. Private to the room. Failure (RC 8): a place is missing, overlaps another, or lies beyond the record.
PositionalLayout read_positional(const YamlMap& decoding, const YamlMap& schema, const Layout& layout,
                                 std::optional<std::uint32_t> fixed_bytes);

/// Failure (RC 8) when a field has a place although the decoding is by delimiter.
void refuse_places(const YamlMap& schema);

}  // namespace ledgermill::feed
