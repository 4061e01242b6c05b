#include "scalemix/prior/called.h"

#include "tests/prior/cases.h"

namespace scalemix::prior::test {
namespace {

double exponent_at(const Prior& prior, double sizes) {
  const double v = sizes * prior.median_size();
  return v * prior.slope(v);
}

TEST(Called, EveryLawHasARow) {
  for (const law::LawRow& row : law::laws()) {
    const Called& names = called(law::AnyLaw::parse(row.name));
    EXPECT_EQ(names.law, row.name);
    EXPECT_NE(names.tail, "") << row.name;
  }
  EXPECT_EQ(called(law::AnyLaw::parse("uniform:half_width=0")).marginal, "normal");
}

TEST(Called, ANameOfAMarginalIsAClosedForm) {
  for (const law::LawRow& row : law::laws()) {
    const law::AnyLaw law = law::AnyLaw::parse(row.name);
    const bool closed = !Prior::induced(law).name().empty();
    EXPECT_EQ(closed, called(law).marginal != "" && row.name != "lognormal") << row.name;
  }
}

// ln p = -c |v|^power: the exponent -d ln p / d ln |v| then grows by 2^power where |v| doubles.
TEST(Called, TailsFallAsTheRowsSay) {
  for (const law::LawRow& row : law::laws()) {
    const law::AnyLaw law = law::AnyLaw::parse(row.name);
    const Prior prior = Prior::induced(law);
    const double power = std::log2(exponent_at(prior, 400) / exponent_at(prior, 200));
    // Those with a logarithm in them, or beyond all powers, are slow to get there.
    const double slow = row.name == "lognormal" ? 0.3 : row.name == "poisson" ? 0.15 : 0.05;
    EXPECT_NEAR(power, called(law).power, slow) << row.name;
    const double exponent = tail_exponent(law);
    if (std::isfinite(exponent)) {
      EXPECT_NEAR(exponent_at(prior, 1e4), exponent, 1e-3) << row.name;
    } else {
      EXPECT_GT(exponent_at(prior, 200), 10) << row.name;
    }
  }
  EXPECT_EQ(tail_exponent(law::AnyLaw::parse("inverse_nakagami:shape=0.75")), 2.5);
}

}  // namespace
}  // namespace scalemix::prior::test
