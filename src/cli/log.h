// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ledgermill::cli {

/// A value of an event's field.
using LogValue = std::variant<std::string, std::int64_t, std::uint64_t, double>;
using LogFields = std::vector<std::pair<std::string_view, LogValue>>;
enum class LogLevel : std::uint8_t { kInfo, kWarning, kError };

/// One event, one line on standard error (docs/formats/log-events.md): a JSON object, or words where standard error is
/// a terminal. May be called from several threads at once.
void log_event(LogLevel level, std::string_view event, const LogFields& fields);

}  // namespace ledgermill::cli
