// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledgermill::chart {

// Drawings as SVG 1.1 text: one `<svg>` element, well-formed XML by itself, to be written to a file or put into HTML as
// it stands. No script, no style sheet, no reference to anything outside. The same input gives the same bytes. Every
// drawing has a `<title>` and a `<desc>` for screen readers. Texts are UTF-8 and escaped here; bytes that are no UTF-8
// and control characters become '?'. A value that is no number is drawn as a gap or an empty cell, never as 0.

/// A matrix of numbers, dark where they are large: a confusion matrix, rejects by feed and day.
struct HeatMap {
  std::string title;
  std::string row_axis;     ///< what the rows are, e.g. "truth"; may be ""
  std::string column_axis;  ///< likewise
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  std::vector<std::vector<double>> values;  ///< [row][column], not negative; NaN for an empty cell
  enum class Numbers : std::uint8_t {
    kCounts,  ///< whole numbers; a cell's shade is by its logarithm, since clean records outnumber all else
    kShares,  ///< 0 to 1, with two decimals
  } numbers = Numbers::kCounts;
};
/// LM_CHECKs that `values` fits `rows` and `columns`.
std::string heat_map(const HeatMap& map);

/// Curves over numbers: precision over recall, a metric over days.
struct LineChart {
  struct Point {
    double x = 0;
    double y = 0;
  };
  struct Series {
    std::string name;
    std::vector<Point> points = {};  ///< in drawing order; a NaN breaks the line
    enum class Line : std::uint8_t { kSolid, kDashed, kDots } line = Line::kSolid;
  };
  struct Tick {
    double x = 0;
    std::string text;
  };
  std::string title;
  std::string x_axis;
  std::string y_axis;
  std::vector<Series> series = {};
  std::vector<Tick> x_ticks = {};                                        ///< none: five round numbers
  std::optional<double> x_mark = {};                                     ///< an upright line, e.g. the alert budget
  std::optional<double> x_from = {}, x_to = {}, y_from = {}, y_to = {};  ///< none: what the points span
};
std::string line_chart(const LineChart& chart);

/// Lengths beside each other, one line each: recall by fault, drift by feature.
struct BarChart {
  struct Bar {
    std::string name;
    double value = 0;                           ///< not negative; NaN for "not known"
    std::string note = {};                      ///< behind the bar, e.g. "12 of 15"; "": the value with three decimals
    std::optional<double> low = {}, high = {};  ///< an interval, drawn as a thin line
  };
  std::string title;
  std::vector<Bar> bars;
  std::optional<double> most = {};   ///< value at full length; none: the largest
  std::optional<double> limit = {};  ///< an upright line, e.g. a bar that must be reached
};
std::string bar_chart(const BarChart& chart);

/// `text` as it may stand in XML and HTML, in an element or a quoted attribute.
std::string escaped(std::string_view text);

}  // namespace ledgermill::chart
