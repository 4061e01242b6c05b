#include "scalemix/report/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>
#include <stdexcept>

namespace scalemix::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

Figure one(Panel panel) { return {"", {std::move(panel)}, 1}; }

TEST(ScaleTest, TakesItsEndsFromTheDataOrFromItsAuthor) {
  const std::vector<double> values = {3, kNaN, -1, 7};
  const Scale data = scale_of({}, values, 0);
  EXPECT_EQ(data.lo, -1);
  EXPECT_EQ(data.hi, 7);
  const Scale author = scale_of({"", false, 0.0, {}}, values, 0.25);
  EXPECT_EQ(author.lo, 0);
  EXPECT_EQ(author.hi, 7 + 7 * 0.25);
  EXPECT_EQ(author.at(0), 0);
  const Scale log = scale_of({"", true}, std::vector<double>{-5, 0, 10, 1000}, 0);
  EXPECT_EQ(log.lo, 10);
  EXPECT_NEAR(log.at(100), 0.5, 1e-12);
}

TEST(ScaleTest, HasARangeEvenWhereTheDataHasNone) {
  for (const bool log : {false, true}) {
    for (const std::vector<double>& values :
         {std::vector<double>{}, {0.0}, {3.0, 3.0}, {-2.0}, {kNaN}}) {
      const Scale scale = scale_of({"", log}, values, 0.04);
      EXPECT_LT(scale.lo, scale.hi);
      EXPECT_GE(ticks(scale).size(), 2u) << log;
    }
  }
}

TEST(ScaleTest, RefusesEndsThatAreNone) {
  const std::vector<double> values = {1, 2};
  EXPECT_THROW(scale_of({"", false, 2.0, 1.0}, values, 0), std::domain_error);
  EXPECT_THROW(scale_of({"", true, 0.0, 1.0}, values, 0), std::domain_error);
  EXPECT_THROW(scale_of({"", false, kNaN, {}}, values, 0), std::domain_error);
}

TEST(TickTest, StandOnRoundNumbersWithinTheAxis) {
  EXPECT_THAT(ticks({0, 1, false}, 5), ElementsAre(0, 0.2, 0.4, testing::DoubleEq(0.6), 0.8, 1));
  EXPECT_THAT(ticks({1e-3, 1e2, true}),
              ElementsAre(testing::DoubleEq(1e-3), testing::DoubleEq(1e-2), testing::DoubleEq(0.1),
                          1, 10, 100));
  EXPECT_THAT(ticks({1, 20, true}), ElementsAre(1, 2, 5, 10, 20));
  for (const Scale& scale : {Scale{-3.7, 11.2, false}, Scale{1e-38, 1e38, true},
                             Scale{0.98, 1.01, true}, Scale{1e-9, 3e-9, false}}) {
    const std::vector<double> all = ticks(scale);
    EXPECT_GE(all.size(), 2u);
    EXPECT_LE(all.size(), 9u);
    for (const double tick : all) {
      EXPECT_GE(scale.at(tick), -1e-6);
      EXPECT_LE(scale.at(tick), 1 + 1e-6);
    }
  }
}

TEST(TickTest, AreShortText) {
  EXPECT_EQ(tick_text(0), "0");
  EXPECT_EQ(tick_text(3 * 0.1), "0.3");
  EXPECT_EQ(tick_text(1e-30), "1e-30");
  EXPECT_EQ(tick_text(-2.5e7), "-2.5e7");
  EXPECT_EQ(tick_text(1000), "1000");
}

TEST(SvgTest, DrawsACurveWhereTheNumbersSay) {
  Panel panel{"title", {"x", false, 0.0, 2.0}, {"y", false, 0.0, 1.0}, {}, {}};
  panel.series = {{"a", {0, 1, 2}, {0, 1, 0.5}}};
  const std::string text = svg(one(panel));
  std::smatch found;
  ASSERT_TRUE(std::regex_search(
      text, found,
      std::regex(
          "polyline points=\"([0-9.]+),([0-9.]+) ([0-9.]+),([0-9.]+) ([0-9.]+),([0-9.]+)\"")));
  const auto number = [&](int i) { return std::stod(found[i]); };
  EXPECT_NEAR(number(3) - number(1), number(5) - number(3), 0.11);
  EXPECT_NEAR(number(2) - number(6), (number(2) - number(4)) / 2, 0.11);
  EXPECT_GT(number(2), number(4));  // SVG counts downwards
}

TEST(SvgTest, BreaksLinesWhereThereIsNoPlace) {
  Panel panel;
  panel.y.log = true;
  panel.series = {{"a", {0, 1, 2, 3, 4, 5}, {1, 2, kNaN, 3, 0, 4}, {}, Style::both}};
  const std::string text = svg(one(panel));
  EXPECT_EQ(count(text, "<polyline"), 3u);
  EXPECT_EQ(count(text, "r=\"2.6\""), 4u + 1u);  // and the legend's
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, Not(HasSubstr("inf")));
}

TEST(SvgTest, DrawsErrorBarsAndEscapesWords) {
  Panel panel{"a < b & c", {}, {}, {{"s", {1, 2}, {1, 2}, {0.5, 0}, Style::points}}, {}};
  const std::string text = svg(one(panel));
  EXPECT_THAT(text, HasSubstr("a &lt; b &amp; c"));
  EXPECT_EQ(count(text, "y2=\"") - count(text, "class=\"grid\""), 1u);
  EXPECT_EQ(count(text, "<polyline"), 0u);
}

TEST(SvgTest, ColoursAHeatMapAndItsBar) {
  Panel panel;
  panel.heat = HeatMap{"z", {0, 1}, {0, 1, 2}, {0, 1, 0, 1, kNaN, 0.5}, {}, {}};
  const std::string text = svg(one(panel));
  EXPECT_EQ(count(text, "fill=\"#440154\" class=\"cell\""), 1u);  // equal neighbours are one
  EXPECT_EQ(count(text, "fill=\"#fde725\" class=\"cell\""), 1u);
  EXPECT_EQ(count(text, "class=\"cell\""), 3u + 40u);
}

TEST(SvgTest, LegendTakesTheLinesItNeeds) {
  Panel narrow, wide;
  for (int i = 0; i < 9; ++i) {
    wide.series.push_back({"a rather long label " + std::to_string(i), {0, 1}, {0, 1}});
  }
  narrow.series = {wide.series[0]};
  const std::regex height("height=\"([0-9]+)\" viewBox");
  std::smatch a, b;
  const std::string small = svg(one(narrow)), large = svg(one(wide));
  ASSERT_TRUE(std::regex_search(small, a, height) && std::regex_search(large, b, height));
  EXPECT_GE(std::stod(b[1]), std::stod(a[1]) + 3 * 17);
}

TEST(SvgTest, RefusesLengthsThatDoNotFit) {
  Panel panel;
  panel.series = {{"a", {0, 1}, {0}}};
  EXPECT_THROW(svg(one(panel)), std::invalid_argument);
  panel.series = {{"a", {0, 1}, {0, 1}, {1}}};
  EXPECT_THROW(svg(one(panel)), std::invalid_argument);
  panel.series.clear();
  panel.heat = HeatMap{"z", {0, 1}, {0}, {1}, {}, {}};
  EXPECT_THROW(csv(one(panel)), std::invalid_argument);
  EXPECT_THROW(svg({"", {}, 0}), std::invalid_argument);
  EXPECT_THAT(svg({"", {}, 2}), HasSubstr("</svg>"));
}

TEST(CsvTest, HoldsEveryPointAndCell) {
  Panel panel{"p", {}, {}, {{"a, b", {0, 1}, {0.1, 2}, {0.5, 0.25}}, {"c", {3}, {kNaN}}}, {}};
  panel.heat = HeatMap{"z", {7, 8}, {9}, {1, 2}, {}, {}};
  EXPECT_EQ(csv(one(panel)),
            "panel,series,x,y,error,z\n"
            "p,z,7,9,,1\n"
            "p,z,8,9,,2\n"
            "p,\"a, b\",0,0.1,0.5,\n"
            "p,\"a, b\",1,2,0.25,\n"
            "p,c,3,nan,,\n");
}

}  // namespace
}  // namespace scalemix::report
