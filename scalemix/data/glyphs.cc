// Digits drawn with a random hand: strokes in a unit box, bent by a smooth wave, turned, sheared,
// scaled and shifted, inked with a random pen, then cluttered with stray marks and pixel noise.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "scalemix/base/check.h"
#include "scalemix/base/parallel.h"
#include "scalemix/data/generate.h"
#include "scalemix/data/row_draws.h"

namespace scalemix::inline v0::data {
namespace {

using std::numbers::pi;

constexpr int kSide = 28, kPixels = kSide * kSide;

struct Point {
  double x, y;  // y grows downwards
};
using Stroke = std::vector<Point>;
using Glyph = std::vector<Stroke>;

/// Points of an ellipse's arc; degrees grow clockwise from the right.
Stroke arc(Point centre, double rx, double ry, double from, double to) {
  constexpr int kPieces = 18;
  Stroke stroke;
  for (int i = 0; i <= kPieces; ++i) {
    const double a = (from + (to - from) * i / kPieces) * pi / 180;
    stroke.push_back({centre.x + rx * std::cos(a), centre.y + ry * std::sin(a)});
  }
  return stroke;
}

/// One stroke through both.
Stroke join(Stroke first, const Stroke& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Glyph turned_half(Glyph glyph) {
  for (Stroke& stroke : glyph) {
    for (Point& p : stroke) p = {1 - p.x, 1 - p.y};
  }
  return glyph;
}

/// The ten digits in the unit box, in the form taught at school.
std::vector<Glyph> digits() {
  const Glyph six = {arc({0.74, 0.64}, 0.48, 0.54, 258, 180), arc({0.5, 0.66}, 0.24, 0.24, 0, 360)};
  return {
      {arc({0.5, 0.5}, 0.27, 0.4, 0, 360)},
      {{{0.34, 0.3}, {0.54, 0.1}, {0.54, 0.9}}},
      {join(arc({0.5, 0.33}, 0.25, 0.23, 190, 400), {{0.24, 0.9}, {0.78, 0.9}})},
      {arc({0.46, 0.3}, 0.25, 0.2, 200, 450), arc({0.46, 0.7}, 0.28, 0.2, 270, 520)},
      {{{0.6, 0.1}, {0.22, 0.64}, {0.8, 0.64}}, {{0.62, 0.38}, {0.62, 0.92}}},
      {{{0.74, 0.1}, {0.33, 0.1}, {0.29, 0.48}}, arc({0.48, 0.66}, 0.27, 0.24, 225, 510)},
      six,
      {{{0.24, 0.1}, {0.76, 0.1}, {0.42, 0.9}}},
      {arc({0.5, 0.3}, 0.2, 0.2, 0, 360), arc({0.5, 0.7}, 0.25, 0.21, 0, 360)},
      turned_half(six),
  };
}

const Stroke kBarOfSeven = {{0.38, 0.5}, {0.7, 0.5}};

/// From the unit box to pixels.
class Pose {
 public:
  explicit Pose(RowDraws& draw) {
    const double turn = draw.uniform(-0.35, 0.35), shear = draw.uniform(-0.3, 0.3);
    const double width = draw.uniform(14, 24), height = draw.uniform(16, 24);
    const double c = std::cos(turn), s = std::sin(turn);
    xx_ = c * width, xy_ = (c * shear - s) * height;
    yx_ = s * width, yy_ = (s * shear + c) * height;
    shift_ = {kSide / 2.0 + draw.uniform(-2.5, 2.5), kSide / 2.0 + draw.uniform(-2.5, 2.5)};
    bend_ = {draw.uniform(-0.06, 0.06), draw.uniform(-0.06, 0.06)};
    phase_ = {draw.uniform(0, 2 * pi), draw.uniform(0, 2 * pi)};
  }

  Point operator()(Point p) const {
    const double x = p.x - 0.5 + bend_.x * std::sin(5 * p.y + phase_.x);
    const double y = p.y - 0.5 + bend_.y * std::sin(5 * p.x + phase_.y);
    return {shift_.x + xx_ * x + xy_ * y, shift_.y + yx_ * x + yy_ * y};
  }

 private:
  double xx_, xy_, yx_, yy_;
  Point shift_, bend_, phase_;
};

double distance(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
  const double t =
      length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/// Inks a line with a round pen of the given radius; the edge fades over one pixel.
void line(float* image, Point a, Point b, double radius, double ink) {
  const double reach = radius + 1;
  const auto low = [&](double u, double v) {
    return std::max(0, static_cast<int>(std::floor(std::min(u, v) - reach)));
  };
  const auto high = [&](double u, double v) {
    return std::min(kSide - 1, static_cast<int>(std::ceil(std::max(u, v) + reach)));
  };
  for (int row = low(a.y, b.y); row <= high(a.y, b.y); ++row) {
    for (int column = low(a.x, b.x); column <= high(a.x, b.x); ++column) {
      const double d = distance({column + 0.5, row + 0.5}, a, b);
      const auto value = static_cast<float>(ink * std::clamp(radius + 0.5 - d, 0.0, 1.0));
      float& pixel = image[row * kSide + column];
      pixel = std::max(pixel, value);
    }
  }
}

void write(float* image, const Stroke& stroke, const Pose& pose, double radius, double ink) {
  for (std::size_t i = 1; i < stroke.size(); ++i) {
    line(image, pose(stroke[i - 1]), pose(stroke[i]), radius, ink);
  }
}

void stray_marks(float* image, RowDraws& draw) {
  for (int i = 0; i < 3; ++i) {
    const Point a = {draw.uniform(0, kSide), draw.uniform(0, kSide)};
    const double angle = draw.uniform(0, 2 * pi), length = draw.uniform(2, 8);
    const double ink = draw.uniform(40, 200);
    const Point b = {a.x + length * std::cos(angle), a.y + length * std::sin(angle)};
    if (draw.uniform() < 0.5) line(image, a, b, draw.uniform(0.3, 0.8), ink);
  }
}

/// One normal a pixel from half as many pairs of uniforms: both values of each pair are used.
void grain(float* image, RowDraws& draw) {
  const double sd = draw.uniform(4, 24);
  for (int i = 0; i < kPixels; i += 2) {
    const double radius = sd * std::sqrt(-2 * std::log(draw.uniform()));
    const double angle = draw.uniform(0, 2 * pi);
    const double noise[2] = {radius * std::cos(angle), radius * std::sin(angle)};
    for (int k = 0; k < 2; ++k) {
      image[i + k] =
          static_cast<float>(std::round(std::clamp(image[i + k] + noise[k], 0.0, 255.0)));
    }
  }
}

/// The digit of a row: every ten rows hold each digit once, in random order.
int digit_of(std::uint64_t seed, std::size_t row) {
  int order[10];
  std::iota(order, order + 10, 0);
  const Stream stream{seed,
                      stream_id(Purpose::generate, static_cast<std::uint32_t>(Generator::glyphs)),
                      1};  // draw 1: draw 0 makes the images
  for (int last = 9; last > 0; --last) {
    const double u = stream.uniform(row / 10 * 16 + static_cast<std::uint64_t>(last));
    std::swap(order[last], order[static_cast<int>(u * (last + 1))]);
  }
  return order[row % 10];
}

void draw_glyph(float* image, int digit, std::uint64_t seed, std::size_t row) {
  static const std::vector<Glyph> all = digits();
  RowDraws draw(seed, Generator::glyphs, row);
  const Pose pose(draw);
  const double radius = draw.uniform(0.5, 1.7), ink = draw.uniform(130, 255);
  const bool barred = draw.uniform() < 0.5;
  for (const Stroke& stroke : all[static_cast<std::size_t>(digit)]) {
    write(image, stroke, pose, radius, ink);
  }
  if (digit == 7 && barred) write(image, kBarOfSeven, pose, radius, ink);
  stray_marks(image, draw);
  grain(image, draw);
}

}  // namespace

Dataset glyphs(std::size_t rows, std::uint64_t seed) {
  check_rows("glyphs", rows, kPixels);
  Dataset data;
  data.name = "glyphs";
  data.task = Task::classification;
  data.shape = {1, kSide, kSide};
  for (int d = 0; d < 10; ++d) data.classes.push_back(std::to_string(d));
  data.x.assign(rows * kPixels, 0);
  data.label.resize(rows);
  constexpr std::size_t kTile = 64;
  parallel_tiles((rows + kTile - 1) / kTile, [&](std::size_t tile) {
    for (std::size_t i = tile * kTile; i < std::min(rows, (tile + 1) * kTile); ++i) {
      data.label[i] = digit_of(seed, i);
      draw_glyph(data.x.data() + i * kPixels, data.label[i], seed, i);
    }
  });
  Split split;
  split.train.resize(rows - (rows + 6) / 7);
  split.test.resize((rows + 6) / 7);
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(split.train.size()));
  data.splits = {split};
  return data;
}

}  // namespace scalemix::inline v0::data
