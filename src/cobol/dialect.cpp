// SPDX-License-Identifier: Apache-2.0
#include "cobol/dialect.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/failure.h"

namespace ledgermill::cobol {

namespace {

struct Standard {
  std::string_view name;
  bool assigns_externally;
};

// Seen on GnuCOBOL 3.1.2: with -std=default and -std=mf a data item named in ASSIGN is read, elsewhere it is not.
constexpr std::array kStandards{
    Standard{"default", false},   Standard{"mf", false},       Standard{"mf-strict", false}, Standard{"ibm", true},
    Standard{"ibm-strict", true}, Standard{"mvs", true},       Standard{"mvs-strict", true}, Standard{"cobol85", true},
    Standard{"cobol2002", true},  Standard{"cobol2014", true},
};

const Standard* find(const std::string& name) {
  const auto at = std::find_if(kStandards.begin(), kStandards.end(), [&](const Standard& s) { return s.name == name; });
  return at == kStandards.end() ? nullptr : &*at;
}

}  // namespace

void Dialect::validate() const {
  if (find(standard) == nullptr) {
    std::string all;
    for (const Standard& each : kStandards) all += (all.empty() ? "" : ", ") + std::string(each.name);
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no standard of COBOL known here", standard), all);
  }
  for (const std::string& flag : flags) {
    if (flag.rfind("-f", 0) != 0 || flag.find_first_of(" \t\n/") != std::string::npos)
      throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no flag of the language", flag),
                    "flags begin with -f, e.g. -fnotrunc; what builds or links otherwise is not for a dialect");
  }
}

std::vector<std::string> Dialect::words() const {
  std::vector<std::string> words{"-std=" + standard, format == SourceFormat::kFree ? "-free" : "-fixed", "-O2"};
  if (sign == SignConvention::kEbcdic) words.emplace_back("-fsign=EBCDIC");
  if (binary_truncate) words.emplace_back(*binary_truncate ? "-fbinary-truncate" : "-fno-binary-truncate");
  if (checks == RuntimeChecks::kOn) words.emplace_back("-debug");
  words.insert(words.end(), flags.begin(), flags.end());
  return words;
}

bool Dialect::assigns_externally() const {
  if (std::find(flags.begin(), flags.end(), "-fassign-clause=dynamic") != flags.end()) return false;
  if (std::find(flags.begin(), flags.end(), "-fassign-clause=external") != flags.end()) return true;
  const Standard* known = find(standard);
  return known != nullptr && known->assigns_externally;
}

}  // namespace ledgermill::cobol
