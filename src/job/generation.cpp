// SPDX-License-Identifier: Apache-2.0
#include "job/generation.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/failure.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {
constexpr unsigned kMost = 9999;
}

std::vector<unsigned> generations_of(const fs::path& group) {
  const std::string prefix = group.filename().string() + ".G";
  std::vector<unsigned> numbers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(group.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.size() != prefix.size() + 7 || !name.starts_with(prefix) || !name.ends_with("V00")) continue;
    unsigned number = 0;
    const char* const begin = name.data() + prefix.size();
    if (std::from_chars(begin, begin + 4, number).ptr == begin + 4) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

fs::path generation_path(const fs::path& group, unsigned number) {
  return fs::path(fmt::format("{}.G{:04}V00", group.string(), number));
}

fs::path resolve_generation(const fs::path& group, int relative, unsigned newest) {
  if (relative > 0) {
    if (newest + static_cast<unsigned>(relative) > kMost)
      throw Failure(ReturnCode::kRefused,
                    fmt::format("'{}' has its {}th generation: there is no next", group.string(), kMost),
                    "name the group anew");
    return generation_path(group, newest + static_cast<unsigned>(relative));
  }
  std::vector<unsigned> numbers = generations_of(group);
  std::erase_if(numbers, [&](unsigned number) { return number > newest; });
  const auto back = static_cast<std::size_t>(-relative);
  if (back >= numbers.size())
    throw Failure(ReturnCode::kRefused,
                  fmt::format("'{}({})': the group has {} generations", group.string(), relative, numbers.size()),
                  "the first one is made by a step that says name(+1), disp: new");
  return generation_path(group, numbers.at(numbers.size() - 1 - back));
}

std::vector<fs::path> generations_beyond(const fs::path& group, unsigned limit, const fs::path& made) {
  std::vector<fs::path> all;
  for (const unsigned number : generations_of(group)) {
    const fs::path path = generation_path(group, number);
    if (path < made) all.push_back(path);
  }
  const std::size_t kept = std::min<std::size_t>(all.size(), limit - 1);
  all.resize(all.size() - kept);
  return all;
}

}  // namespace ledgermill::job
