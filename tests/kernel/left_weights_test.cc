#include "scalemix/kernel/left_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

/// A layer of which about a share of the weights is left; every seventh row and column has none.
struct Layer {
  std::size_t rows, out, columns;
  std::vector<std::uint8_t> on;
  std::vector<float> x, w, b, dy;  // w: NaN where it is held, so that nobody may read it
  LeftWeights left;

  Layer(std::size_t rows, std::size_t out, std::size_t columns, double share)
      : rows(rows),
        out(out),
        columns(columns),
        on(out * columns),
        x(values(rows * columns, -1, 1, 1)),
        w(values(out * columns, -1, 1, 2)),
        b(values(out, -1, 1, 3)),
        dy(values(rows * out, -1, 1, 4)) {
    const auto keep = values(on.size(), 0, 1, 5);
    for (std::size_t i = 0; i < on.size(); ++i) {
      on[i] = keep[i] < share && i / columns % 7 != 6 && i % columns % 7 != 5;
      if (!on[i]) w[i] = NAN;
    }
    left.list(out, columns, on.data());
  }

  std::vector<float> turned(const std::vector<float>& numbers) const {
    std::vector<float> to(turned_size(rows, numbers.size() / rows), NAN);
    turn_rows(rows, numbers.size() / rows, numbers.data(), to.data());
    return to;
  }
  std::vector<float> product(const float* bias) const {
    std::vector<float> y(rows * out, NAN), turned_x = turned(x);
    left_product(left, rows, turned_x.data(), w.data(), bias, y.data());
    return y;
  }
  std::vector<float> to_input() const {
    std::vector<float> dx(rows * columns, NAN), turned_dy = turned(dy);
    left_to_input(left, rows, turned_dy.data(), w.data(), dx.data());
    return dx;
  }
  std::vector<float> to_weights() const {
    std::vector<float> dw(out * columns, 7), turned_x = turned(x), turned_dy = turned(dy);
    left_to_weights(left, rows, turned_x.data(), turned_dy.data(), dw.data());
    return dw;
  }
};

void expect_double_loops(const Layer& l) {
  const auto y = l.product(l.b.data()), plain = l.product(nullptr), dx = l.to_input(),
             dw = l.to_weights();
  std::vector<double> to_y(y.size()), to_dx(dx.size()), to_dw(dw.size());
  for (std::size_t n = 0; n < l.rows; ++n) {
    for (std::size_t i = 0; i < l.on.size(); ++i) {
      if (!l.on[i]) continue;
      const std::size_t o = i / l.columns, j = i % l.columns;
      const double w = l.w[i], x = l.x[n * l.columns + j], dy = l.dy[n * l.out + o];
      to_y[n * l.out + o] += w * x;
      to_dx[n * l.columns + j] += w * dy;
      to_dw[i] += dy * x;
    }
  }
  const auto close = [](std::size_t terms) { return 2e-7 * static_cast<double>(terms + 2); };
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(y[i], to_y[i] + l.b[i % l.out], close(l.columns)) << i;
    ASSERT_NEAR(plain[i], to_y[i], close(l.columns)) << i;
  }
  for (std::size_t i = 0; i < dx.size(); ++i) ASSERT_NEAR(dx[i], to_dx[i], close(l.out)) << i;
  for (std::size_t i = 0; i < dw.size(); ++i) {
    if (l.on[i]) {
      ASSERT_NEAR(dw[i], to_dw[i], close(l.rows)) << i;
    } else {
      ASSERT_EQ(dw[i], 7) << i;
    }
  }
}

TEST(LeftWeights, TheProductsAreTheDoubleLoopsOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t rows : {1, 2, 16, 17, 33, 48, 65, 130}) {
      for (const auto& [out, columns] :
           {std::pair<std::size_t, std::size_t>{1, 1}, {3, 9}, {16, 40}, {17, 31}, {40, 270}}) {
        for (const double share : {0.0, 0.1, 0.5, 1.0}) {
          SCOPED_TRACE(testing::Message()
                       << rows << " x " << columns << " x " << out << ", " << share);
          expect_double_loops(Layer(rows, out, columns, share));
        }
      }
    }
  });
}

TEST(LeftWeights, ThreadsChangeNoBit) {
  const Layer layer(150, 200, 300, 0.5);
  ASSERT_GT(layer.left.left(), 20000u);  // several parts
  expect_double_loops(layer);
  std::vector<std::vector<float>> y, dx, dw;
  for_some_threads([&] {
    y.push_back(layer.product(layer.b.data()));
    dx.push_back(layer.to_input());
    dw.push_back(layer.to_weights());
  });
  for (const std::size_t i : {1, 2}) {
    EXPECT_EQ(y[0], y[i]);
    EXPECT_EQ(dx[0], dx[i]);
    EXPECT_EQ(dw[0], dw[i]);
  }
}

TEST(LeftWeights, TheListHasThePlacesInOrder) {
  for (const double share : {0.0, 0.2, 1.0}) {
    const Layer layer(1, 20, 15, share);
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < layer.on.size(); ++i) {
      EXPECT_EQ(layer.left.before(i), all.size());
      if (layer.on[i]) all.push_back(i);
    }
    EXPECT_EQ(layer.left.before(layer.on.size()), all.size());
    ASSERT_EQ(layer.left.left(), all.size());
    for (std::size_t first = 0; first <= all.size(); first += 3) {
      const std::size_t last = std::min(first + 5, all.size());
      std::vector<std::uint32_t> some(last - first);
      layer.left.places(first, last, some.data());
      EXPECT_EQ(some, std::vector(all.begin() + static_cast<std::ptrdiff_t>(first),
                                  all.begin() + static_cast<std::ptrdiff_t>(last)));
    }
  }
}

TEST(LeftWeights, AreListedUntilTheyAreCleared) {
  Layer layer(1, 20, 15, 0.2);
  EXPECT_FALSE(LeftWeights().listed());
  EXPECT_TRUE(layer.left.listed());
  const std::size_t before = layer.left.left();
  layer.left.list(20, 15, std::vector<std::uint8_t>(300, 1).data());  // anew, with more of them
  EXPECT_GT(layer.left.left(), before);
  EXPECT_EQ(layer.left.left(), 300u);
  layer.left.clear();
  EXPECT_FALSE(layer.left.listed());
}

}  // namespace
}  // namespace scalemix::kernel
