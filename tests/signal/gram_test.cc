#include "scalemix/signal/gram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "scalemix/base/error.h"
#include "scalemix/base/parallel.h"
#include "scalemix/random/stream.h"
#include "scalemix/signal/moments.h"

namespace scalemix::signal {
namespace {

using std::sqrt;
using testing::HasSubstr;

struct Rows {
  std::size_t rows, columns;
  std::vector<double> values;
  operator RowsView() const { return {values.data(), rows, columns}; }
};

/// Rows whose norms differ.
Rows some_rows(std::size_t rows, std::size_t columns, std::uint64_t seed = 1) {
  const Stream stream{.seed = seed};
  Rows x{rows, columns, std::vector<double>(rows * columns)};
  for (std::size_t i = 0; i < rows * columns; ++i) {
    x.values[i] = (2 * stream.uniform(i) - 1) * (1 + static_cast<double>(i / columns % 5));
  }
  return x;
}

struct Kernels {
  std::vector<double> nngp, ntk;
};

Kernels kernels(const GramOptions& o, const Rows& x) {
  Kernels out{std::vector<double>(x.rows * x.rows), std::vector<double>(x.rows * x.rows)};
  gram(o, x, {out.nngp.data(), out.ntk.data()});
  return out;
}
Kernels kernels(const GramOptions& o, const Rows& x, const Rows& y) {
  Kernels out{std::vector<double>(x.rows * y.rows), std::vector<double>(x.rows * y.rows)};
  gram(o, x, y, {out.nngp.data(), out.ntk.data()});
  return out;
}

/// One entry by the recursion in the head of gram.h, each moment by moments.h.
struct Entry {
  double nngp, ntk;
};
Entry by_recursion(const GramOptions& o, const Rows& x, std::size_t i, std::size_t j, bool same) {
  const auto dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t c = 0; c < x.columns; ++c) {
      sum += x.values[a * x.columns + c] * x.values[b * x.columns + c];
    }
    return o.sigma_w2 * sum / static_cast<double>(x.columns);
  };
  const double in = o.noise_input ? o.mu2 : 1;
  double q1 = in * dot(i, i) + o.sigma_b2, q2 = in * dot(j, j) + o.sigma_b2;
  double k = same ? q1 : dot(i, j) + o.sigma_b2, t = k;
  for (std::size_t l = 0; l < o.depth; ++l) {
    const bool skip = o.residual && l + 1 < o.depth;
    const double scale = skip ? *o.residual * *o.residual : 1;
    const double c = q1 > 0 && q2 > 0 ? std::clamp(k / sqrt(q1) / sqrt(q2), -1.0, 1.0) : 0;
    const double m = same ? o.mu2 : 1;
    const double both = same ? second(o.activation, q1) : product(o.activation, q1, q2, c);
    const double slopes =
        same ? slope_second(o.activation, q1) : slope_product(o.activation, q1, q2, c);
    const double added = scale * (m * o.sigma_w2 * both + o.sigma_b2);
    t = (skip ? t : 0) + added + scale * m * o.sigma_w2 * t * slopes;
    k = (skip ? k : 0) + added;
    for (double* q : {&q1, &q2}) {
      *q = (skip ? *q : 0) + scale * (o.mu2 * o.sigma_w2 * second(o.activation, *q) + o.sigma_b2);
    }
  }
  return {k, t};
}

void expect_recursion(const GramOptions& o, const Rows& x, double tolerance) {
  const Kernels got = kernels(o, x);
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (std::size_t j = 0; j < x.rows; ++j) {
      const Entry want = by_recursion(o, x, i, j, i == j);
      const Entry a = by_recursion(o, x, i, i, true), b = by_recursion(o, x, j, j, true);
      ASSERT_NEAR(got.nngp[i * x.rows + j], want.nngp, tolerance * sqrt(a.nngp * b.nngp))
          << o.activation.spec() << " " << i << " " << j;
      ASSERT_NEAR(got.ntk[i * x.rows + j], want.ntk, tolerance * sqrt(a.ntk * b.ntk))
          << o.activation.spec() << " " << i << " " << j;
    }
  }
}

GramOptions options(const std::string& activation, std::size_t depth = 3) {
  GramOptions o;
  o.activation = Activation::parse(activation);
  o.depth = depth;
  o.sigma_w2 = 1.7;
  o.sigma_b2 = 0.1;
  o.mu2 = 1.25;
  return o;
}

const Rows kThree{3, 4, {1, .5, -.25, 2, .3, -1, .7, 1.1, -.5, .8, 1.2, -.4}};

// An independent port of the recursion in Neural Tangents' documentation (its stax.Dense, Relu, Erf
// and Dropout with keep rate 0.8), to ten digits.
TEST(Gram, AgreesWithThePublishedRecursionForReluAndErf) {
  GramOptions o = options("relu");
  o.sigma_w2 = 2;
  o.sigma_b2 = 0.5;
  const Kernels relu = kernels(o, kThree);
  const std::vector<double> relu_nngp = {8.0708007813, 3.8129331906, 3.3420065342,
                                         3.8129331906, 5.607421875,  2.9699300127,
                                         3.3420065342, 2.9699300127, 5.314453125};
  const std::vector<double> relu_ntk = {28.751953125, 7.3607383717, 5.2875213421,
                                        7.3607383717, 18.8984375,   4.9315136737,
                                        5.2875213421, 4.9315136737, 17.7265625};
  o.activation = Activation::parse("erf");
  o.sigma_w2 = 1.5 * 1.5;
  o.sigma_b2 = 0.09;
  const Kernels erf = kernels(o, kThree);
  const std::vector<double> erf_nngp = {1.6818330285, 0.4333528363, 0.0551387431,
                                        0.4333528363, 1.659159518,  0.1222638675,
                                        0.0551387431, 0.1222638675, 1.6541742743};
  const std::vector<double> erf_ntk = {11.5118283132, 1.3574710239,  -0.2074610193,
                                       1.3574710239,  10.2057784966, 0.0586050735,
                                       -0.2074610193, 0.0586050735,  9.9993315203};
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(relu.nngp[i], relu_nngp[i], 6e-11);
    EXPECT_NEAR(relu.ntk[i], relu_ntk[i], 6e-10);
    EXPECT_NEAR(erf.nngp[i], erf_nngp[i], 6e-11);
    EXPECT_NEAR(erf.ntk[i], erf_ntk[i], 6e-10);
  }
}

TEST(Gram, ClosedFormsAgreeWithTheRecursionBySingleMoments) {
  for (const char* phi : {"relu", "leaky_relu:slope=0.2", "leaky_relu:slope=-0.5", "linear", "erf",
                          "erf:b=3", "gelu", "sine"}) {
    for (const std::size_t depth : {0, 1, 2, 7}) {
      expect_recursion(options(phi, depth), some_rows(9, 5), 1e-13);
    }
  }
}

TEST(Gram, OtherActivationsAgreeWithTheRecursionBySingleMoments) {
  for (const char* phi : {"tanh", "sigmoid", "silu", "elu", "hard_tanh"}) {
    expect_recursion(options(phi, 2), some_rows(4, 5), 1e-11);
  }
}

TEST(Gram, GivesLargeVariancesToQuadratureWhereASeriesWouldNotEnd) {
  Rows x = some_rows(2, 3);
  for (double& v : x.values) v *= 100;
  expect_recursion(options("tanh", 2), x, 1e-11);
}

TEST(Gram, TakesNoiseOnTheInputAndResidualBranches) {
  for (const char* phi : {"relu", "erf", "tanh"}) {
    GramOptions o = options(phi);
    o.noise_input = true;
    expect_recursion(o, some_rows(4, 5), 1e-11);
    o.residual = 0.6;
    expect_recursion(o, some_rows(4, 5), 1e-11);
    o.depth = 1;
    expect_recursion(o, some_rows(4, 5), 1e-11);
  }
}

TEST(Gram, CrossBlockIsTheMatrixOfAllRowsWithoutItsDiagonal) {
  for (const char* phi : {"relu", "gelu", "tanh"}) {
    const GramOptions o = options(phi, 2);
    const Rows all = some_rows(7, 4);
    const Rows top{3, 4, {all.values.begin(), all.values.begin() + 12}};
    const Rows rest{4, 4, {all.values.begin() + 12, all.values.end()}};
    const Kernels whole = kernels(o, all), cross = kernels(o, top, rest);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_NEAR(cross.nngp[i * 4 + j], whole.nngp[i * 7 + 3 + j], 1e-13);
        EXPECT_NEAR(cross.ntk[i * 4 + j], whole.ntk[i * 7 + 3 + j], 1e-12);
      }
    }
  }
}

TEST(Gram, EqualRowsAreDifferentInputsWithNoiseOfTheirOwn) {
  const Rows x{2, 3, {1, 2, 3, 1, 2, 3}};
  const GramOptions o = options("relu");
  const Kernels noisy = kernels(o, x);
  EXPECT_LT(noisy.nngp[1], 0.9 * noisy.nngp[0]);
  const Kernels cross = kernels(o, x, x);
  EXPECT_NEAR(cross.nngp[0], noisy.nngp[1], 1e-14);
  EXPECT_NEAR(cross.ntk[0], noisy.ntk[1], 1e-14);
  GramOptions plain = o;
  plain.mu2 = 1;
  const Kernels quiet = kernels(plain, x);
  EXPECT_NEAR(quiet.nngp[1], quiet.nngp[0], 1e-14);
  EXPECT_NEAR(quiet.ntk[1], quiet.ntk[0], 1e-7);  // the slope of arccos has a root at 1
}

TEST(Gram, IsOneMatrixForAnyNumberOfThreads) {
  const Rows x = some_rows(300, 17);
  for (const char* phi : {"relu", "sine"}) {
    const GramOptions o = options(phi);
    const int before = threads();
    set_threads(1);
    const Kernels one = kernels(o, x);
    set_threads(3);
    const Kernels three = kernels(o, x);
    set_threads(before);
    EXPECT_EQ(one.nngp, three.nngp);
    EXPECT_EQ(one.ntk, three.ntk);
    for (std::size_t i = 0; i < x.rows; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        ASSERT_EQ(one.nngp[i * x.rows + j], one.nngp[j * x.rows + i]);
        ASSERT_EQ(one.ntk[i * x.rows + j], one.ntk[j * x.rows + i]);
      }
    }
  }
}

TEST(Gram, TilesMeetWithoutASeam) {
  for (const std::size_t n : {1, 2, 127, 128, 129, 260}) {
    expect_recursion(options("relu"), some_rows(n, 3), 1e-13);
  }
}

TEST(Gram, OneKernelAloneIsTheSameAsBoth) {
  const Rows x = some_rows(130, 6), y = some_rows(140, 6, 2);
  for (const char* phi : {"relu", "sine"}) {
    const GramOptions o = options(phi);
    const Kernels both = kernels(o, x), cross = kernels(o, x, y);
    std::vector<double> alone(x.rows * x.rows), other(x.rows * y.rows);
    gram(o, x, {nullptr, alone.data()});
    EXPECT_EQ(alone, both.ntk);
    gram(o, x, y, {nullptr, other.data()});
    EXPECT_EQ(other, cross.ntk);
    gram(o, x, {alone.data(), nullptr});
    for (std::size_t i = 0; i < alone.size(); ++i) ASSERT_NEAR(alone[i], both.nngp[i], 1e-12);
  }
}

TEST(Gram, DiagonalAloneIsTheMatrixsDiagonal) {
  for (const char* phi : {"relu", "tanh"}) {
    const Rows x = some_rows(5, 3);
    const Kernels whole = kernels(options(phi), x);
    std::vector<double> nngp(5), ntk(5);
    gram_diagonal(options(phi), x, {nngp.data(), ntk.data()});
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(nngp[i], whole.nngp[i * 6]);
      EXPECT_EQ(ntk[i], whole.ntk[i * 6]);
    }
  }
}

TEST(Gram, WithoutNoiseTheDiagonalIsThePairOfARowWithItself) {
  GramOptions o = options("gelu");
  o.mu2 = 1;
  const Rows x = some_rows(6, 4);
  const Kernels k = kernels(o, x), cross = kernels(o, x, x);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(k.nngp[7 * i], cross.nngp[7 * i], 1e-13);
}

TEST(Gram, DepthZeroIsTheLinearModel) {
  const Kernels k = kernels(options("tanh", 0), kThree);
  const double dot = 1 * .3 - .5 - .25 * .7 + 2 * 1.1;
  EXPECT_NEAR(k.nngp[1], 1.7 * dot / 4 + 0.1, 1e-15);
  EXPECT_EQ(k.nngp, k.ntk);
}

// c* at critical sigma_w2 = 2 / mu2 solves tan h - h = pi (mu2 - 1), c* = cos h: bisection in 40
// digits.
TEST(Gram, ReachesADepthOfAMillion) {
  GramOptions o = options("relu", 1'000'000);
  o.sigma_w2 = 1.6;
  o.sigma_b2 = 0;
  const Rows x{2, 2, {1.1, 0.2, -0.2, 1.1}};
  const Kernels k = kernels(o, x);
  const double q = 0.8 * (1.1 * 1.1 + 0.2 * 0.2);
  EXPECT_NEAR(k.nngp[0], q, 1e-9);
  EXPECT_NEAR(k.nngp[1], 0.47279934721 * q, 1e-9);
  EXPECT_NEAR(k.ntk[0], (1e6 + 1) * q, 1e-3);
  EXPECT_NEAR(k.ntk[1], 0.47279934721 * q / (1 - 0.5254051653), 1e-9);
}

TEST(Gram, SaysWhereAVarianceOverflowsAndVanishesQuietly) {
  GramOptions o = options("relu", 1'000'000);
  o.sigma_b2 = 0;
  EXPECT_THAT([&] { kernels(o, kThree); },
              testing::ThrowsMessage<std::domain_error>(HasSubstr("at layer 11")));
  o.sigma_w2 = 1.5;
  const Kernels k = kernels(o, kThree);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(k.nngp[i], 0, 1e-300);
    EXPECT_NEAR(k.ntk[i], 0, 1e-300);
  }
}

TEST(Gram, PassesOfAFewLayersAreOneRun) {
  // Deeper than the tables of one pass reach, and more rows than a tile has.
  const Rows x = some_rows(130, 2);
  const Rows ends{2, 2, {x.values[0], x.values[1], x.values[258], x.values[259]}};
  GramOptions o = options("relu", 11'000);
  o.sigma_w2 = 1.2;
  const Kernels both = kernels(o, x), few = kernels(o, ends), cross = kernels(o, ends, x);
  std::vector<double> alone(130 * 130), cross_alone(2 * 130);
  gram(o, x, {nullptr, alone.data()});
  gram(o, ends, x, {nullptr, cross_alone.data()});
  EXPECT_EQ(alone, both.ntk);
  EXPECT_EQ(cross_alone, cross.ntk);
  EXPECT_NEAR(both.ntk[129], few.ntk[1], 1e-12 * few.ntk[1]);
  EXPECT_NEAR(both.nngp[129], few.nngp[1], 1e-12 * few.nngp[1]);
  EXPECT_NEAR(cross.ntk[129], few.ntk[1], 1e-12 * few.ntk[1]);
  EXPECT_EQ(both.ntk[0], few.ntk[0]);
}

TEST(Gram, OfZeroAndConstantRowsIsFinite) {
  for (const char* phi : {"relu", "leaky_relu", "linear", "erf", "gelu", "sine", "tanh",
                          "hard_tanh", "sigmoid", "silu", "elu"}) {
    GramOptions o = options(phi, 2);
    o.sigma_b2 = 0;
    const Rows x{4, 2, {0, 0, 0, 0, 1, 1, 1, 1}};
    const Kernels k = kernels(o, x);
    for (const double v : k.nngp) ASSERT_TRUE(std::isfinite(v)) << phi;
    for (const double v : k.ntk) ASSERT_TRUE(std::isfinite(v)) << phi;
    if (second(o.activation, 0) == 0) {
      EXPECT_EQ(k.nngp[1], 0) << phi;
      EXPECT_EQ(k.ntk[1], 0) << phi;
    }
  }
}

TEST(Gram, WithoutWeightsIsTheBias) {
  GramOptions o = options("relu", 4);
  o.sigma_w2 = 0;
  const Kernels k = kernels(o, kThree);
  EXPECT_THAT(k.nngp, testing::Each(0.1));
  EXPECT_THAT(k.ntk, testing::Each(0.1));
}

TEST(Gram, RefusesWhatHasNoKernel) {
  const auto with = [](const auto& change) {
    GramOptions o;
    change(o);
    return [o] { kernels(o, kThree); };
  };
  const double inf = std::numeric_limits<double>::infinity();
  using Domain = std::domain_error;
  EXPECT_THAT(with([&](auto& o) { o.mu2 = inf; }),
              testing::ThrowsMessage<Domain>(HasSubstr("mu2 must be finite")));
  EXPECT_THROW(with([&](auto& o) { o.mu2 = 0.9; })(), Domain);
  EXPECT_THROW(with([&](auto& o) { o.sigma_w2 = -1; })(), Domain);
  EXPECT_THROW(with([&](auto& o) { o.sigma_b2 = inf; })(), Domain);
  EXPECT_THROW(with([&](auto& o) { o.residual = -0.1; })(), Domain);
  EXPECT_THROW(kernels({}, Rows{2, 0, {}}), std::invalid_argument);
  EXPECT_THROW(kernels({}, some_rows(2, 3), some_rows(2, 4)), std::invalid_argument);
  EXPECT_THROW(Activation::parse("rellu"), ConfigError);
}

}  // namespace
}  // namespace scalemix::signal
