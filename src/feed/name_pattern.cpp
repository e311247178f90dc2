// SPDX-License-Identifier: Apache-2.0
#include "feed/name_pattern.h"

namespace ledgermill::feed {

namespace {

/// Matches [set] at `pattern[at]`; moves `at` behind it. An unclosed bracket stands for itself.
bool fits_set(std::string_view pattern, std::size_t& at, char c) {
  const std::size_t close = pattern.find(']', at + 1);
  if (close == std::string_view::npos) return pattern[at++] == c;
  bool fits = false;
  for (std::size_t i = at + 1; i < close; ++i) {
    if (i + 2 < close && pattern[i + 1] == '-') {
      fits = fits || (pattern[i] <= c && c <= pattern[i + 2]);
      i += 2;
    } else {
      fits = fits || pattern[i] == c;
    }
  }
  at = close + 1;
  return fits;
}

std::optional<int> digits(std::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

bool fits_glob(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // behind the last star, and where the name stood then
  std::size_t star_name = 0;
  while (n < name.size()) {
    std::size_t next = p;
    bool fits = false;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_name = n;
      continue;
    }
    if (p < pattern.size()) {
      if (pattern[p] == '[')
        fits = fits_set(pattern, next, name[n]);
      else
        fits = pattern[next++] == name[n] || pattern[p] == '?';
    }
    if (fits) {
      p = next;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<NamedDate> date_in_name(std::string_view pattern, std::string_view name) {
  NamedDate date;
  for (std::size_t p = 0; p < pattern.size(); ++p) {
    if (pattern[p] == '*') {
      for (std::size_t skip = 0; skip <= name.size(); ++skip) {
        if (const auto rest = date_in_name(pattern.substr(p + 1), name.substr(skip))) {
          return NamedDate{date.year + rest->year, date.month + rest->month, date.day + rest->day};  // each stands once
        }
      }
      return std::nullopt;
    }
    const auto take = [&](std::string_view directive, std::size_t width, int& part) {
      if (pattern.substr(p, directive.size()) != directive || name.size() < width) return false;
      const auto number = digits(name.substr(0, width));
      if (!number) return false;
      part = *number;
      name.remove_prefix(width);
      p += directive.size() - 1;
      return true;
    };
    if (take("{YYYY}", 4, date.year) || take("{MM}", 2, date.month) || take("{DD}", 2, date.day)) continue;
    if (name.empty() || (pattern[p] != '?' && pattern[p] != name[0])) return std::nullopt;
    name.remove_prefix(1);
  }
  if (!name.empty()) return std::nullopt;
  return date;
}

}  // namespace ledgermill::feed
