// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "triage/fixes.h"

namespace ledgermill::triage {

// Private to the room: the parts of the library of fixes.
void add_byte_fixes(std::vector<Fix>& fixes, const RecordForm& form);
void add_cell_fixes(std::vector<Fix>& fixes, const RecordForm& form);
void add_date_fixes(std::vector<Fix>& fixes, const RecordForm& form);
void add_value_fixes(std::vector<Fix>& fixes, const Group& group, const RecordForm& form);

/// Changes one cell; nothing where it does not apply.
using CellChange = std::function<std::optional<std::string>(const Field&, const std::string&)>;
/// The change made on every cell of the record to which it applies.
std::function<std::optional<std::string>(const Sample&)> on_cells(const RecordForm& form, CellChange change);

/// Made and looked at by fixes: a value as digits, "12" of "12.50".
bool all_digits(std::string_view text);

}  // namespace ledgermill::triage
