// SPDX-License-Identifier: Apache-2.0
#include <iconv.h>

#include <algorithm>

#include "triage/fix_parts.h"

namespace ledgermill::triage {

namespace {

using Stage = Fix::Stage;

/// Bytes of `code_page` as UTF-8; nothing where libc does not know the code page, or a byte has no meaning in it.
std::optional<std::string> to_utf8(std::string_view bytes, const char* code_page) {
  const iconv_t converter = iconv_open("UTF-8", code_page);
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string in(bytes);
  std::string out(bytes.size() * 4, '\0');
  char* from = in.data();
  char* to = out.data();
  std::size_t from_left = in.size();
  std::size_t to_left = out.size();
  const bool converted = iconv(converter, &from, &from_left, &to, &to_left) != static_cast<std::size_t>(-1);
  iconv_close(converter);
  if (!converted) return std::nullopt;
  out.resize(out.size() - to_left);
  return out;
}

bool is_utf8(std::string_view bytes) { return to_utf8(bytes, "UTF-8").has_value(); }

/// Letters and digits of EBCDIC lie from 0x81 on, its space is 0x40: a record of it has little else.
bool looks_like_ebcdic(std::string_view bytes) {
  const auto high = std::count_if(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x81 || byte == 0x40 || byte == 0x4b || byte == 0x60 || byte == 0x6b;
  });
  return bytes.size() >= 4 && static_cast<std::size_t>(high) * 10 >= bytes.size() * 9;
}

void add_code_page(std::vector<Fix>& fixes, const char* name, const char* title, int order) {
  fixes.push_back({"code-page", std::string("read as ") + title, true, order, Stage::kStructure,
                   [name](const Sample& sample) -> std::optional<std::string> {
                     if (is_utf8(sample.record) || looks_like_ebcdic(sample.record)) return std::nullopt;
                     return to_utf8(sample.record, name);
                   }});
}

std::optional<std::string> without_prefix(std::string_view record, std::string_view prefix) {
  if (record.substr(0, prefix.size()) != prefix) return std::nullopt;
  return std::string(record.substr(prefix.size()));
}

}  // namespace

void add_byte_fixes(std::vector<Fix>& fixes, const RecordForm& form) {
  fixes.push_back({"byte-order-mark", "drop the byte-order mark in the record", true, 1, Stage::kStructure,
                   [](const Sample& sample) {
                     auto fixed = without_prefix(sample.record, "\xef\xbb\xbf");
                     return fixed ? fixed : without_prefix(sample.record, "\xc3\xaf\xc2\xbb\xc2\xbf");
                   }});
  fixes.push_back(
      {"utf-16", "read as UTF-16", true, 1, Stage::kStructure, [](const Sample& sample) -> std::optional<std::string> {
         std::string text = sample.record;
         const std::size_t bytes = text.size();
         text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
         if ((bytes - text.size()) * 10 < bytes * 4) return std::nullopt;
         for (const char* mark : {"\xff\xfe", "\xfe\xff"}) {
           if (auto rest = without_prefix(text, mark)) text = *rest;
         }
         while (!text.empty() && text.back() == '\r') text.pop_back();
         return text;
       }});
  fixes.push_back({"ebcdic", "read as EBCDIC (code page 037)", true, 1, Stage::kStructure,
                   [](const Sample& sample) -> std::optional<std::string> {
                     if (!looks_like_ebcdic(sample.record)) return std::nullopt;
                     return to_utf8(sample.record, "IBM037");
                   }});
  add_code_page(fixes, "WINDOWS-1252", "Windows-1252", 2);
  add_code_page(fixes, "CP850", "code page 850", 3);
  if (form.record_bytes == 0) return;
  fixes.push_back({"padding-stripped", "fill the record up with spaces", true, 4, Stage::kStructure,
                   [bytes = form.record_bytes](const Sample& sample) -> std::optional<std::string> {
                     if (sample.record.size() >= bytes) return std::nullopt;
                     return sample.record + std::string(bytes - sample.record.size(), ' ');
                   }});
  fixes.push_back({"trailing-spaces", "cut spaces behind the last field", true, 4, Stage::kStructure,
                   [bytes = form.record_bytes](const Sample& sample) -> std::optional<std::string> {
                     if (sample.record.size() <= bytes) return std::nullopt;
                     if (sample.record.find_first_not_of(" \t\r", bytes) != std::string::npos) return std::nullopt;
                     return sample.record.substr(0, bytes);
                   }});
}

}  // namespace ledgermill::triage
