// Identities of the kinds of noise: moments of what they draw, closed forms of their penalties, what a pass
// without draws has, what is switched off.

#include <gmock/gmock.h>

#include <fmt/format.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <numbers>

#include "scalemix/law/standard_normal.h"
#include "scalemix/model/build.h"
#include "scalemix/model/turned_noise.h"
#include "scalemix/prior/log_uniform_kl.h"
#include "tests/model/noise_harness.h"

namespace scalemix::model {
namespace {

constexpr std::size_t kRows = 400, kWidth = 250;
constexpr double kCount = double(kRows) * kWidth;

double integral(const auto& f, double lo, double hi) {
  return boost::math::quadrature::gauss_kronrod<double, 61>::integrate(f, lo, hi, 10, 1e-11);
}
double phi(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

// ------------------------------------------------------------------------------ vdo

TEST(VdoA, DrawsAVarianceOfAlphaAndCountsTheDivergencePerUnit) {
  Harness unit(of_units(kWidth), noise_with("vdo_a", "p=0.2"), {kWidth});
  const std::vector<float> m = unit.masks(kRows);
  EXPECT_NEAR(mean_of(m), 1, 4 * 0.5 / std::sqrt(kCount));
  EXPECT_NEAR(variance_of(m), 0.25, 4 * 0.25 * std::sqrt(2 / kCount));
  const double kl = prior::log_uniform_kl(prior::LogUniformKl::exact, std::log(0.25));
  EXPECT_NEAR(unit.penalty(), kWidth * kl, 1e-4);
  Harness layer(of_units(kWidth), noise_with("vdo_a", "p=0.2,share=layer,factor=0.5"), {kWidth});
  EXPECT_EQ(layer.own[0].size(), 1u);
  EXPECT_NEAR(layer.penalty(), kWidth * kl / 2, 1e-4);
}

TEST(VdoA, AHalfStartsBelowOne) {
  Harness half(of_units(4), noise_with("vdo_a", "p=0.5"), {4});
  EXPECT_FLOAT_EQ(half.own[0][0], 4);
}

TEST(VdoB, VariancesAreAlphaTimesSquares) {
  for (const char* share : {"weight", "unit", "layer"}) {
    Harness b(dense(6, 5), noise_with("vdo_b", std::string("p=0.2,share=") + share), {6});
    b.use.kind->prepare(b.at);
    for (std::size_t i = 0; i < 30; ++i) {
      EXPECT_NEAR(b.prepared[i], 0.25 * b.w[i] * b.w[i], 1e-7) << share;
    }
    EXPECT_NEAR(b.penalty(), 30 * prior::log_uniform_kl(prior::LogUniformKl::exact, std::log(0.25)),
                1e-5);
  }
}

TEST(VdoB, FreeAlphaSwitchesWeightsOff) {
  Harness b(dense(3, 2), noise_with("vdo_b", "alpha=free,threshold=2"), {3}, false);
  for (std::size_t i = 0; i < 6; ++i) b.own[0][i] = float(i);
  std::vector<float> out(6);
  b.use.kind->stand_in(b.at, out.data());
  b.use.kind->prepare(b.at);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(out[i], i < 2 ? b.w[i] : 0) << i;
    EXPECT_EQ(b.prepared[i] == 0, i >= 2) << i;
  }
  Layer layer = dense(3, 2);
  layer.noise = {noise_with("vdo_b", "alpha=free,kl=kingma")};
  EXPECT_THROW(check_noise(layer), std::invalid_argument);
}

// ------------------------------------------------------------------------------ vsd

TEST(Vsd, OfDepthZeroIsTheKnownResult) {
  Harness vbd(dense(5, 3), noise_with("vsd", "depth=0,p=0.2"), {5});
  EXPECT_NEAR(vbd.penalty(), 5 * std::log(1 + 1 / 0.25) / 2, 1e-5);
  Harness every(dense(5, 3), noise_with("vsd", "depth=0,p=0.2,times=0"), {5});
  EXPECT_NEAR(every.penalty(), 3 * vbd.penalty(), 1e-5);
}

/// U built by hand from the reflectors: orthogonal, and the divergence as a direct one of Gaussians: for
/// each output, N(theta m, D S D) against N(0, r^2), r^2 = theta^2 (S_ii + m_i^2).
TEST(Vsd, TheDivergenceIsThatOfTheGaussians) {
  constexpr std::size_t n = 4, turns = 3;
  for (const char* variant : {"a", "b"}) {
    Harness vsd(dense(n, 2), noise_with("vsd", std::string("depth=3,variant=") + variant), {n});
    vsd.own[0] = {-1.0f, 0.3f, -2.0f, 0.7f};
    vsd.own[1] = model::values(n * turns, 8, -1, 1);
    vsd.at.own[0] = vsd.own[0].data(), vsd.at.own[1] = vsd.own[1].data();
    std::vector<double> u(n * n);
    for (std::size_t i = 0; i < n; ++i) u[i * n + i] = 1;
    for (std::size_t t = 0; t < turns; ++t) {
      const float* v = &vsd.own[1][t * n];
      double vv = 0;
      for (std::size_t i = 0; i < n; ++i) vv += double(v[i]) * v[i];
      for (std::size_t k = 0; k < n; ++k) {
        double dot = 0;
        for (std::size_t i = 0; i < n; ++i) dot += v[i] * u[i * n + k];
        for (std::size_t i = 0; i < n; ++i) u[i * n + k] -= 2 * v[i] * dot / vv;
      }
    }
    double log_det = 0, expected = 0;
    for (std::size_t k = 0; k < n; ++k) log_det += vsd.own[0][k];
    for (std::size_t i = 0; i < n; ++i) {
      double second = 0, mean = 0, unit = 0;
      for (std::size_t k = 0; k < n; ++k) {
        second += u[i * n + k] * u[i * n + k] * std::exp(double(vsd.own[0][k]));
        mean += u[i * n + k];
        unit += u[i * n + k] * u[i * n + k];
      }
      EXPECT_NEAR(unit, 1, 1e-12);
      if (*variant == 'b') mean = 1;
      expected += std::log(second + mean * mean) / 2;
    }
    EXPECT_NEAR(vsd.penalty(), expected - log_det / 2, 1e-6) << variant;
  }
}

/// What it prepares for a noise of each output's own: the covariance of the shared noise, as sums.
TEST(Vsd, ThePreparedSumsAreTheCovariance) {
  constexpr std::size_t n = 4, turns = 3;
  Harness vsd(dense(n, 2), noise_with("vsd", "depth=3,noise=column"), {n});
  EXPECT_EQ(vsd.use.where, Where::columns);
  vsd.own[0] = {-1.0f, 0.3f, -2.0f, 0.7f};
  vsd.own[1] = model::values(n * turns, 8, -1, 1);
  vsd.at.own[0] = vsd.own[0].data(), vsd.at.own[1] = vsd.own[1].data();
  vsd.use.kind->prepare(vsd.at);
  const Turned at = Turned::of(n, vsd.prepared.size());
  EXPECT_EQ(at.turns, turns);
  std::vector<double> u(n * n);  // rows of U^T
  for (std::size_t k = 0; k < n; ++k) {
    u[k * n + k] = 1;
    for (std::size_t t = 0; t < turns; ++t) {
      const float* v = &vsd.own[1][t * n];
      double vv = 0, vu = 0;
      for (std::size_t i = 0; i < n; ++i) vv += double(v[i]) * v[i], vu += v[i] * u[k * n + i];
      for (std::size_t i = 0; i < n; ++i) u[k * n + i] -= 2 * v[i] * vu / vv;
    }
  }
  const std::vector<float>& p = vsd.prepared;
  for (std::size_t i = 0; i < n; ++i) {
    double mean = 0;
    for (std::size_t k = 0; k < n; ++k) mean += u[k * n + i];
    EXPECT_NEAR(p[at.mean() + i], mean, 1e-6);
    for (std::size_t j = 0; j < n; ++j) {
      double want = 0, got = i == j ? p[at.alpha() + i] : 0;
      for (std::size_t k = 0; k < n; ++k) {
        want += u[k * n + i] * u[k * n + j] * std::exp(double(vsd.own[0][k]));
      }
      for (std::size_t t = 0; t < turns; ++t) {
        const float *a = &p[at.axis(t)], *b = &p[at.image(t)];
        got += 4 * p[at.kappa() + t] * a[i] * a[j] - 2 * b[i] * a[j] - 2 * a[i] * b[j];
      }
      EXPECT_NEAR(got, want, 2e-6) << i << j;
    }
  }
  // Each output counts the divergence.
  Harness shared(dense(n, 2), noise_with("vsd", "depth=3"), {n});
  shared.at.own[0] = vsd.own[0].data(), shared.at.own[1] = vsd.own[1].data();
  EXPECT_NEAR(vsd.penalty(), 2 * shared.penalty(), 1e-5);
}

TEST(Vsd, NoiseOfEachOutputIsForDenseLayers) {
  Layer conv = model::conv2d(2, 3, {3});
  conv.noise = {noise_with("vsd", "noise=column")};
  EXPECT_THROW(check_noise_place(conv, {2, 6, 6}), std::invalid_argument);
}

TEST(Vsd, DrawsHaveItsMeanAndAFixedPassHasIt) {
  for (const char* variant : {"a", "b"}) {
    Harness vsd(dense(3, 2), noise_with("vsd", std::string("depth=2,p=0.3,variant=") + variant),
                {3});
    vsd.own[1] = {0.5f, -1, 2, 1, 1, -0.5f};
    vsd.at.own[1] = vsd.own[1].data();
    const std::vector<float> z = vsd.masks(100000), m = vsd.centre({1, 1, 1});
    for (std::size_t k = 0; k < 3; ++k) {
      double mean = 0;
      for (std::size_t r = 0; r < 100000; ++r) mean += z[r * 3 + k] / 1e5;
      EXPECT_NEAR(mean, m[k], 0.012) << variant << k;
      if (*variant == 'b') EXPECT_EQ(m[k], 1);
    }
  }
}

TEST(Vsd, SharedPriorsAddTheRatioOfMeans) {
  Harness plain(dense(3, 4), noise_with("vsd", "times=2"), {3}),
      shared(dense(3, 4), noise_with("vsd", "times=2,ard=on"), {3});
  const std::vector<float> v = model::values(3, 4);
  double expected = 0;
  for (std::size_t i = 0; i < 12; ++i) plain.w[i] = shared.w[i] = 0.2f + 0.07f * float(i * i % 11);
  for (Harness* h : {&plain, &shared}) std::copy(v.begin(), v.end(), h->own[1].begin());
  for (std::size_t i = 0; i < 3; ++i) {
    double mean = 0, logs = 0;
    for (std::size_t o = 0; o < 4; ++o) {
      const double w2 = std::pow(shared.w[o * 3 + i], 2);
      mean += w2 / 4, logs += std::log(w2) / 4;
    }
    expected += 2 * (std::log(mean) - logs);  // (Q / 2) log(AM / GM)
  }
  EXPECT_NEAR(shared.penalty() - plain.penalty(), expected, 1e-5);
  shared.use.kind->terms_back(shared.at, 1);
  for (std::size_t e = 0; e < 12; ++e) {
    const float before = shared.w[e];
    shared.w[e] = before + 1e-3f;
    const double up = shared.penalty();
    shared.w[e] = before - 1e-3f;
    const double down = shared.penalty();
    shared.w[e] = before;
    EXPECT_NEAR(shared.dw[e], (up - down) / 2e-3, 2e-3) << e;
  }
}

TEST(Vsd, DeeperThanItsInputsIsRefused) {
  Layer layer = dense(3, 2);
  layer.noise = {noise_with("vsd", "depth=4")};
  EXPECT_THAT(message_of<std::invalid_argument>([&] { check_noise(layer); }),
              testing::HasSubstr("depth must be at most the number of inputs, 3, got 4"));
  layer.noise = {noise_with("vsd", "depth=1.5")};
  EXPECT_THROW(check_noise(layer), std::invalid_argument);
}

// ------------------------------------------------------------------------------ l0, sbp, gnj

TEST(L0, GatesOpenAndCloseAsOftenAsTheirLawSays) {
  Harness l0(dense(kWidth, 3), noise_with("l0", "gate=row,lambda=2"), {kWidth});
  const std::vector<float> z = l0.masks(kRows);
  const double open = 1 - double(std::count(z.begin(), z.end(), 0.0f)) / kCount,
               full = double(std::count(z.begin(), z.end(), 1.0f)) / kCount;
  EXPECT_NEAR(open, 0.8318, 4 * 0.37 / std::sqrt(kCount) + 5e-5);  // at log alpha = 0
  EXPECT_NEAR(full, 0.1682, 4 * 0.37 / std::sqrt(kCount) + 5e-5);
  EXPECT_NEAR(mean_of(z), 0.5, 4 * 0.4 / std::sqrt(kCount));
  EXPECT_NEAR(l0.penalty(), 0.831818 * kWidth * 3 * 2, 0.1);
  EXPECT_NEAR(l0.centre(std::vector<float>(kWidth, 1.0f))[0], 0.5, 1e-6);
}

TEST(L0, AGateThatIsShutTakesItsWeightsWithIt) {
  Harness l0(dense(3, 2), noise_with("l0"), {3}, false);
  l0.own[0] = {-4, 0, 4};
  l0.at.own[0] = l0.own[0].data();
  std::vector<float> out(6);
  l0.use.kind->stand_in(l0.at, out.data());
  EXPECT_EQ(out, (std::vector<float>{0, l0.w[1], l0.w[2], 0, l0.w[4], l0.w[5]}));
  for (std::uint32_t draw = 0; draw < 50; ++draw) EXPECT_EQ(l0.masks(1, draw)[0], 0);
}

TEST(Sbp, MomentsAndDivergenceAreThoseOfTheTruncatedLaw) {
  for (const auto& [mu, log_sigma] :
       {std::pair{0.0f, -2.0f}, {-1.0f, 0.5f}, {0.5f, 0.0f}, {-8.0f, 1.5f}}) {
    Harness sbp(dense(4, 1), noise_with("sbp"), {4}, false);
    sbp.own[0][0] = mu, sbp.own[1][0] = log_sigma;
    const double sigma = std::exp(double(log_sigma));
    const auto density = [&, m = mu](double t) { return phi((t - m) / sigma) / sigma; };
    const double mass = integral(density, -20, 0);
    const double mean = integral([&](double t) { return std::exp(t) * density(t); }, -20, 0) / mass;
    const double square =
        integral([&](double t) { return std::exp(2 * t) * density(t); }, -20, 0) / mass;
    const double kl = integral(
        [&](double t) { return density(t) / mass * std::log(density(t) / mass * 20 + 1e-300); },
        -20, 0);
    EXPECT_NEAR(sbp.penalty(), kl, 1e-5) << mu;
    const bool off = mean / std::sqrt(square - mean * mean) < 1;
    EXPECT_NEAR(sbp.centre({1})[0], off ? 0 : mean, 1e-5) << mu;
    std::vector<float> out(4);
    sbp.use.kind->stand_in(sbp.at, out.data());
    EXPECT_EQ(out[0] == 0, off) << mu;
    sbp.at.train = true;
    double sum = 0, squares = 0;
    const std::vector<float> z = sbp.masks(200000);
    for (const float v : z) sum += v, squares += double(v) * v;
    EXPECT_NEAR(sum / 2e5, mean, 5 * std::sqrt(square / 2e5)) << mu;
    EXPECT_NEAR(squares / 2e5, square, 0.02 * square + 1e-4) << mu;
  }
}

/// mu far above the cut: log t is about exponential, with the rate that the tail has.
TEST(Sbp, FarAboveItsCutItIsStillTheTruncatedLaw) {
  for (const auto& [mu, log_sigma] : {std::pair{0.3f, -3.0f}, {0.2f, -4.0f}, {0.35f, -2.0f}}) {
    Harness sbp(dense(4, 1), noise_with("sbp"), {4}, false);
    sbp.own[0][0] = mu, sbp.own[1][0] = log_sigma;
    const double sigma = std::exp(double(log_sigma)), m = mu;
    // Over its greatest value, that at 0.
    const auto density = [&](double t) {
      return std::exp((2 * t * m - t * t) / (2 * sigma * sigma));
    };
    const double low = -1;  // what is below is less than 1e-16
    const double mass = integral(density, low, 0);
    const double mean = integral([&](double t) { return std::exp(t) * density(t); }, low, 0) / mass;
    const double kl = integral(
        [&](double t) { return density(t) / mass * std::log(density(t) / mass * 20 + 1e-300); },
        low, 0);
    EXPECT_NEAR(sbp.penalty(), kl, 2e-5) << mu;
    EXPECT_NEAR(sbp.centre({1})[0], mean, 1e-6) << mu;
    sbp.at.train = true;
    double sum = 0;
    for (const float v : sbp.masks(200000)) {
      EXPECT_LE(v, 1);
      sum += v;
    }
    EXPECT_NEAR(sum / 2e5, mean, 0.01 * (1 - mean)) << mu;
  }
}

/// u = Phi(q) / Phi(B), q = (log t - mu) / sigma: each draw is the quantile of its u.
TEST(Sbp, DrawsFarAboveItsCutAreQuantiles) {
  Harness sbp(dense(4, 1), noise_with("sbp"), {4});
  const float mu = 0.5f, log_sigma = -3.0f;  // B = -10
  sbp.own[0][0] = mu, sbp.own[1][0] = log_sigma;
  const std::vector<float> t = sbp.masks(1000);
  const double sigma = std::exp(double(log_sigma)),
               of_b = law::log_standard_normal_cdf(-double(mu) / sigma);
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double q = (std::log(double(t[i])) - mu) / sigma, u = sbp.kept[i];
    EXPECT_NEAR(std::exp(law::log_standard_normal_cdf(q) - of_b), u, 1e-3 * u + 2e-5) << i;
  }
}

/// Every value that mu and log sigma may take.
TEST(Sbp, IsFiniteInItsWholeRange) {
  for (const float mu : {-20.0f, -5.0f, -1e-3f, 0.0f, 1e-7f, 1e-3f, 0.3f, 5.0f}) {
    for (const float log_sigma : {-20.0f, -10.0f, -5.0f, 0.0f, 2.0f, 5.0f}) {
      Harness sbp(dense(4, 1), noise_with("sbp"), {4}, false);
      sbp.own[0][0] = mu, sbp.own[1][0] = log_sigma;
      SCOPED_TRACE(std::to_string(mu) + " " + std::to_string(log_sigma));
      EXPECT_TRUE(std::isfinite(sbp.penalty()));
      const float centre = sbp.centre({1})[0];
      EXPECT_GE(centre, 0);
      EXPECT_LE(centre, 1.0001);
      sbp.at.train = true;
      const std::vector<float> z = sbp.masks(1000);
      const std::vector<float> g(z.size(), 1.0f), x = g;
      std::vector<float> dx(z.size());
      sbp.use.kind->backward(sbp.at, x.data(), g.data(), dx.data(), 1);
      sbp.use.kind->terms_back(sbp.at, 1);
      for (const float v : z) EXPECT_TRUE(v >= 0 && v <= 1.0001f) << v;
      EXPECT_TRUE(std::isfinite(sbp.d_own[0][0]) && std::isfinite(sbp.d_own[1][0]));
    }
  }
}

/// Slopes against differences of the penalty and of draws, on both sides of where the tail begins.
TEST(Sbp, SlopesFarAboveItsCut) {
  for (const auto& [mu, log_sigma] : {std::pair{0.3f, -3.0f},
                                      {0.5f, -3.0f},
                                      {0.45f, -3.0f},
                                      {0.35f, -3.0f},
                                      {0.5f, -2.0f},
                                      {0.9f, -2.0f},
                                      {0.1f, 0.0f}}) {
    Harness sbp(dense(4, 1), noise_with("sbp"), {4});
    sbp.own[0][0] = mu, sbp.own[1][0] = log_sigma;
    const std::vector<float> ones(400, 1.0f);
    const auto loss = [&] {
      double sum = sbp.penalty();
      for (const float v : sbp.masks(400)) sum += v;
      return sum;
    };
    loss();
    std::vector<float> dx(400);
    sbp.use.kind->backward(sbp.at, ones.data(), ones.data(), dx.data(), 1);
    sbp.use.kind->terms_back(sbp.at, 1);
    for (std::size_t tensor : {0, 1}) {
      float& number = sbp.own[tensor][0];
      const float before = number, h = 2e-3f;
      number = before + h;
      const double up = loss();
      number = before - h;
      const double down = loss();
      number = before;
      const double slope = (up - down) / (2 * h);
      EXPECT_NEAR(sbp.d_own[tensor][0], slope, 0.02 * std::abs(slope) + 0.02) << mu << tensor;
    }
  }
}

TEST(Gnj, PenaltyMaskAndMean) {
  Harness gnj(dense(2, 2), noise_with("gnj"), {2}, false);
  gnj.own[1] = {1, 0.01f};
  gnj.own[2] = {-9, 0};
  for (int t : {1, 2}) gnj.at.own[t] = gnj.own[t].data();
  double expected = prior::log_uniform_kl(prior::LogUniformKl::molchanov, -8) +
                    prior::log_uniform_kl(prior::LogUniformKl::molchanov, 8);
  for (const float w : gnj.w) expected += (std::exp(-9.0) + double(w) * w + 9 - 1) / 2;
  EXPECT_NEAR(gnj.penalty(), expected, 1e-5);
  std::vector<float> out(4);
  gnj.use.kind->stand_in(gnj.at, out.data());
  EXPECT_EQ(out, (std::vector<float>{gnj.w[0], 0, gnj.w[2], 0}));
}

// ------------------------------------------------------------------------------ fixed masks

TEST(DropBlock, DropsTheSharesThatAreKnown) {
  // Realised shares of block 7, from how many seeds cover each pixel.
  const std::tuple<std::size_t, const char*, double> table[] = {
      {7, "p=0.1", 0.1},     {14, "p=0.1", 0.0929}, {32, "p=0.1", 0.0941},
      {32, "p=0.3", 0.2513}, {32, "p=0.5", 0.3750}, {32, "p=0.3,rate=exact", 0.3}};
  for (const auto& [side, p, share] : table) {
    Harness block({.type = "noise", .site = 5, .width = 4 * side * side},
                  noise_with("dropblock", std::string("block=7,") + p), {4, side, side});
    double dropped = 0;
    const int draws = side == 7 ? 60 : 8;
    for (int draw = 0; draw < draws; ++draw) {
      const std::vector<float> z = block.masks(64, std::uint32_t(draw));
      dropped += double(std::count(z.begin(), z.end(), 0.0f)) / double(z.size()) / draws;
      EXPECT_NEAR(mean_of(z), 1, 1e-4);  // by the share of the batch that is kept
    }
    EXPECT_NEAR(dropped, share, 0.008) << side << p;
  }
}

/// Seeds lie wherever a whole block fits, of an even side too.
TEST(DropBlock, EvenBlocksHaveAllTheirPlaces) {
  for (const char* settings : {"block=2,p=0.3,rate=exact", "block=4,p=0.3,rate=exact"}) {
    Harness block({.type = "noise", .site = 5, .width = 4 * 8 * 8},
                  noise_with("dropblock", settings), {4, 8, 8});
    double dropped = 0;
    for (std::uint32_t draw = 0; draw < 40; ++draw) {
      const std::vector<float> z = block.masks(64, draw);
      dropped += double(std::count(z.begin(), z.end(), 0.0f)) / double(z.size()) / 40;
    }
    EXPECT_NEAR(dropped, 0.3, 0.006) << settings;
  }
}

TEST(DropBlock, WhatIsDroppedIsASquare) {
  Harness block({.type = "noise", .site = 5, .width = 100},
                noise_with("dropblock", "p=0.02,block=3"), {1, 10, 10});
  const std::vector<float> z = block.masks(200);
  for (std::size_t row = 0; row < 200; ++row) {
    for (std::size_t i = 0; i < 10; ++i) {
      for (std::size_t j = 0; j < 10; ++j) {
        if (z[row * 100 + i * 10 + j] != 0) continue;
        bool covered = false;  // by a square of 3 that is gone
        for (std::size_t a = i > 2 ? i - 2 : 0; a <= std::min<std::size_t>(i, 7); ++a) {
          for (std::size_t b = j > 2 ? j - 2 : 0; b <= std::min<std::size_t>(j, 7); ++b) {
            bool gone = true;
            for (std::size_t k = 0; k < 9; ++k)
              gone &= z[row * 100 + (a + k / 3) * 10 + b + k % 3] == 0;
            covered |= gone;
          }
        }
        ASSERT_TRUE(covered) << row << " " << i << " " << j;
      }
    }
  }
  Harness shared({.type = "noise", .site = 5, .width = 300},
                 noise_with("dropblock", "p=0.3,share=row"), {3, 10, 10});
  const std::vector<float> s = shared.masks(5);
  for (std::size_t row = 0; row < 5; ++row) {
    for (std::size_t k = 0; k < 100; ++k) ASSERT_EQ(s[row * 300 + k], s[row * 300 + 200 + k]);
  }
}

TEST(DropBlock, ABlockLargerThanTheImageIsRefused) {
  Layer layer = of_units(50);
  layer.noise = {noise_with("dropblock", "block=6")};
  EXPECT_THAT(message_of<std::invalid_argument>([&] {
                check_noise_place(layer, {2, 5, 5});
              }),
              testing::HasSubstr("block must be at most the image's side, 5, got 6"));
  EXPECT_THROW(check_noise_place(layer, {50}), std::invalid_argument);
}

TEST(Alpha, KeepsMeanAndVariance) {
  for (const double p : {0.05, 0.1, 0.5}) {
    Harness alpha(of_units(kWidth), noise_with("alpha", "p=" + std::to_string(p)), {kWidth});
    std::vector<float> x(std::size_t(kCount), 0.0f);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 2 ? 1 : -1;  // mean 0, variance 1
    const std::vector<float> y = alpha.forward(x);
    EXPECT_NEAR(mean_of(y), 0, 4 / std::sqrt(kCount)) << p;
    EXPECT_NEAR(variance_of(y), 1, 0.015) << p;
  }
  // a and b at p = 0.1 (PyTorch's constants): 0.921285, 0.161971.
  Harness alpha(of_units(1), noise_with("alpha", "p=0.1"), {1});
  std::vector<float> seen;
  for (std::uint32_t draw = 0; draw < 60; ++draw) seen.push_back(alpha.masks(1, draw)[0]);
  const auto [lo, hi] = std::minmax_element(seen.begin(), seen.end());
  EXPECT_NEAR(*hi, 0.921285 + 0.161971, 1e-5);
  EXPECT_NEAR(*lo, 0.161971 - 0.921285 * 1.7580993408473766, 1e-5);
}

TEST(Continuous, ClippedGaussiansAndUniforms) {
  Harness released(of_units(kWidth), noise_with("continuous", "mu=0.7"), {kWidth});
  double mean = 0;
  const auto clipped = [](double e) { return std::clamp(0.7 + 0.25 * e, 0.0, 1.0) * phi(e); };
  mean = integral(clipped, -9, 9);
  EXPECT_NEAR(mean_of(released.masks(kRows)), mean / 0.7, 4 * 0.35 / std::sqrt(kCount));
  Harness exact(of_units(kWidth), noise_with("continuous", "mu=0.7,scale=exact"), {kWidth});
  EXPECT_NEAR(mean_of(exact.masks(kRows)), 1, 4 * 0.35 / std::sqrt(kCount));
  Harness uniform(of_units(kWidth), noise_with("continuous", "form=uniform"), {kWidth});
  const std::vector<float> m = uniform.masks(kRows);
  EXPECT_NEAR(mean_of(m), 1, 4 * 0.58 / std::sqrt(kCount));
  EXPECT_NEAR(variance_of(m), 1.0 / 3, 0.005);
}

TEST(Soft, MasksHaveMeanOne) {
  for (const char* form : {"half_gaussian", "half_laplace"}) {
    for (const char* sigma : {"0.3", "0.9", "3"}) {
      Harness soft(of_units(kWidth),
                   noise_with("soft", fmt::format("sigma={},form={}", sigma, form)), {kWidth});
      const std::vector<float> m = soft.masks(kRows);
      EXPECT_NEAR(mean_of(m), 1, 5 * std::sqrt(variance_of(m) / kCount)) << form << sigma;
      EXPECT_GE(*std::min_element(m.begin(), m.end()), 0);
    }
  }
}

TEST(Gate, OnePerBatchAndItsProbabilityWithoutDraws) {
  Harness gate(of_units(4), noise_with("gate", "p=0.3"), {4});
  double shut = 0;
  for (std::uint32_t draw = 0; draw < 2000; ++draw) {
    const std::vector<float> z = gate.masks(3, draw);
    for (const float v : z) ASSERT_EQ(v, z[0]);
    shut += z[0] == 0;
  }
  EXPECT_NEAR(shut / 2000, 0.3, 4 * std::sqrt(0.21 / 2000));
  EXPECT_FLOAT_EQ(gate.centre({1, 1, 1, 1})[2], 0.7f);
}

TEST(Advanced, StartsAtARateOfOneHalfAndPredictsFromItsTraining) {
  Harness noise(of_units(32), noise_with("advanced"), {32});
  noise.at.writes_state = true;
  const std::vector<float> m = noise.masks(2000);
  EXPECT_NEAR(noise.kept[noise.kept.size() - 1], 1.4633, 1e-4);  // softplus(1.2)
  EXPECT_NEAR(mean_of(m), 1, 0.02);
  EXPECT_NEAR(variance_of(m), 0.285, 0.01);
  EXPECT_NEAR(noise.own[7][0], 1.4633, 1e-4);
  noise.at.train = false;
  EXPECT_NEAR(variance_of(noise.masks(2000, 4)), 0.285, 0.01);
}

TEST(Information, SaysHowMuchNoiseCosts) {
  Harness noise(of_units(3), noise_with("information", "most=0.7,beta=2"), {3});
  const std::vector<float> y = noise.masks(50);  // weights are 0: alpha = 0.001 + 0.35
  EXPECT_NEAR(noise.cost, -2 * 150 * std::log(0.351 / 0.701), 1e-3);
  double sum = 0;
  for (const float v : y) sum += std::pow(std::log(v) / 0.351, 2) / 150;
  EXPECT_NEAR(sum, 1, 0.5);
}

/// Under the log-normal prior, by its formula: weights are 0, so that alpha is 0.351 everywhere.
TEST(Information, TheLogNormalPriorsCost) {
  Harness noise(of_units(3), noise_with("information", "most=0.7,prior=log_normal"), {3});
  noise.own[2] = {0.3f}, noise.own[3] = {-0.5f};
  for (int t : {2, 3}) noise.at.own[t] = noise.own[t].data();
  const std::vector<float> x{0.5f, 2, 1e-5f};  // the last counts as 1e-3
  noise.forward(x);
  double expected = 0;
  const double alpha = 0.351, s = std::exp(-0.5);
  for (const double v : {0.5, 2.0, 1e-3}) {
    const double off = std::log(v) - 0.3;
    expected += ((alpha * alpha + off * off) / (s * s) - 1 + 2 * std::log(s / alpha)) / 2;
  }
  EXPECT_NEAR(noise.cost, expected, 1e-4 * expected);
}

// ------------------------------------------------------------------------------ tabu

TEST(Tabu, ScalesAndReadings) {
  const std::tuple<const char*, double, double> table[] = {
      {"p=0.5,scale=stationary", 1.5, 1.0 / 3},
      {"p=0.5,scale=standard", 2, 1.0 / 3},
      {"p=0.5,scale=none", 1, 1.0 / 3},
      {"p=0.5,marked=selected", 4.0 / 3, 0.25},
      {"p=0.5,marked=selected,scale=standard", 2, 0.25}};
  for (const auto& [settings, scale, share] : table) {
    Harness tabu(of_units(kWidth), noise_with("tabu", settings), {kWidth});
    tabu.at.writes_state = true;
    std::vector<float> z;
    for (std::uint32_t step = 0; step < 12; ++step) z = tabu.masks(kRows, step);
    const double dropped = double(std::count(z.begin(), z.end(), 0.0f)) / kCount;
    EXPECT_NEAR(dropped, share, 5 * std::sqrt(0.25 / kCount)) << settings;
    EXPECT_NEAR(*std::max_element(z.begin(), z.end()), scale, 2e-3) << settings;
  }
  Harness none(of_units(2), noise_with("tabu", "p=0.5,scale=none"), {2});
  EXPECT_NEAR(none.centre({3, 3})[0], 2, 1e-6);
}

TEST(Tabu, OneMaskPerBatchWhereMarksAreOfUnits) {
  Harness tabu(of_units(kWidth), noise_with("tabu", "marks=unit"), {kWidth});
  tabu.at.writes_state = true;
  EXPECT_EQ(tabu.use.kind->marks(tabu.use, 64), kWidth + 1);
  std::vector<float> before;
  for (std::uint32_t step = 0; step < 5; ++step) {
    const std::vector<float> z = tabu.masks(3, step);
    for (std::size_t k = 0; k < kWidth; ++k) {
      ASSERT_EQ(z[k], z[2 * kWidth + k]);
      if (!before.empty()) ASSERT_FALSE(before[k] == 0 && z[k] == 0);
    }
    before = z;
  }
}

TEST(Tabu, ATenureSparesForEpochs) {
  Harness tabu(of_units(kWidth), noise_with("tabu", "p=0.4,tenure=2"), {kWidth});
  tabu.at.writes_state = true;
  std::vector<int> last(kRows * kWidth, -10);
  int soonest = 0;  // drops of what was spared as long as it must be
  for (std::uint32_t step = 0; step < 12; ++step) {
    tabu.at.epoch = step / 3;
    const std::vector<float> z = tabu.masks(kRows, step);
    EXPECT_NEAR(mean_of(z), 1, 1e-4);
    for (std::size_t i = 0; i < z.size(); ++i) {
      if (z[i] != 0) continue;
      ASSERT_GE(int(step / 3) - last[i], 2) << step;
      soonest += int(step / 3) - last[i] == 2;
      last[i] = int(step / 3);
    }
  }
  EXPECT_GT(soonest, 0);
}

}  // namespace
}  // namespace scalemix::model
