// SPDX-License-Identifier: Apache-2.0
#include "reject/reason_text.h"

#include <fmt/core.h>

namespace ledgermill::reject {

namespace {

std::string type_expectation(const Field& field) {
  switch (field.type) {
    case FieldType::kString:
      return "text";
    case FieldType::kInteger:
      return "a whole number";
    case FieldType::kDecimal:
      return fmt::format("a decimal number of at most {} digits, {} of them after the '{}'", field.precision,
                         field.scale, field.decimal_char);
    case FieldType::kDate:
      return fmt::format("a day that exists, in the format {}", field.format);
    case FieldType::kDatetime:
      return fmt::format("a time that exists, in the format {}", field.format);
    case FieldType::kBoolean:
      return fmt::format("'{}' or '{}'", field.true_values.empty() ? "" : field.true_values[0],
                         field.false_values.empty() ? "" : field.false_values[0]);
  }
  return {};
}

std::string enum_text(const std::vector<std::string>& values) {
  constexpr std::size_t kMostNamed = 12;
  std::string text;
  for (std::size_t i = 0; i < values.size() && i < kMostNamed; ++i) text += (i == 0 ? "" : ", ") + values[i];
  if (values.size() > kMostNamed) text += fmt::format(" and {} more", values.size() - kMostNamed);
  return text;
}

/// What a built-in reason says of a cell of `field`.
std::string cell_message(const Plan& plan, const Field& field, ReasonCode code, std::string_view value) {
  const FieldConstraints& c = field.constraints;
  switch (code) {
    case ReasonCode::kTypeError:
      return fmt::format("'{}' is not {}", value, type_expectation(field));
    case ReasonCode::kRequired:
      return "a value is required";
    case ReasonCode::kEnum:
      return fmt::format("'{}' is not one of: {}", value, enum_text(c.enumeration));
    case ReasonCode::kMinimum:
      return fmt::format("'{}' is below the minimum {}", value, c.minimum ? c.minimum->text : "");
    case ReasonCode::kMaximum:
      return fmt::format("'{}' is above the maximum {}", value, c.maximum ? c.maximum->text : "");
    case ReasonCode::kMinLength:
      return fmt::format("'{}' is shorter than {} characters", value, c.min_length.value_or(0));
    case ReasonCode::kMaxLength:
      return fmt::format("'{}' is longer than {} characters", value, c.max_length.value_or(0));
    case ReasonCode::kPattern:
      return fmt::format("'{}' does not have the form {}", value, c.pattern.value_or(""));
    case ReasonCode::kMissingCell:
      return plan.record_bytes == 0 ? "the record ends before this cell" : "the record ends before or within this cell";
    case ReasonCode::kEncodingError:
      return "the place of this cell cuts a character in two";
    case ReasonCode::kSeparatorError:
      return fmt::format("'{}' stands where the layout has the separator at this field", value);
    default:
      return std::string(reason_name(code));
  }
}

std::string record_message(const Plan& plan, ReasonCode code, std::string_view refusal) {
  switch (code) {
    case ReasonCode::kBlankRow:
      return "the line is blank";
    case ReasonCode::kExtraCell:
      return fmt::format("the record has more than the header's {} cells", plan.cell_fields.size());
    case ReasonCode::kEncodingError:
      return "the record holds bytes that are not UTF-8 text";
    case ReasonCode::kNulByte:
      return "the record holds a NUL byte";
    case ReasonCode::kQuoteError:
      return "a quote is not closed before a delimiter, a line end or the end of the file";
    case ReasonCode::kRecordTooLong:
      return "the record is longer than the feed's max_record_bytes";
    case ReasonCode::kRepeatedHeader:
      return "the header line stands here again";
    case ReasonCode::kRecordLength:
      return fmt::format("the record does not have the layout's {} bytes", plan.record_bytes);
    case ReasonCode::kCobolAbend:
      return "the rule module ended abnormally on this record";
    case ReasonCode::kCobolTimeout:
      return "the rule module overran its time on this record";
    case ReasonCode::kDatabaseRefused:
      return fmt::format("the database refused the record: {}", refusal);
    default:
      return std::string(reason_name(code));
  }
}

}  // namespace

std::string_view reason_code(const Plan& plan, const Reason& reason) {
  return is_module_rule(reason.code) ? std::string_view(plan.module_rules.at(module_rule_index(reason.code)).code)
                                     : reason_name(reason.code);
}

std::string reason_message(const Plan& plan, const Reason& reason, std::string_view value, std::string_view refusal) {
  if (is_module_rule(reason.code)) return plan.module_rules.at(module_rule_index(reason.code)).message;
  if (reason.field == kNoField) return record_message(plan, reason.code, refusal);
  return cell_message(plan, plan.layout.fields.at(reason.field), reason.code, value);
}

std::string reason_headline(const Plan& plan, const Reason& reason, std::string_view value) {
  if (reason.field != kNoField) {
    const std::string& name = plan.layout.fields.at(reason.field).name;
    if (reason.code == ReasonCode::kMissingCell || reason.code == ReasonCode::kRequired)
      return fmt::format("Missing {}", name);
    if (reason.code == ReasonCode::kSeparatorError) return fmt::format("Invalid Record: no separator at {}", name);
    return fmt::format("Invalid {}: {}", name, value);
  }
  if (reason.code == ReasonCode::kDatabaseRefused) return "Refused by the database";
  return fmt::format("Invalid Record: {}", reason_code(plan, reason));
}

}  // namespace ledgermill::reject
