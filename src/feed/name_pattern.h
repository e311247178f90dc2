// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "record/business_date.h"

namespace ledgermill::feed {

/// Whether `name` fits the glob: * any characters, ? one, [abc] and [a-z] one of these. Linear but for nested stars.
bool fits_glob(std::string_view pattern, std::string_view name);

/// A file name's date by a pattern with {YYYY}, {MM}, {DD} once each, and * and ?. Nothing when the name does not fit.
struct NamedDate {
  int year = 0, month = 0, day = 0;
};
std::optional<NamedDate> date_in_name(std::string_view pattern, std::string_view name);

}  // namespace ledgermill::feed
