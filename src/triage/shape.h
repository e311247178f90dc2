// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ledgermill::triage {

/// What a value looks like: each digit as 9, each capital letter as A, each other letter as a, each byte beyond ASCII
/// as u, each control character as ?; all else as it is. kRuns: a run of one class, spaces between letters included, is
/// one sign ("Salary Payment" and "Bill" are both "Aa"), as for amounts and texts, whose length says nothing. At most
/// 80 bytes.
enum class ShapeDetail : unsigned char { kEachCharacter, kRuns };
std::string shape_of(std::string_view value, ShapeDetail detail);

}  // namespace ledgermill::triage
