// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ledgermill::reject {

/// Appends a JSON string (RFC 8259) with its quotes. Bytes that are not UTF-8 become U+FFFD; says whether there were
/// any. Written here, and not by the JSON library, because a file may have 100 % rejects: this is one pass over the
/// bytes.
bool append_json_string(std::string& out, std::string_view text);

/// RFC 4648, with padding; and back ("" for text that is none).
std::string base64(std::string_view bytes);
std::string from_base64(std::string_view text);

}  // namespace ledgermill::reject
