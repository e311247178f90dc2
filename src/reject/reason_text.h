// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "record/plan.h"
#include "record/reason.h"

namespace ledgermill::reject {

/// Public code of a reason: built-in, or the name that the feed definition gave its module's rule.
std::string_view reason_code(const Plan& plan, const Reason& reason);

/// The message of a reason, for people: what was expected, and of which value. `value` is the cell as it may be shown;
/// `refusal` the database's words, for database-refused.
std::string reason_message(const Plan& plan, const Reason& reason, std::string_view value, std::string_view refusal);

/// The short form that users of the earlier system know: "Invalid Amount: -0.0".
std::string reason_headline(const Plan& plan, const Reason& reason, std::string_view value);

}  // namespace ledgermill::reject
