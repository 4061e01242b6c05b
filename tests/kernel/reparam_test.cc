#include "scalemix/kernel/reparam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"
#include "scalemix/law/any_law.h"

namespace scalemix::kernel {
namespace {

const law::Sampler& normal() {
  static const law::AnyLaw kLaw = law::AnyLaw::parse("normal:scale=1");
  return kLaw.raw();
}

const Stream kStream{.seed = 42, .stream = stream_id(Purpose::train, 7), .draw = 3};

struct Case {
  Site site;
  std::vector<float> mean, var, db;
  explicit Case(const Site& site)
      : site(site),
        mean(values(size(), -2, 2, 1)),
        var(values(size(), 0, 3, 2)),
        db(values(size(), -1, 1, 3)) {
    for (std::size_t i = 0; i < size(); i += 5) var[i] = 0;
  }
  std::size_t size() const { return site.rows * site.columns; }
  std::vector<float> forward() const {
    std::vector<float> b(size());
    reparam(normal(), kStream, site, mean.data(), var.data(), b.data());
    return b;
  }
  std::vector<float> backward() const {
    std::vector<float> dvar(size());
    reparam_backward(normal(), kStream, site, var.data(), db.data(), dvar.data());
    return dvar;
  }
};

std::vector<Site> sites() {
  static const std::vector<std::int64_t> some = {0, 1, 2, 5, 11, 12, 13, 14, 15, 30, 31};
  std::vector<Site> all = {
      {.rows = 3, .columns = 10},
      {.rows = 7, .columns = 11, .row0 = 129},
      {.rows = 7, .columns = 11, .row0 = 5, .width = 32},
      {.rows = 7, .columns = 11, .row0 = 5, .width = 32, .logical = some.data()},
      {.rows = 40, .columns = 1000, .row0 = 1},
      {.rows = 0, .columns = 4}};
  for (const std::size_t n : kSizes) all.push_back({.rows = 1, .columns = n, .row0 = 3});
  return all;
}

TEST(Reparam, IsTheReferenceInFloatBitForBitOnEveryTarget) {
  for_every_target([] {
    for (const Site& site : sites()) {
      const Case c(site);
      std::vector<float> b(c.size()), dvar(c.size());
      ref::reparam(normal(), kStream, site, c.mean.data(), c.var.data(), b.data());
      ref::reparam_backward(normal(), kStream, site, c.var.data(), c.db.data(), dvar.data());
      ASSERT_EQ(c.forward(), b) << site.rows << "x" << site.columns;
      ASSERT_EQ(c.backward(), dvar) << site.rows << "x" << site.columns;
    }
  });
}

TEST(Reparam, TheKeptSlopeTimesDbIsTheBackwardPass) {
  for_every_target([] {
    for (const Site& site : sites()) {
      const Case c(site);
      std::vector<float> b(c.size()), slope = c.var;
      reparam(normal(), kStream, site, c.mean.data(), slope.data(), b.data(), slope.data());
      ASSERT_EQ(b, c.forward());
      const auto dvar = c.backward();
      for (std::size_t i = 0; i < c.size(); ++i) {
        ASSERT_NEAR(c.db[i] * slope[i], dvar[i], 4e-7 * std::abs(dvar[i])) << i;
      }
    }
  });
}

TEST(Reparam, ThreadsChangeNoBit) {
  const Case c({.rows = 40, .columns = 1000, .row0 = 1});
  const auto b = c.forward(), dvar = c.backward();
  for_some_threads([&] {
    EXPECT_EQ(c.forward(), b);
    EXPECT_EQ(c.backward(), dvar);
  });
}

TEST(Reparam, ARowsNoiseIsItsOwnHoweverTheBatchIsCut) {
  const Case whole({.rows = 6, .columns = 37, .row0 = 10});
  const auto b = whole.forward();
  for (std::size_t row = 0; row < 6; ++row) {
    std::vector<float> one(37);
    const Site site{.rows = 1, .columns = 37, .row0 = 10 + row};
    reparam(normal(), kStream, site, &whole.mean[row * 37], &whole.var[row * 37], one.data());
    for (std::size_t k = 0; k < 37; ++k) ASSERT_EQ(one[k], b[row * 37 + k]);
  }
}

TEST(Reparam, AShrunkLayerKeepsTheNoiseOfWhatIsLeft) {
  // More columns than the draws kept at a time.
  const std::size_t width = 3000;
  std::vector<std::int64_t> left;
  for (std::size_t k = 0; k < width; k += 1 + k % 3) left.push_back(static_cast<std::int64_t>(k));
  const Site site{
      .rows = 4, .columns = left.size(), .row0 = 2, .width = width, .logical = left.data()};
  const Case full({.rows = 4, .columns = width, .row0 = 2}), shrunk(site);
  const std::vector<float> zero(4 * width), one(4 * width, 1);
  std::vector<float> all(4 * width), some(4 * left.size());
  reparam(normal(), kStream, full.site, zero.data(), one.data(), all.data());
  reparam(normal(), kStream, site, zero.data(), one.data(), some.data());
  for (std::size_t i = 0; i < some.size(); ++i) {
    const std::size_t row = i / left.size(), k = static_cast<std::size_t>(left[i % left.size()]);
    ASSERT_EQ(some[i], all[row * width + k]);
  }
}

TEST(Reparam, OutputsMayReplaceInputs) {
  for (const Site& site : sites()) {
    const Case c(site);
    auto mean = c.mean, var = c.var, db = c.db;
    reparam(normal(), kStream, site, mean.data(), var.data(), mean.data());
    EXPECT_EQ(mean, c.forward());
    reparam(normal(), kStream, site, c.mean.data(), var.data(), var.data());
    EXPECT_EQ(var, c.forward());
    reparam_backward(normal(), kStream, site, c.var.data(), db.data(), db.data());
    EXPECT_EQ(db, c.backward());
  }
}

TEST(Reparam, ReferenceGradientIsThatOfFiniteDifferences) {
  const Site site{.rows = 2, .columns = 9};
  const auto mean = values<double>(18, -1, 1, 1), db = values<double>(18, -1, 1, 3);
  auto var = values<double>(18, 0.01, 2, 2);
  std::vector<double> dvar(18), b(18);
  ref::reparam_backward(normal(), kStream, site, var.data(), db.data(), dvar.data());
  const auto loss = [&] {
    ref::reparam(normal(), kStream, site, mean.data(), var.data(), b.data());
    double sum = 0;
    for (std::size_t i = 0; i < 18; ++i) sum += db[i] * b[i];
    return sum;
  };
  for (std::size_t i = 0; i < 18; ++i) {
    const double at = var[i], h = 1e-6 * at;
    var[i] = at + h;
    const double up = loss();
    var[i] = at - h;
    const double down = loss();
    var[i] = at;
    EXPECT_NEAR(dvar[i], (up - down) / (2 * h), 1e-6);
  }
}

TEST(Reparam, DrawsHaveTheMeanAndVarianceAskedFor) {
  const std::size_t n = 200000;
  const std::vector<float> mean(n, 3), var(n, 4);
  std::vector<float> b(n);
  reparam(normal(), kStream, {.rows = 1, .columns = n}, mean.data(), var.data(), b.data());
  double sum = 0, squares = 0;
  for (const float v : b) sum += v;
  for (const float v : b) squares += (v - 3.0) * (v - 3.0);
  // Five standard errors of each, at a fixed seed.
  EXPECT_NEAR(sum / n, 3, 5 * 2 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 4, 5 * 4 * std::sqrt(2.0 / n));
}

TEST(Reparam, AVarianceOfZeroLeavesTheMeanAndAFiniteGradient) {
  const Case c({.rows = 1, .columns = 50});
  const std::vector<float> none(50);
  std::vector<float> b(50), dvar(50);
  reparam(normal(), kStream, c.site, c.mean.data(), none.data(), b.data());
  reparam_backward(normal(), kStream, c.site, none.data(), c.db.data(), dvar.data());
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_NEAR(b[i], c.mean[i], 1e-3);  // kReparamEps is a deviation of 1e-4
    EXPECT_TRUE(std::isfinite(dvar[i]));
  }
}

}  // namespace
}  // namespace scalemix::kernel
