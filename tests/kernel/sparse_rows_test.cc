#include "scalemix/kernel/sparse_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

struct Case {
  std::size_t rows, columns, out;
  double share;  // of the numbers that are not the base's
};

const std::vector<Case> kCases = {{1, 1, 1, 1},        {3, 5, 7, 0.5},     {5, 64, 31, 0.2},
                                  {7, 130, 33, 0},     {100, 97, 64, 0.2}, {129, 70, 65, 0.3},
                                  {257, 33, 100, 0.9}, {40, 17, 130, 0.1}};

/// Rows with their base, everything that the products take, and what they must give.
struct Data {
  Case c;
  std::vector<float> base, x, w, sigma2, b, dy, dvar, memory;

  explicit Data(const Case& c)
      : c(c),
        base(values(c.columns, -1, 1, 1)),
        x(c.rows * c.columns),
        w(values(c.out * c.columns, -1, 1, 3)),
        sigma2(values(c.out * c.columns, 0, 1, 4)),
        b(values(c.out, -1, 1, 5)),
        dy(values(c.rows * c.out, -1, 1, 6)),
        dvar(values(c.rows * c.out, -1, 1, 7)),
        memory(SparseRows::memory(c.rows, c.columns)) {
    for (std::size_t j = 0; j < c.columns; j += 3) base[j] = 0;
    const std::vector<float> other = values(x.size(), -1, 1, 2), pick = values(x.size(), 0, 1, 8);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = pick[i] < c.share ? other[i] : base[i % c.columns];
    }
  }
  SparseRows marked(bool squares = true) {
    SparseRows rows(c.rows, c.columns, memory.data());
    rows.mark(x.data(), base.data(), squares);
    return rows;
  }

  /// sum of x^power w over columns, (rows, out)
  std::vector<double> product(const std::vector<float>& w, int power) const {
    std::vector<double> y(c.rows * c.out);
    for (std::size_t n = 0; n < c.rows; ++n) {
      for (std::size_t o = 0; o < c.out; ++o) {
        for (std::size_t j = 0; j < c.columns; ++j) {
          y[n * c.out + o] += std::pow(double{x[n * c.columns + j]}, power) * w[o * c.columns + j];
        }
      }
    }
    return y;
  }
  /// sum of dy x^power over rows, (out, columns)
  std::vector<double> gradient(const std::vector<float>& dy, int power) const {
    std::vector<double> dw(c.out * c.columns);
    for (std::size_t n = 0; n < c.rows; ++n) {
      for (std::size_t o = 0; o < c.out; ++o) {
        for (std::size_t j = 0; j < c.columns; ++j) {
          dw[o * c.columns + j] +=
              std::pow(double{x[n * c.columns + j]}, power) * dy[n * c.out + o];
        }
      }
    }
    return dw;
  }
};

/// Of sums of `terms` products of numbers of about 1.
void expect_near(const std::vector<float>& got, const std::vector<double>& want,
                 std::size_t terms) {
  ASSERT_EQ(got.size(), want.size());
  const double bound = 4e-7 * static_cast<double>(terms + 4);
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], bound) << i;
}

TEST(SparseRows, ProductsAreThoseOfTheDenseRowsOnEveryTarget) {
  for_every_target([] {
    for (const Case& c : kCases) {
      SCOPED_TRACE(testing::Message() << c.rows << " x " << c.columns << " to " << c.out);
      Data d(c);
      const SparseRows rows = d.marked();
      std::vector<float> y(c.rows * c.out, NAN), var = y, plain = y, unbiased = y;
      sparse_moments(rows, c.out, d.w.data(), d.b.data(), d.sigma2.data(), y.data(), var.data());
      d.marked(false);
      sparse_product(rows, c.out, d.w.data(), d.b.data(), plain.data());
      sparse_product(rows, c.out, d.w.data(), nullptr, unbiased.data());
      std::vector<double> mean = d.product(d.w, 1);
      expect_near(unbiased, mean, c.columns);
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += d.b[i % c.out];
      expect_near(plain, mean, c.columns);
      expect_near(y, mean, c.columns);
      expect_near(var, d.product(d.sigma2, 2), c.columns);
    }
  });
}

TEST(SparseRows, GradientsAreThoseOfTheDenseRowsOnEveryTarget) {
  for_every_target([] {
    for (const Case& c : kCases) {
      SCOPED_TRACE(testing::Message() << c.rows << " x " << c.columns << " to " << c.out);
      Data d(c);
      const SparseRows rows = d.marked();
      std::vector<float> dw(c.out * c.columns, NAN), dsigma2 = dw, plain = dw;
      sparse_moments_to_weights(rows, d.base.data(), c.out, d.dy.data(), d.dvar.data(), dw.data(),
                                dsigma2.data());
      d.marked(false);
      sparse_to_weights(rows, d.base.data(), c.out, d.dy.data(), plain.data());
      expect_near(plain, d.gradient(d.dy, 1), c.rows);
      expect_near(dw, d.gradient(d.dy, 1), c.rows);
      expect_near(dsigma2, d.gradient(d.dvar, 2), c.rows);
    }
  });
}

TEST(SparseRows, ThreadsChangeNoBit) {
  Data d({129, 70, 300, 0.3});
  std::vector<std::vector<float>> ends;
  for_some_threads([&] {
    const SparseRows rows = d.marked();
    std::vector<float> all(2 * (129 + 70) * 300);
    float *y = all.data(), *var = y + 129 * 300, *dw = var + 129 * 300, *ds = dw + 70 * 300;
    sparse_moments(rows, 300, d.w.data(), d.b.data(), d.sigma2.data(), y, var);
    sparse_moments_to_weights(rows, d.base.data(), 300, d.dy.data(), d.dvar.data(), dw, ds);
    ends.push_back(all);
  });
  EXPECT_EQ(ends[0], ends[1]);
  EXPECT_EQ(ends[0], ends[2]);
}

TEST(SparseRows, AVarianceIsNeverBelowZeroAndKeepsNaN) {
  // The base's variance is large and what is marked takes it off again, to the last bit or so.
  const std::size_t columns = 300, out = 64, rows = 8;
  const auto base = values(columns, 1, 3, 1), sigma2 = values(out * columns, 0, 1, 2);
  for (const double size : {1e-12, 3e-4, 3e-3}) {
    std::vector<float> x = values(rows * columns, -size, size, 3);
    std::vector<float> memory(SparseRows::memory(rows, columns)), y(rows * out), var(rows * out);
    x.back() = NAN;
    const SparseRows marked(rows, columns, memory.data());
    marked.mark(x.data(), base.data(), true);
    sparse_moments(marked, out, sigma2.data(), nullptr, sigma2.data(), y.data(), var.data());
    for (std::size_t i = 0; i < (rows - 1) * out; ++i) {
      EXPECT_GE(var[i], 0);
      EXPECT_LT(var[i], 1e-2);
    }
    for (std::size_t o = 0; o < out; ++o) EXPECT_TRUE(std::isnan(var[(rows - 1) * out + o]));
  }
}

TEST(SparseRows, MarksWhatDiffersAndNothingElse) {
  for_every_target([] {
    Data d({130, 70, 1, 0.25});
    const SparseRows rows = d.marked();
    for (std::size_t n = 0; n < 130; ++n) {
      for (std::size_t j = 0; j < 70; ++j) {
        const bool differs = d.x[n * 70 + j] != d.base[j];
        ASSERT_EQ(rows.row(n, j / 64).bits >> (j % 64) & 1, differs) << n << ", " << j;
        ASSERT_EQ(rows.column(n / 128, j, n % 128 / 64).bits >> (n % 64) & 1, differs);
      }
    }
    for (std::size_t j = 0; j < 70; ++j) {
      EXPECT_EQ(rows.row(130, j / 64).bits >> (j % 64) & 1, d.base[j] != 0);
    }
  });
}

}  // namespace
}  // namespace scalemix::kernel
