// SPDX-License-Identifier: Apache-2.0
#include "cli/log.h"

#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/view.h"

namespace ledgermill::cli {

namespace {

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

std::string json_line(LogLevel level, std::string_view event, const LogFields& fields) {
  nlohmann::ordered_json json{
      {"time", now().text()}, {"level", level_name(level)}, {"event", event}, {"pid", ::getpid()}};
  for (const auto& [name, value] : fields)
    std::visit([&json, name = name](const auto& each) { json[std::string(name)] = each; }, value);
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string words(std::string_view event, const LogFields& fields) {
  std::string text = now().text().substr(11, 12) + " " + std::string(event);
  for (const auto& [name, value] : fields)
    text += std::visit(
        [name = name](const auto& each) {
          if constexpr (std::is_same_v<std::decay_t<decltype(each)>, std::string>)
            return fmt::format(" {}={}", name, shown(each));
          else
            return fmt::format(" {}={}", name, each);
        },
        value);
  return text;
}

}  // namespace

void log_event(LogLevel level, std::string_view event, const LogFields& fields) {
  static const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const std::string line = (terminal ? words(event, fields) : json_line(level, event, fields)) + "\n";
  // One write a line, so that lines of several threads and processes do not mix. A log that nobody takes stops nothing.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace ledgermill::cli
