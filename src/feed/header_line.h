// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "feed/definition.h"

namespace ledgermill::feed {

/// The cells of one well-framed record as plain text: quotes and escapes undone, nothing trimmed. For headers and
/// samples; records go through ChunkReader.
std::vector<std::string> split_cells(std::string_view record, const LineFraming& framing);

/// Matches the header's labels to the layout: the field index of each cell, in the file's order.
/// Failure (RC 8) that names every label that is missing, extra, twice or blank, or out of order where fields are found
/// by position; `line` and `file` are for its text.
std::vector<std::uint16_t> match_header(std::string_view header, const FeedDefinition& definition, std::uint64_t line,
                                        const std::string& file);

}  // namespace ledgermill::feed
