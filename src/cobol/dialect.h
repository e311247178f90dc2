// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ledgermill::cobol {

enum class SourceFormat : std::uint8_t { kFixed, kFree };
/// How a zoned field carries its sign: 'p' to 'y' for a negative last digit, or the overpunch of EBCDIC in ASCII text.
enum class SignConvention : std::uint8_t { kAscii, kEbcdic };
/// Subscripts, lengths and numeric data looked at while the program runs, or silently wrong.
enum class RuntimeChecks : std::uint8_t { kOn, kOff };

/// How a source is to be understood. Every choice changes results, so every choice is explicit and recorded.
struct Dialect {
  std::string standard = "default";  ///< cobc's -std: default, ibm, mvs, mf, cobol2014, ...
  SourceFormat format = SourceFormat::kFixed;
  SignConvention sign = SignConvention::kAscii;
  std::optional<bool> binary_truncate;  ///< nothing: as the standard has it
  RuntimeChecks checks = RuntimeChecks::kOn;
  std::vector<std::string> flags;  ///< further words for cobc, each beginning "-f"

  /// Failure (RC 8) on a standard that cobc does not have, or a further flag that is none of the language.
  void validate() const;
  /// The words for cobc, spelt as GnuCOBOL 3.1.2 and 3.2 both know them.
  std::vector<std::string> words() const;
  /// Whether a bare word in ASSIGN names the file itself (-std=ibm and the like) even where a data item has that name.
  bool assigns_externally() const;
};

}  // namespace ledgermill::cobol
