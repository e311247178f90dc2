// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "record/chunk_text.h"

namespace ledgermill {

/// Why a record is refused. The public names, with their meaning, stand in docs/formats/reject-codes.md and never
/// change; the numbers are ours and appear in no file but the staged chunk, which carries its format's version.
enum class ReasonCode : std::uint16_t {
  kBlankRow = 1,     ///< blank-row: a blank line where the definition says that it is a reject
  kMissingCell,      ///< missing-cell: fewer cells than the header has labels
  kExtraCell,        ///< extra-cell: more cells than labels
  kTypeError,        ///< type-error: the cell does not have the field's type or format
  kRequired,         ///< constraint-error, constraint "required"
  kEnum,             ///< constraint-error, "enum"
  kMinimum,          ///< constraint-error, "minimum"
  kMaximum,          ///< constraint-error, "maximum"
  kMinLength,        ///< constraint-error, "minLength"
  kMaxLength,        ///< constraint-error, "maxLength"
  kPattern,          ///< constraint-error, "pattern"
  kEncodingError,    ///< encoding-error: bytes that are not text in the feed's encoding
  kNulByte,          ///< nul-byte
  kQuoteError,       ///< quote-error: a quote that is not closed where it must be
  kRecordTooLong,    ///< record-too-long: more bytes than max_record_bytes
  kRepeatedHeader,   ///< repeated-header: the header line again, in mid-file
  kCobolAbend,       ///< cobol_abend: the rule module ended abnormally on this record
  kCobolTimeout,     ///< cobol_timeout: the rule module overran its time on this record
  kDatabaseRefused,  ///< database-refused: a constraint of the ledger's table; ours to look at
  kRecordLength,     ///< record-length: not the bytes that the layout has
  kSeparatorError,   ///< separator-error: other bytes where the layout has a literal
  kLastBuiltin = kSeparatorError,
  kFirstModuleRule = 256,  ///< + i: rule i of the feed's rule module; its name is the definition's
};

constexpr ReasonCode module_rule(std::size_t rule_index) {
  return static_cast<ReasonCode>(static_cast<std::size_t>(ReasonCode::kFirstModuleRule) + rule_index);
}
constexpr bool is_module_rule(ReasonCode code) { return code >= ReasonCode::kFirstModuleRule; }
constexpr std::size_t module_rule_index(ReasonCode code) {
  return static_cast<std::size_t>(code) - static_cast<std::size_t>(ReasonCode::kFirstModuleRule);
}

/// Public name of a built-in code ("type-error"); "" for a module rule, whose name only the plan knows.
std::string_view reason_name(ReasonCode code);
/// "enum" for kEnum, and so on for the constraints; "" for every other code.
std::string_view reason_constraint(ReasonCode code);

/// `Reason::field` where a reason concerns the whole record.
constexpr std::uint16_t kNoField = 0xffff;

/// One reason of one reject.
struct Reason {
  ReasonCode code{};
  std::uint16_t field = kNoField;  ///< index in the layout
  TextRef value;                   ///< the cell as read; empty where `field` is kNoField
};

/// A reason found while a block is decoded and judged, before records are sorted into accepted and rejected.
struct Finding {
  std::uint32_t record = 0;  ///< index in the block
  Reason reason;
};
using Findings = std::vector<Finding>;

}  // namespace ledgermill
