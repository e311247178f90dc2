// SPDX-License-Identifier: Apache-2.0
#include "chart/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace ledgermill::chart {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

HeatMap two_by_two() {
  return {"confusion",
          "truth",
          "said",
          {"clean", "faulty"},
          {"clean", "faulty"},
          {{9950, 12}, {7, 31}},
          HeatMap::Numbers::kCounts};
}

TEST(HeatMap, ShowsEveryNumberOnce) {
  const std::string svg = heat_map(two_by_two());
  for (const char* number : {">9950<", ">12<", ">7<", ">31<"}) EXPECT_EQ(count(svg, number), 1U) << number;
  EXPECT_EQ(count(svg, "<svg "), 1U);
  EXPECT_EQ(count(svg, "</svg>"), 1U);
}

TEST(HeatMap, TextsCannotBreakOutOfTheDrawing) {
  HeatMap map = two_by_two();
  map.rows[0] = "</text><script>alert(1)</script>\"'&\x01\xff";
  const std::string svg = heat_map(map);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_EQ(svg.find('\x01'), std::string::npos);
  EXPECT_EQ(svg.find('\xff'), std::string::npos);
}

TEST(HeatMap, WhatIsNoNumberHasNoText) {
  HeatMap map = two_by_two();
  map.values[0][0] = std::nan("");
  EXPECT_EQ(count(heat_map(map), ">nan<"), 0U);
}

TEST(LineChart, NothingToDrawIsStillADrawing) {
  const std::string svg = line_chart({.title = "nothing", .x_axis = "x", .y_axis = "y"});
  EXPECT_EQ(count(svg, "</svg>"), 1U);
  EXPECT_EQ(count(svg, "<path"), 0U);
}

TEST(LineChart, AGapBreaksTheLine) {
  LineChart chart{.title = "t", .x_axis = "x", .y_axis = "y"};
  chart.series.push_back({"s", {{0, 1}, {1, 2}, {2, std::nan("")}, {3, 2}, {4, 1}}});
  const std::string svg = line_chart(chart);
  const auto path = svg.substr(svg.find("<path d=\"") + 9);
  EXPECT_EQ(count(path.substr(0, path.find('"')), "M"), 2U);
}

TEST(LineChart, AConstantIsDrawnInside) {
  LineChart chart{.title = "t", .x_axis = "x", .y_axis = "y"};
  chart.series.push_back({"s", {{5, 7}, {5, 7}}});
  EXPECT_EQ(line_chart(chart).find("nan"), std::string::npos);
}

TEST(BarChart, LengthIsByValue) {
  BarChart chart{.title = "t", .bars = {{"half", 0.5, ""}, {"full", 1, ""}}, .most = 1};
  const std::string svg = bar_chart(chart);
  EXPECT_EQ(count(svg, "width=\"150.0\""), 1U);
  EXPECT_EQ(count(svg, "width=\"300.0\""), 1U);
}

TEST(Escaped, KeepsUtf8AndRefusesHalfOfIt) {
  EXPECT_EQ(escaped("Zürich €"), "Zürich €");
  EXPECT_EQ(escaped("Z\xc3"), "Z?");
  EXPECT_EQ(escaped("\xed\xa0\x80"), "???");  // a surrogate is no character
}

}  // namespace
}  // namespace ledgermill::chart
