// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ledgermill::detail {

void check_failed(const char* condition, const char* message, const char* file, int line) noexcept {
  std::fprintf(stderr, "ledgermill: defect at %s:%d: %s (%s does not hold)\n", file, line, message, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace ledgermill::detail
