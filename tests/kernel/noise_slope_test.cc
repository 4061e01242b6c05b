// Gradients by a law's parameters: the kernel against its reference, and against differences.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fixture.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"

namespace scalemix::kernel {
namespace {

const Stream kStream{0x123456789abcdef0, 0x10000007, 3};
const std::int64_t kLogical[] = {1, 2, 5};

struct Case {
  const char* name;
  Site site;
};
const std::vector<Case> kSites = {
    {"unit", {.rows = 37, .columns = 601}},
    {"channel", {.rows = 9, .columns = 3, .inner = 50}},
    {"layer", {.rows = 5, .columns = 1, .inner = 777}},
    {"weight", {.rows = 1, .columns = 30011}},
    {"shrunk", {.rows = 11, .columns = 3, .inner = 2, .row0 = 4, .width = 7, .logical = kLogical}},
    {"empty", {.rows = 0, .columns = 3}},
};

/// Every law that can be learned, one row each.
std::vector<law::AnyLaw> learned_laws() {
  std::vector<law::AnyLaw> laws;
  for (const law::LawRow& row : law::laws()) {
    law::AnyLaw law = law::AnyLaw::parse(row.name);
    if (law.pathwise()) laws.push_back(law);
  }
  return laws;
}

std::size_t size(const Site& site) { return site.rows * site.columns * site.inner; }

TEST(NoiseSlopeTest, EqualsTheReferenceAtEverySite) {
  for (const Case& at : kSites) {
    const std::vector<float> dy = values(size(at.site), -0.4, 0.6, 1),
                             x = values(size(at.site), -1, 1, 5);
    for (const law::AnyLaw& law : learned_laws()) {
      for (std::size_t i = 0; i < law.values().size(); ++i) {
        SCOPED_TRACE(law.spec() + " " + at.name);
        const law::Sampler &raw = law.raw_slopes(i), &multiplier = law.multiplier_slopes(i);
        const double with = ref::noise_slope(multiplier, kStream, at.site, dy.data(), x.data());
        const double without = ref::noise_slope<float>(raw, kStream, at.site, dy.data(), nullptr);
        for_every_target([&] {
          EXPECT_NEAR(noise_slope(multiplier, kStream, at.site, dy.data(), x.data()), with,
                      1e-11 * (1 + std::abs(with)));
          EXPECT_NEAR(noise_slope(raw, kStream, at.site, dy.data(), nullptr), without,
                      1e-11 * (1 + std::abs(without)));
        });
      }
    }
  }
}

TEST(NoiseSlopeTest, TheNumberOfThreadsChangesNoBit) {
  const Site site = kSites[0].site;
  const std::vector<float> dy = values(size(site), -0.4, 0.6, 1), x = values(size(site), -1, 1, 5);
  const law::AnyLaw law = law::AnyLaw::parse("gaussian:alpha=0.4");
  const law::Sampler& slope = law.multiplier_slopes(0);
  const double expected = noise_slope(slope, kStream, site, dy.data(), x.data());
  for_some_threads(
      [&] { EXPECT_EQ(noise_slope(slope, kStream, site, dy.data(), x.data()), expected); });
}

/// sum dy * x * m of the law with parameter i moved, by the double quantile.
double moved_sum(const law::AnyLaw& law, std::size_t i, double step, const Site& site,
                 const std::vector<float>& dy, const std::vector<float>& x) {
  std::vector<double> parameters(law.values().begin(), law.values().end());
  parameters[i] += step;
  const law::AnyLaw other = law::AnyLaw::make(law.row().name, parameters);
  const double mean = other.normalised() ? other.mean() : 1;
  double sum = 0;
  for (std::size_t k = 0; k < dy.size(); ++k) {
    sum += other.quantile(kStream.uniform(site.row0 * site.columns + k)) / mean * dy[k] * x[k];
  }
  return sum;
}

TEST(NoiseSlopeTest, IsTheDerivativeOfTheMultiplierBySumsOfTheQuantile) {
  const Site site{.rows = 5, .columns = 31, .row0 = 3};
  const std::vector<float> dy = values(size(site), -0.4, 0.6, 1), x = values(size(site), -1, 1, 5);
  for (const law::AnyLaw& law : learned_laws()) {
    for (std::size_t i = 0; i < law.values().size(); ++i) {
      SCOPED_TRACE(law.spec());
      const double h = 1e-5, up = moved_sum(law, i, h, site, dy, x),
                   down = moved_sum(law, i, -h, site, dy, x);
      const double slope =
          noise_slope(law.multiplier_slopes(i), kStream, site, dy.data(), x.data());
      EXPECT_NEAR(slope, (up - down) / (2 * h), 1e-5 * (1 + std::abs(slope)));
    }
  }
}

}  // namespace
}  // namespace scalemix::kernel
