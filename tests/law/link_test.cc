// The linked form of a law's multiplier against its quantile, its mean and their slopes.

#include "scalemix/law/link.h"

#include <gtest/gtest.h>

#include "scalemix/law/any_law.h"

namespace scalemix::law {
namespace {

TEST(Link, IsTheMultiplierAndItsSlopes) {
  std::size_t laws_with = 0;
  for (const char* word : {"gaussian:alpha=0.3", "uniform:half_width=0.5", "lognormal:sigma=0.4",
                           "logistic_normal:mu=0.3,sigma=1.2", "laplace:alpha=0.2", "rayleigh",
                           "half_cauchy:scale=0.7"}) {
    const AnyLaw law = AnyLaw::parse(word);
    const LinkedLaw linked = law.linked();
    const Linked now = linked.at(law.values());
    for (std::uint32_t k = 1; k < 40; ++k) {
      const std::uint32_t bits = k * 107374182u;  // u from 1/40 to 39/40
      const double u = (static_cast<double>(bits >> 9) + 0.5) / 8388608.0,
                   s = linked.standard(bits);
      const double e = now.shift + now.spread * s;
      const double z = law.normalised() ? law.quantile(u) / law.mean() : law.quantile(u);
      EXPECT_NEAR(now.scale * law::linked(linked.link, e), z, 1e-5 * (1 + std::abs(z))) << word;
      for (std::size_t i = 0; i < law.values().size(); ++i) {
        const Linked by = linked.slope(law.values(), i);
        const double slope = by.scale * law::linked(linked.link, e) +
                             now.scale * linked_slope(linked.link, e) * (by.shift + by.spread * s);
        const double exact = law.multiplier_slope(i, u);
        EXPECT_NEAR(slope, exact, 1e-5 * (1 + std::abs(exact))) << word << " " << i << " " << u;
      }
    }
    const double middle =
        now.scale * law::linked(linked.link, now.shift + now.spread * linked.median);
    EXPECT_NEAR(middle, law.normalised() ? law.quantile(0.5) / law.mean() : law.quantile(0.5), 1e-9)
        << word;
    ++laws_with;
  }
  // Every law that can be learned is above.
  std::size_t pathwise = 0;
  for (const LawRow& row : laws()) pathwise += AnyLaw::parse(row.name).pathwise();
  EXPECT_EQ(laws_with, pathwise);
}

TEST(Link, ReadsOneTableWhateverTheParametersAre) {
  const LinkedLaw a = AnyLaw::parse("lognormal:sigma=0.4").linked();
  const LinkedLaw b = AnyLaw::parse("lognormal:sigma=0.9").linked();
  EXPECT_EQ(a.table, b.table);
  EXPECT_EQ(a.table, AnyLaw::parse("logistic_normal").linked().table);
  EXPECT_EQ(a.table, AnyLaw::parse("gaussian").linked().table);
}

TEST(Link, OtherLawsRefuse) {
  for (const char* word : {"bernoulli", "beta", "gamma", "poisson", "inverse_nakagami"}) {
    EXPECT_THROW(AnyLaw::parse(word).linked(), std::invalid_argument) << word;
  }
}

}  // namespace
}  // namespace scalemix::law
