// SPDX-License-Identifier: Apache-2.0
#include "base/failure.h"

#include <system_error>

namespace ledgermill {

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

}  // namespace ledgermill
