// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ledgermill::detail {
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file, int line) noexcept;
}

/// An invariant of ours. If it does not hold we are wrong: says where on stderr and aborts, in release builds too.
/// Never used on input: what a file, a database or a user can get wrong is a Reject or a Failure.
#define LM_CHECK(condition, message) \
  (static_cast<bool>(condition) ? void(0) : ::ledgermill::detail::check_failed(#condition, message, __FILE__, __LINE__))
