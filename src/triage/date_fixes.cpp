// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>

#include "triage/fix_parts.h"
#include "triage/shape.h"

namespace ledgermill::triage {

namespace {

struct Day {
  int year = 0, month = 0, day = 0;
};

/// The day in the field's format; nothing where the format has more than year, month and day, or the day is none.
std::optional<std::string> written(const Day& day, const std::string& format) {
  if (day.month < 1 || day.month > 12 || day.day < 1 || day.day > 31) return std::nullopt;
  std::string text;
  std::array<char, 16> part{};
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      text += format[i];
      continue;
    }
    const char directive = ++i < format.size() ? format[i] : 0;
    const char* width = directive == 'Y' ? "%04d" : "%02d";
    const int number = directive == 'Y'   ? day.year
                       : directive == 'm' ? day.month
                       : directive == 'd' ? day.day
                       : directive == 'y' ? day.year % 100
                                          : -1;
    if (number < 0) return std::nullopt;
    std::snprintf(part.data(), part.size(), width, number);
    text += part.data();
  }
  return text;
}

/// The three numbers of "30/03/2025", "30.3.2025" and the like.
std::optional<std::array<std::string, 3>> three_numbers(const std::string& value) {
  std::array<std::string, 3> parts;
  std::size_t at = 0;
  char mark = 0;
  for (const char c : value) {
    if (c >= '0' && c <= '9') {
      parts[at] += c;
    } else if ((c == '/' || c == '-' || c == '.' || c == ' ') && (mark == 0 || c == mark) && at < 2) {
      mark = c;
      ++at;
    } else {
      return std::nullopt;
    }
  }
  for (const std::string& part : parts) {
    if (part.empty() || part.size() > 4) return std::nullopt;
  }
  return parts;
}

using ReadDay = std::function<std::optional<Day>(const std::string&)>;

/// `order`: which of the three numbers is year, month, day.
ReadDay marked(std::array<std::size_t, 3> order, std::size_t year_digits) {
  return [=](const std::string& value) -> std::optional<Day> {
    const auto parts = three_numbers(value);
    if (!parts) return std::nullopt;
    const auto& [year, month, day] = order;
    if ((*parts)[year].size() != year_digits || (*parts)[month].size() > 2 || (*parts)[day].size() > 2)
      return std::nullopt;
    const int century = year_digits == 2 ? 2000 : 0;
    return Day{century + std::stoi((*parts)[year]), std::stoi((*parts)[month]), std::stoi((*parts)[day])};
  };
}

/// Eight digits without marks; `at`: where year, month and day begin.
ReadDay compact(std::array<std::size_t, 3> at) {
  return [=](const std::string& value) -> std::optional<Day> {
    if (value.size() != 8 || !all_digits(value)) return std::nullopt;
    return Day{std::stoi(value.substr(at[0], 4)), std::stoi(value.substr(at[1], 2)), std::stoi(value.substr(at[2], 2))};
  };
}

/// A day count of a spreadsheet; `epoch`: 1970-01-01 in it.
ReadDay serial(int epoch) {
  return [epoch](const std::string& value) -> std::optional<Day> {
    if (value.size() != 5 || !all_digits(value)) return std::nullopt;
    // Days to civil date: the proleptic Gregorian calendar, years beginning in March.
    const int z = std::stoi(value) - epoch + 719468;
    const int era = z / 146097;
    const int of_era = z - era * 146097;
    const int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int of_year = of_era - (365 * year + year / 4 - year / 100);
    const int month = (5 * of_year + 2) / 153;
    return Day{year + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9,
               of_year - (153 * month + 2) / 5 + 1};
  };
}

std::optional<Day> before_time(const std::string& value) {
  const std::size_t end = value.find_first_of("T ");
  if (end == std::string::npos || end < 8 || value.find(':', end) == std::string::npos) return std::nullopt;
  return marked({0, 1, 2}, 4)(value.substr(0, end));
}

enum class Meaning : std::uint8_t { kSure, kGuess, kGuessedCentury };

/// A value that is no day yet looks like one ("2025-30-03"): the same file's days up to the 12th were accepted with day
/// and month swapped, so mending the rejects alone would not mend the file. `Meaning::kGuess` says so.
void add(std::vector<Fix>& fixes, const RecordForm& form, const char* cause, const char* text, int order,
         Meaning meaning, const ReadDay& read) {
  fixes.push_back({cause, text, meaning == Meaning::kSure, order, Fix::Stage::kDate,
                   on_cells(form, [read, meaning](const Field& field, const std::string& value) {
                     const auto none = std::optional<std::string>();
                     if (field.type != FieldType::kDate) return none;
                     const auto day = read(value);
                     auto fixed = day ? written(*day, field.format) : none;
                     const bool same_look = fixed && shape_of(*fixed, ShapeDetail::kEachCharacter) ==
                                                         shape_of(value, ShapeDetail::kEachCharacter);
                     if (meaning == Meaning::kGuessedCentury) return fixed;
                     return same_look == (meaning == Meaning::kGuess) ? fixed : none;
                   })});
}

}  // namespace

void add_date_fixes(std::vector<Fix>& fixes, const RecordForm& form) {
  const ReadDay ymd = marked({0, 1, 2}, 4);
  const ReadDay ydm = marked({0, 2, 1}, 4);
  const ReadDay dmy = marked({2, 1, 0}, 4);
  const ReadDay mdy = marked({2, 0, 1}, 4);
  const auto either = [&](const char* text, int order, const ReadDay& read) {
    add(fixes, form, "date-order", text, order, Meaning::kSure, read);
    add(fixes, form, "date-order", text, order, Meaning::kGuess, read);
  };
  add(fixes, form, "date-format", "read as year, month, day with other marks", 1, Meaning::kSure, ymd);
  either("read as day, month, year", 2, dmy);
  either("read as month, day, year", 3, mdy);
  either("read as year, day, month", 4, ydm);
  add(fixes, form, "date-format", "read as year, month, day without marks", 1, Meaning::kSure, compact({0, 4, 6}));
  either("read as day, month, year without marks", 2, compact({4, 2, 0}));
  either("read as month, day, year without marks", 3, compact({4, 0, 2}));
  add(fixes, form, "date-format", "leave the time of day out", 1, Meaning::kSure, before_time);
  // Two digits of a year say no century, and two readings of three numbers of two digits are seldom refuted.
  add(fixes, form, "date-order", "read as day, month, year of two digits (20..)", 5, Meaning::kGuessedCentury,
      marked({2, 1, 0}, 2));
  add(fixes, form, "date-order", "read as month, day, year of two digits (20..)", 6, Meaning::kGuessedCentury,
      marked({2, 0, 1}, 2));
  add(fixes, form, "date-order", "read as year of two digits (20..), month, day", 7, Meaning::kGuessedCentury,
      marked({0, 1, 2}, 2));
  add(fixes, form, "date-serial", "read as days since 1899-12-30", 8, Meaning::kSure, serial(25569));
  add(fixes, form, "date-serial", "read as days since 1904-01-01", 9, Meaning::kSure, serial(24107));
}

}  // namespace ledgermill::triage
