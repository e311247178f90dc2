// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "record/plan.h"

namespace ledgermill {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kPlanFormat = 1;  // raised when a reader of the former one would misread

// --- writing -----------------------------------------------------------------------------------------------------

std::string hex_of(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json bound_json(const std::optional<Bound>& bound) {
  return bound ? Json{{"value", bound->value}, {"text", bound->text}} : Json(nullptr);
}

Json field_json(const Field& field) {
  const FieldConstraints& c = field.constraints;
  return {{"name", field.name},
          {"column", field.column},
          {"type", field_type_name(field.type)},
          {"precision", field.precision},
          {"scale", field.scale},
          {"format", field.format},
          {"decimal_char", std::string(1, field.decimal_char)},
          {"group_char", field.group_char == 0 ? "" : std::string(1, field.group_char)},
          {"trim", field.trim},
          {"sensitive", field.sensitive},
          {"true_values", field.true_values},
          {"false_values", field.false_values},
          {"constraints",
           {{"required", c.required},
            {"min_length", optional_json(c.min_length)},
            {"max_length", optional_json(c.max_length)},
            {"minimum", bound_json(c.minimum)},
            {"maximum", bound_json(c.maximum)},
            {"pattern", optional_json(c.pattern)},
            {"enum", c.enumeration}}}};
}

Json kind_json(const SkippedSpans::Kind& kind) { return Json::array({kind.spans, kind.bytes}); }

Json skipped_json(const SkippedSpans& skipped) {
  return {{"byte_order_mark", kind_json(skipped.byte_order_mark)},
          {"preamble", kind_json(skipped.preamble)},
          {"header", kind_json(skipped.header)},
          {"comment", kind_json(skipped.comment)},
          {"blank", kind_json(skipped.blank)}};
}

Json chunk_json(const ChunkPlan& chunk) {
  return {{"number", to_int(chunk.number)},     {"first_byte", chunk.first_byte}, {"bytes", chunk.bytes},
          {"first_record", chunk.first_record}, {"records", chunk.records},       {"first_line", chunk.first_line},
          {"sha256", chunk.sha256.hex()},       {"oversize", chunk.oversize}};
}

// --- reading: every `at` and `get` may throw nlohmann's exceptions, which `reading` turns into Failures
// ---------------

std::string from_hex(const std::string& hex) {
  std::string bytes;
  if (hex.size() % 2 != 0) throw Failure(ReturnCode::kRefused, "an odd number of hex digits");
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

template <class T>
std::optional<T> optional_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<T>();
}

std::optional<Bound> bound_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Bound{json.at("value").get<std::int64_t>(), json.at("text").get<std::string>()};
}

FieldType type_of(const std::string& name) {
  for (const FieldType type : {FieldType::kString, FieldType::kInteger, FieldType::kDecimal, FieldType::kDate,
                               FieldType::kDatetime, FieldType::kBoolean}) {
    if (name == field_type_name(type)) return type;
  }
  throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no field type", name));
}

Field field_of(const Json& json) {
  Field field;
  field.name = json.at("name").get<std::string>();
  field.column = json.at("column").get<std::string>();
  field.type = type_of(json.at("type").get<std::string>());
  field.precision = json.at("precision").get<std::uint8_t>();
  field.scale = json.at("scale").get<std::uint8_t>();
  if (field.scale > 18 || field.precision > 18) throw Failure(ReturnCode::kRefused, "a decimal of more than 18 digits");
  field.format = json.at("format").get<std::string>();
  const std::string decimal_char = json.at("decimal_char").get<std::string>();
  const std::string group_char = json.at("group_char").get<std::string>();
  field.decimal_char = decimal_char.empty() ? '.' : decimal_char[0];
  field.group_char = group_char.empty() ? '\0' : group_char[0];
  field.trim = json.at("trim").get<bool>();
  field.sensitive = json.at("sensitive").get<bool>();
  field.true_values = json.at("true_values").get<std::vector<std::string>>();
  field.false_values = json.at("false_values").get<std::vector<std::string>>();
  const Json& c = json.at("constraints");
  field.constraints.required = c.at("required").get<bool>();
  field.constraints.min_length = optional_of<std::uint32_t>(c.at("min_length"));
  field.constraints.max_length = optional_of<std::uint32_t>(c.at("max_length"));
  field.constraints.minimum = bound_of(c.at("minimum"));
  field.constraints.maximum = bound_of(c.at("maximum"));
  field.constraints.pattern = optional_of<std::string>(c.at("pattern"));
  field.constraints.enumeration = c.at("enum").get<std::vector<std::string>>();
  return field;
}

SkippedSpans::Kind kind_of(const Json& json) {
  return {json.at(0).get<std::uint64_t>(), json.at(1).get<std::uint64_t>()};
}

SkippedSpans skipped_of(const Json& json) {
  return {kind_of(json.at("byte_order_mark")), kind_of(json.at("preamble")), kind_of(json.at("header")),
          kind_of(json.at("comment")), kind_of(json.at("blank"))};
}

ChunkPlan chunk_of(const Json& json) {
  ChunkPlan chunk;
  chunk.number = ChunkNumber{json.at("number").get<std::uint32_t>()};
  chunk.first_byte = json.at("first_byte").get<std::uint64_t>();
  chunk.bytes = json.at("bytes").get<std::uint64_t>();
  chunk.first_record = json.at("first_record").get<std::uint64_t>();
  chunk.records = json.at("records").get<std::uint64_t>();
  chunk.first_line = json.at("first_line").get<std::uint64_t>();
  chunk.sha256 = Digest::from_hex(json.at("sha256").get<std::string>());
  chunk.oversize = json.at("oversize").get<bool>();
  return chunk;
}

ModuleRule rule_of(const Json& json) {
  return {json.at("code").get<std::string>(), json.at("field").get<std::string>(),
          json.at("message").get<std::string>(), json.at("reads").get<std::vector<std::string>>()};
}

BusinessDate date_of(const std::string& text) {
  const auto date = BusinessDate::from_text(text);
  if (!date) throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no day", text));
  return *date;
}

/// Chunks cover the file without gap or overlap; cells belong to fields.
void check_plan(const Plan& plan) {
  std::uint64_t byte = plan.head.bytes();
  std::uint64_t record = 1;
  std::uint32_t number = 1;
  for (const ChunkPlan& chunk : plan.chunks) {
    if (to_int(chunk.number) != number++ || chunk.first_byte != byte || chunk.first_record != record ||
        chunk.bytes > plan.file.bytes) {
      throw Failure(ReturnCode::kRefused,
                    fmt::format("chunk {} does not follow the one before it", to_int(chunk.number)));
    }
    byte += chunk.bytes;
    record += chunk.records;
  }
  if (byte != plan.file.bytes || record != plan.records + 1)
    throw Failure(ReturnCode::kRefused, "its chunks do not cover the file");
  for (const std::uint16_t field : plan.cell_fields) {
    if (field >= plan.layout.fields.size()) throw Failure(ReturnCode::kRefused, "a cell belongs to no field");
  }
}

/// Plans made before there was a second framing do not name theirs.
FramingKind framing_of(const Json& json) {
  const std::string name = json.value("framing", "lines");
  if (name != "lines" && name != "fixed") throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no framing", name));
  return name == "lines" ? FramingKind::kLines : FramingKind::kFixed;
}

Plan read_plan(const Json& json) {
  if (const int format = json.at("ledgermill_plan").get<int>(); format != kPlanFormat) {
    throw Failure(ReturnCode::kRefused, fmt::format("format {}, this program reads format {}", format, kPlanFormat));
  }
  Plan plan;
  plan.feed = json.at("feed").get<std::string>();
  plan.table = json.at("table").get<std::string>();
  plan.file.name = from_hex(json.at("file").at("name_hex").get<std::string>());
  plan.file.sha256 = Digest::from_hex(json.at("file").at("sha256").get<std::string>());
  plan.file.bytes = json.at("file").at("bytes").get<std::uint64_t>();
  if (const Json& date = json.at("business_date"); !date.is_null())
    plan.business_date = date_of(date.get<std::string>());
  plan.definition = Digest::from_hex(json.at("definition_sha256").get<std::string>());
  if (const Json& module = json.at("module_sha256"); !module.is_null())
    plan.module = Digest::from_hex(module.get<std::string>());
  plan.planned_at.nanoseconds = json.at("planned_at_ns").get<std::int64_t>();
  plan.framing = framing_of(json);
  plan.record_bytes = json.value("record_bytes", std::uint32_t{0});
  for (const Json& field : json.at("layout")) plan.layout.fields.push_back(field_of(field));
  for (const Json& rule : json.at("module_rules")) plan.module_rules.push_back(rule_of(rule));
  plan.limits.most_rejects = optional_of<std::uint64_t>(json.at("limits").at("most_rejects"));
  plan.limits.most_rejects_ppm = optional_of<std::uint32_t>(json.at("limits").at("most_rejects_ppm"));
  plan.declared.records = optional_of<std::uint64_t>(json.at("declared").at("records"));
  plan.declared.sum_field = optional_of<std::string>(json.at("declared").at("sum_field"));
  plan.declared.sum = optional_of<std::string>(json.at("declared").at("sum"));
  plan.header = from_hex(json.at("header_hex").get<std::string>());
  plan.cell_fields = json.at("cell_fields").get<std::vector<std::uint16_t>>();
  plan.head = skipped_of(json.at("head"));
  for (const Json& chunk : json.at("chunks")) plan.chunks.push_back(chunk_of(chunk));
  plan.records = json.at("records").get<std::uint64_t>();
  check_plan(plan);
  return plan;
}

ControlTotals read_totals(const Json& json) {
  ControlTotals totals;
  totals.records = json.at("records").get<std::uint64_t>();
  totals.accepted = json.at("accepted").get<std::uint64_t>();
  totals.rejected = json.at("rejected").get<std::uint64_t>();
  totals.bytes = json.at("bytes").get<std::uint64_t>();
  totals.record_bytes = json.at("record_bytes").get<std::uint64_t>();
  totals.skipped = skipped_of(json.at("skipped"));
  for (const Json& entry : json.at("sums")) {
    FieldSum sum;
    sum.field = entry.at("field").get<std::string>();
    sum.scale = entry.at("scale").get<std::uint8_t>();
    const auto exact = [&](const char* key) {
      const auto value = ExactSum::from_text(entry.at(key).get<std::string>(), sum.scale);
      if (!value) throw Failure(ReturnCode::kRefused, fmt::format("'{}' of field '{}' is no sum", key, sum.field));
      return *value;
    };
    sum.in = exact("in");
    sum.posted = exact("posted");
    sum.rejected = exact("rejected");
    sum.unreadable = entry.at("unreadable").get<std::uint64_t>();
    totals.sums.push_back(sum);
  }
  return totals;
}

/// Parses `text` and hands it to `read`; whatever is wrong with it becomes one kind of Failure.
template <class T>
T reading(std::string_view text, std::string_view what, T (*read)(const Json&)) {
  const auto refuse = [&](const std::string& why) {
    return Failure(ReturnCode::kRefused, fmt::format("this is no {} that can be read: {}", what, why),
                   "was it cut or edited, or written by a later version of the program?");
  };
  try {
    // A plan is nested five levels; a parser callback that drops deeper levels keeps hostile text from the stack.
    constexpr int kMostDepth = 16;
    bool too_deep = false;
    const Json json = Json::parse(
        text, [&](int depth, Json::parse_event_t, Json&) { return !(too_deep = too_deep || depth > kMostDepth); });
    if (too_deep) throw refuse("it is nested too deep");
    return read(json);
  } catch (const Json::exception& mistake) {
    throw refuse(mistake.what());
  } catch (const Failure& mistake) {
    throw refuse(mistake.fact());
  } catch (const std::logic_error& mistake) {  // std::stoi
    throw refuse("not hex digits");
  }
}

}  // namespace

std::string plan_to_json(const Plan& plan) {
  Json layout = Json::array();
  for (const Field& field : plan.layout.fields) layout.push_back(field_json(field));
  Json rules = Json::array();
  for (const ModuleRule& rule : plan.module_rules) {
    rules.push_back({{"code", rule.code}, {"field", rule.field}, {"message", rule.message}, {"reads", rule.reads}});
  }
  Json chunks = Json::array();
  for (const ChunkPlan& chunk : plan.chunks) chunks.push_back(chunk_json(chunk));
  const Json json{
      {"ledgermill_plan", kPlanFormat},
      {"feed", plan.feed},
      {"table", plan.table},
      {"file", {{"name_hex", hex_of(plan.file.name)}, {"sha256", plan.file.sha256.hex()}, {"bytes", plan.file.bytes}}},
      {"business_date", plan.business_date ? Json(plan.business_date->text()) : Json(nullptr)},
      {"definition_sha256", plan.definition.hex()},
      {"module_sha256", plan.module ? Json(plan.module->hex()) : Json(nullptr)},
      {"planned_at_ns", plan.planned_at.nanoseconds},
      {"framing", plan.framing == FramingKind::kLines ? "lines" : "fixed"},
      {"record_bytes", plan.record_bytes},
      {"layout", layout},
      {"module_rules", rules},
      {"limits",
       {{"most_rejects", optional_json(plan.limits.most_rejects)},
        {"most_rejects_ppm", optional_json(plan.limits.most_rejects_ppm)}}},
      {"declared",
       {{"records", optional_json(plan.declared.records)},
        {"sum_field", optional_json(plan.declared.sum_field)},
        {"sum", optional_json(plan.declared.sum)}}},
      {"header_hex", hex_of(plan.header)},
      {"cell_fields", plan.cell_fields},
      {"head", skipped_json(plan.head)},
      {"records", plan.records},
      {"chunks", chunks}};
  return json.dump();
}

Plan plan_from_json(std::string_view json) { return reading<Plan>(json, "plan", read_plan); }

std::string totals_to_json(const ControlTotals& totals) {
  Json sums = Json::array();
  for (const FieldSum& sum : totals.sums) {
    sums.push_back({{"field", sum.field},
                    {"scale", sum.scale},
                    {"in", sum.in.text(sum.scale)},
                    {"posted", sum.posted.text(sum.scale)},
                    {"rejected", sum.rejected.text(sum.scale)},
                    {"unreadable", sum.unreadable}});
  }
  return Json{{"records", totals.records},
              {"accepted", totals.accepted},
              {"rejected", totals.rejected},
              {"bytes", totals.bytes},
              {"record_bytes", totals.record_bytes},
              {"skipped", skipped_json(totals.skipped)},
              {"sums", sums}}
      .dump();
}

ControlTotals totals_from_json(std::string_view json) {
  return reading<ControlTotals>(json, "record of control totals", read_totals);
}

std::string Plan::staged_stem() const {
  std::string time = planned_at.text().substr(0, 19);  // 2025-03-30T22:25:02
  for (char& c : time) {
    if (c == 'T' || c == ':') c = '-';
  }
  return "ingested-" + time + "-" + file.sha256.hex12();
}

}  // namespace ledgermill
