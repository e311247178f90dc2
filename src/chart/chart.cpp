// SPDX-License-Identifier: Apache-2.0
#include "chart/chart.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/check.h"

namespace ledgermill::chart {

namespace {

// Okabe and Ito, "Color Universal Design" (2008): eight colours that colour-blind people tell apart.
constexpr std::array<const char*, 6> kColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
constexpr double kLetter = 6.6;  // width of a letter of 11 px sans-serif, about
constexpr std::size_t kLongestName = 34;

/// Bytes of the UTF-8 character at `at`; 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0U) != 0x80) return 0;
  }
  if ((lead == 0xe0 && byte(at + 1) < 0xa0) || (lead == 0xed && byte(at + 1) > 0x9f) ||
      (lead == 0xf0 && byte(at + 1) < 0x90) || (lead == 0xf4 && byte(at + 1) > 0x8f))
    return 0;
  return length;
}

std::string shortened(const std::string& text) {
  if (text.size() <= kLongestName) return text;
  std::size_t end = kLongestName - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string start(double width, double height, const std::string& title, const std::string& description) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "role=\"img\" font-family=\"sans-serif\" font-size=\"11\"><title>{2}</title><desc>{3}</desc>"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>"
      "<text x=\"8\" y=\"17\" font-size=\"13\" font-weight=\"bold\">{2}</text>\n",
      width, height, escaped(title), escaped(description));
}

enum class Anchor : std::uint8_t { kStart, kMiddle, kEnd };

std::string text_at(double x, double y, Anchor anchor, const std::string& text, const char* fill = "#222222") {
  const char* name = anchor == Anchor::kStart ? "start" : anchor == Anchor::kMiddle ? "middle" : "end";
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x, y, name, fill,
                     escaped(text));
}

std::string line_from(double x1, double y1, double x2, double y2, const char* colour, const char* more = "") {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"{}/>\n", x1, y1, x2,
                     y2, colour, more);
}

/// At most six significant digits, no exponent where it can be avoided.
std::string number_text(double value) { return fmt::format("{:.6g}", value == 0 ? 0.0 : value); }

/// White to dark blue; `share` 0 to 1.
std::string shade(double share) {
  const auto between = [share](int from, int to) {
    return static_cast<int>(std::lround(from + (to - from) * std::clamp(share, 0.0, 1.0)));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", between(0xf7, 0x08), between(0xfb, 0x30), between(0xff, 0x6b));
}

/// What an axis spans, and how it lies on the drawing.
struct Axis {
  double from = 0;
  double to = 1;
  double start = 0;  // px of `from`
  double end = 1;    // px of `to`

  double px(double value) const { return start + (value - from) / (to - from) * (end - start); }
};

Axis axis_of(const LineChart& chart, bool upright) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const LineChart::Series& series : chart.series) {
    for (const LineChart::Point& point : series.points) {
      const double value = upright ? point.y : point.x;
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) low = 0, high = 1;
  const auto& from = upright ? chart.y_from : chart.x_from;
  const auto& to = upright ? chart.y_to : chart.x_to;
  Axis axis{from.value_or(low), to.value_or(high), 0, 1};
  if (axis.to <= axis.from) axis.to = axis.from + std::max(1.0, std::abs(axis.from) * 0.1);
  return axis;
}

/// About five round numbers of the axis: 1, 2 or 5 times a power of ten apart.
std::vector<double> round_numbers(const Axis& axis) {
  const double rough = (axis.to - axis.from) / 5;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double lead = rough / power;
  const double step = power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
  std::vector<double> numbers;
  constexpr double kLittle = 1e-9;
  for (double at = std::ceil(axis.from / step - kLittle) * step; at <= axis.to + step * kLittle; at += step)
    numbers.push_back(std::abs(at) < step * kLittle ? 0 : at);
  return numbers;
}

std::string series_drawn(const LineChart::Series& series, const Axis& x, const Axis& y, const char* colour) {
  std::string svg;
  std::string path;
  bool pen_up = true;
  for (const LineChart::Point& point : series.points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      pen_up = true;
      continue;
    }
    const double at_x = x.px(std::clamp(point.x, x.from, x.to));
    const double at_y = y.px(std::clamp(point.y, y.from, y.to));
    path += fmt::format("{}{:.1f} {:.1f}", pen_up ? "M" : "L", at_x, at_y);
    pen_up = false;
    if (series.line == LineChart::Series::Line::kDots || series.points.size() == 1)
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", at_x, at_y, colour);
  }
  if (!path.empty())
    svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\"{}/>\n", path, colour,
                       series.line == LineChart::Series::Line::kDashed ? " stroke-dasharray=\"5 4\"" : "");
  return svg;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    const char c = text[i];
    if (length == 0 || (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f))) {
      out += '?';
      ++i;
      continue;
    }
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += text.substr(i, length);
    i += length;
  }
  return out;
}

std::string heat_map(const HeatMap& map) {
  LM_CHECK(map.values.size() == map.rows.size(), "a heat map has a line of values for each row");
  double most = 0;
  std::size_t longest_row = 4;
  std::size_t longest_column = 4;
  for (const auto& row : map.values) {
    LM_CHECK(row.size() == map.columns.size(), "a heat map has a value for each column");
    for (const double value : row) most = std::isfinite(value) ? std::max(most, value) : most;
  }
  for (const std::string& name : map.rows) longest_row = std::max(longest_row, shortened(name).size());
  for (const std::string& name : map.columns) longest_column = std::max(longest_column, shortened(name).size());
  const bool counts = map.numbers == HeatMap::Numbers::kCounts;
  constexpr double kWidth = 58;
  constexpr double kHeight = 24;
  const double left = 30 + kLetter * static_cast<double>(longest_row);
  const double top = 46 + kLetter * 0.75 * static_cast<double>(longest_column);
  const double right = left + kWidth * static_cast<double>(map.columns.size());
  const double width = std::max(right + 30 + kLetter * 0.75 * static_cast<double>(longest_column),
                                20 + 7.8 * static_cast<double>(map.title.size()));
  std::string svg = start(width, top + kHeight * static_cast<double>(map.rows.size()) + 12, map.title,
                          fmt::format("{} rows ({}) by {} columns ({})", map.rows.size(), map.row_axis,
                                      map.columns.size(), map.column_axis));
  if (!map.row_axis.empty()) svg += text_at(left - 6, top - 8, Anchor::kEnd, map.row_axis + " ↓", "#666666");
  if (!map.column_axis.empty()) svg += text_at(left, 34, Anchor::kStart, map.column_axis + " →", "#666666");
  for (std::size_t c = 0; c < map.columns.size(); ++c) {
    const double x = left + kWidth * (static_cast<double>(c) + 0.5);
    svg += fmt::format("<text transform=\"translate({:.1f} {:.1f}) rotate(-40)\">{}</text>\n", x, top - 6,
                       escaped(shortened(map.columns[c])));
  }
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double y = top + kHeight * static_cast<double>(r);
    svg += text_at(left - 6, y + 16, Anchor::kEnd, shortened(map.rows[r]));
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const double value = map.values[r][c];
      const bool known = std::isfinite(value);
      const double share = !known || most <= 0 ? 0 : counts ? std::log1p(value) / std::log1p(most) : value;
      const double x = left + kWidth * static_cast<double>(c);
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.0f}\" height=\"{:.0f}\" fill=\"{}\" stroke=\"#ffffff\"/>\n", x, y,
          kWidth, kHeight, known ? shade(share) : "#eeeeee");
      if (known)
        svg += text_at(x + kWidth / 2, y + 16, Anchor::kMiddle,
                       counts ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value),
                       share > 0.5 ? "#ffffff" : "#222222");
    }
  }
  return svg + "</svg>\n";
}

std::string line_chart(const LineChart& chart) {
  constexpr double kWidth = 560;
  constexpr double kHeight = 320;
  Axis x = axis_of(chart, false);
  Axis y = axis_of(chart, true);
  x.start = 62;
  x.end = kWidth - 18;
  y.start = kHeight - 44;
  y.end = 32;
  const double legend = kHeight + 4;
  std::string svg = start(kWidth, legend + 16 * static_cast<double>(chart.series.size()) + 4, chart.title,
                          fmt::format("{} over {}, {} lines", chart.y_axis, chart.x_axis, chart.series.size()));
  for (const double at : round_numbers(y)) {
    svg += line_from(x.start, y.px(at), x.end, y.px(at), "#e4e4e4");
    svg += text_at(x.start - 6, y.px(at) + 4, Anchor::kEnd, number_text(at));
  }
  std::vector<LineChart::Tick> ticks = chart.x_ticks;
  if (ticks.empty())
    for (const double at : round_numbers(x)) ticks.push_back({at, number_text(at)});
  for (const LineChart::Tick& tick : ticks) {
    if (tick.x < x.from || tick.x > x.to) continue;
    svg += line_from(x.px(tick.x), y.start, x.px(tick.x), y.start + 4, "#444444");
    svg += text_at(x.px(tick.x), y.start + 17, Anchor::kMiddle, tick.text);
  }
  svg +=
      line_from(x.start, y.start, x.end, y.start, "#444444") + line_from(x.start, y.start, x.start, y.end, "#444444");
  svg += text_at((x.start + x.end) / 2, kHeight - 8, Anchor::kMiddle, chart.x_axis, "#666666");
  svg += fmt::format(
      "<text transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\" fill=\"#666666\">{}</text>\n",
      (y.start + y.end) / 2, escaped(chart.y_axis));
  if (chart.x_mark && *chart.x_mark >= x.from && *chart.x_mark <= x.to)
    svg += line_from(x.px(*chart.x_mark), y.start, x.px(*chart.x_mark), y.end, "#888888", " stroke-dasharray=\"2 3\"");
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const char* colour = kColours[s % kColours.size()];
    const double at = legend + 16 * static_cast<double>(s);
    svg += series_drawn(chart.series[s], x, y, colour);
    svg += line_from(x.start, at, x.start + 22, at, colour, " stroke-width=\"2.5\"");
    svg += text_at(x.start + 28, at + 4, Anchor::kStart, chart.series[s].name);
  }
  return svg + "</svg>\n";
}

std::string bar_chart(const BarChart& chart) {
  double most = 0;
  std::size_t longest = 4;
  for (const BarChart::Bar& bar : chart.bars) {
    if (std::isfinite(bar.value)) most = std::max(most, bar.high.value_or(bar.value));
    longest = std::max(longest, shortened(bar.name).size());
  }
  most = chart.most.value_or(most > 0 ? most : 1);
  constexpr double kLength = 300;
  constexpr double kHeight = 20;
  const double left = 16 + kLetter * static_cast<double>(longest);
  const double bottom = 30 + kHeight * static_cast<double>(chart.bars.size());
  std::string svg = start(std::max(left + kLength + 170, 20 + 7.8 * static_cast<double>(chart.title.size())),
                          bottom + 8, chart.title, fmt::format("{} bars", chart.bars.size()));
  const auto px = [&](double value) { return left + kLength * std::clamp(value / most, 0.0, 1.0); };
  for (std::size_t b = 0; b < chart.bars.size(); ++b) {
    const BarChart::Bar& bar = chart.bars[b];
    const double y = 28 + kHeight * static_cast<double>(b);
    svg += text_at(left - 6, y + 13, Anchor::kEnd, shortened(bar.name));
    const bool known = std::isfinite(bar.value);
    if (known)
      svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" fill=\"{}\"/>\n", left,
                         y + 3, px(bar.value) - left, kHeight - 6, kColours[0]);
    if (known && bar.low && bar.high)
      svg += line_from(px(*bar.low), y + kHeight / 2, px(*bar.high), y + kHeight / 2, "#222222");
    const std::string note = !bar.note.empty() ? bar.note : known ? fmt::format("{:.3f}", bar.value) : "not known";
    svg += text_at(left + kLength + 8, y + 13, Anchor::kStart, note);
  }
  if (chart.limit)
    svg += line_from(px(*chart.limit), 26, px(*chart.limit), bottom, "#d55e00", " stroke-dasharray=\"4 3\"");
  return svg + "</svg>\n";
}

}  // namespace ledgermill::chart
