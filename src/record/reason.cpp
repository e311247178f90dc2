// SPDX-License-Identifier: Apache-2.0
#include "record/reason.h"

namespace ledgermill {

std::string_view reason_name(ReasonCode code) {
  switch (code) {
    case ReasonCode::kBlankRow:
      return "blank-row";
    case ReasonCode::kMissingCell:
      return "missing-cell";
    case ReasonCode::kExtraCell:
      return "extra-cell";
    case ReasonCode::kTypeError:
      return "type-error";
    case ReasonCode::kRequired:
    case ReasonCode::kEnum:
    case ReasonCode::kMinimum:
    case ReasonCode::kMaximum:
    case ReasonCode::kMinLength:
    case ReasonCode::kMaxLength:
    case ReasonCode::kPattern:
      return "constraint-error";
    case ReasonCode::kEncodingError:
      return "encoding-error";
    case ReasonCode::kNulByte:
      return "nul-byte";
    case ReasonCode::kQuoteError:
      return "quote-error";
    case ReasonCode::kRecordTooLong:
      return "record-too-long";
    case ReasonCode::kRepeatedHeader:
      return "repeated-header";
    case ReasonCode::kCobolAbend:
      return "cobol_abend";
    case ReasonCode::kCobolTimeout:
      return "cobol_timeout";
    case ReasonCode::kDatabaseRefused:
      return "database-refused";
    case ReasonCode::kRecordLength:
      return "record-length";
    case ReasonCode::kSeparatorError:
      return "separator-error";
    case ReasonCode::kFirstModuleRule:
      return "";
  }
  return "";
}

std::string_view reason_constraint(ReasonCode code) {
  switch (code) {
    case ReasonCode::kRequired:
      return "required";
    case ReasonCode::kEnum:
      return "enum";
    case ReasonCode::kMinimum:
      return "minimum";
    case ReasonCode::kMaximum:
      return "maximum";
    case ReasonCode::kMinLength:
      return "minLength";
    case ReasonCode::kMaxLength:
      return "maxLength";
    case ReasonCode::kPattern:
      return "pattern";
    default:
      return "";
  }
}

}  // namespace ledgermill
