// SPDX-License-Identifier: Apache-2.0
#include "feed/positional_decoder.h"

#include <algorithm>

namespace ledgermill::feed {

namespace {

/// Whether a character goes on at `at`: then a cell that begins or ends there cuts it. The record itself is UTF-8.
bool cuts_character(std::string_view record, std::size_t at) {
  return at < record.size() && (static_cast<unsigned char>(record[at]) & 0xc0U) == 0x80U;
}

bool is_all_digits(std::string_view cell) {
  return std::all_of(cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The field that a literal stands before; behind the last field, that one.
std::uint16_t field_at(const Literal& literal, const std::vector<FieldPlace>& fields) {
  std::size_t best = fields.size();
  std::size_t last = 0;
  for (std::size_t f = 0; f < fields.size(); ++f) {
    if (fields[f].offset > literal.offset && (best == fields.size() || fields[f].offset < fields[best].offset))
      best = f;
    if (fields[f].offset > fields[last].offset) last = f;
  }
  return static_cast<std::uint16_t>(best == fields.size() ? last : best);
}

}  // namespace

PositionalDecoder::PositionalDecoder(const PositionalLayout& positional, const Layout& layout,
                                     const std::vector<std::string>& missing_values)
    : positional_(positional) {
  for (std::size_t f = 0; f < layout.fields.size(); ++f) {
    decoders_.emplace_back(layout.fields[f], f, missing_values);
    is_number_.push_back(layout.fields[f].is_number());
  }
  for (const Literal& literal : positional.literals) literal_fields_.push_back(field_at(literal, positional.fields));
}

void PositionalDecoder::decode(const ChunkText& text, RecordBlock& block, std::size_t i, Findings& findings) const {
  const Frame& frame = block.frames()[i];
  const auto record_index = static_cast<std::uint32_t>(i);
  const std::string_view record = text.source.substr(frame.offset, frame.length);
  if (record.size() != positional_.record_bytes)
    findings.push_back({record_index, {ReasonCode::kRecordLength, kNoField, {}}});
  check_literals(record, frame.offset, record_index, findings);
  for (std::size_t field = 0; field < decoders_.size(); ++field)
    decode_field(field, record, block, record_index, findings);
}

void PositionalDecoder::check_literals(std::string_view record, std::uint32_t offset, std::uint32_t i,
                                       Findings& findings) const {
  for (std::size_t l = 0; l < positional_.literals.size(); ++l) {
    const Literal& literal = positional_.literals[l];
    if (literal.offset >= record.size()) return;  // the record is too short, which is said already
    const std::string_view found = record.substr(literal.offset, literal.text.size());
    if (found == literal.text) continue;
    findings.push_back({i,
                        {ReasonCode::kSeparatorError,
                         literal_fields_[l],
                         {offset + literal.offset, static_cast<std::uint32_t>(found.size())}}});
  }
}

void PositionalDecoder::decode_field(std::size_t field, std::string_view record, RecordBlock& block, std::uint32_t i,
                                     Findings& findings) const {
  const FieldPlace& place = positional_.fields[field];
  const CellDecoder& decoder = decoders_[field];
  const std::uint32_t record_offset = block.frames()[i].offset;
  const auto refuse = [&](ReasonCode code, TextRef value) {
    decoder.invalidate(block, i);
    block.texts(field)[i] = {record_offset, 0};
    findings.push_back({i, {code, static_cast<std::uint16_t>(field), value}});
  };
  if (record.size() < std::size_t{place.offset} + place.length) return refuse(ReasonCode::kMissingCell, {});
  TextRef ref{record_offset + place.offset, place.length};
  if (cuts_character(record, place.offset) || cuts_character(record, std::size_t{place.offset} + place.length))
    return refuse(ReasonCode::kEncodingError, {});
  std::string_view cell = record.substr(place.offset, place.length);
  const bool zeros = place.padding == Padding::kZeros;
  if (zeros && cell.find_first_not_of(' ') == std::string_view::npos) cell = {};
  if (zeros && !is_all_digits(cell)) return refuse(ReasonCode::kTypeError, ref);
  if (place.padding == Padding::kSpaces && is_number_[field]) {
    const std::size_t first = std::min(cell.find_first_not_of(' '), cell.size());
    cell.remove_prefix(first);
    ref.offset += static_cast<std::uint32_t>(first);
  } else if (place.padding == Padding::kSpaces) {
    cell = cell.substr(0, cell.find_last_not_of(' ') + 1);
  }
  ref.length = static_cast<std::uint32_t>(cell.size());
  block.texts(field)[i] = ref;
  if (!decoder.decode(cell, block, i))
    findings.push_back({i, {ReasonCode::kTypeError, static_cast<std::uint16_t>(field), ref}});
}

}  // namespace ledgermill::feed
