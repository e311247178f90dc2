// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ledgermill {

/// One rule of a COBOL rule module, as the feed definition names it. Its place in the list is its flag column.
struct ModuleRule {
  std::string code;     ///< public reject code, e.g. "amount_sign"; also the COBOL name of the flag, BROKEN-AMOUNT-SIGN
  std::string field;    ///< label of the field that it speaks of; "" for the whole record
  std::string message;  ///< for people
  std::vector<std::string> reads;  ///< labels of the fields it looks at; it stays silent where one of them is invalid
};

/// The COBOL subprogram that judges a feed's records, by name: where it is found is the machine's business.
struct RuleModule {
  std::string program;               ///< PROGRAM-ID, e.g. "IngestCSV"
  std::vector<ModuleRule> rules;     ///< at most 64
  std::uint32_t timeout_ms = 2000;   ///< processor time that one block may take
  std::uint32_t most_abends = 100;   ///< abends and time-outs in one chunk before the batch is refused
  std::string flag_stem = "BROKEN";  ///< how the COBOL names of its flags begin: BROKEN-AMOUNT-SIGN, LM-BROKEN
};

}  // namespace ledgermill
