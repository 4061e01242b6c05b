#include "scalemix/signal/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>

#include "scalemix/signal/closed_form.h"

namespace scalemix::signal {
namespace {

/// Every activation with its defaults and, where it has a parameter, two other values.
std::vector<std::string> specs() {
  std::vector<std::string> all;
  for (const ActivationRow& row : activations()) {
    all.emplace_back(row.name);
    if (row.parameters.empty()) continue;
    const std::string name = std::string(row.name) + ":" + std::string(row.parameters[0].name);
    for (const char* value : {"=0.5", "=1.7"}) all.push_back(name + value);
  }
  return all;
}

class EveryActivation : public testing::TestWithParam<std::string> {
 protected:
  const Activation phi = Activation::parse(GetParam());
  /// Quadrature resolves a periodic function turn by turn, which takes long at large q.
  double largest() const { return phi.name() == "sine" ? 20 : 1e6; }
};
INSTANTIATE_TEST_SUITE_P(Activations, EveryActivation, testing::ValuesIn(specs()),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) {
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           }
                           return name;
                         });

constexpr double kQs[] = {1e-8, 1e-4, 0.03, 0.4, 1, 2.5, 17, 100, 3e3, 1e6};
constexpr double kCs[] = {-1, -0.999999, -0.7, 0, 0.2, 0.9, 0.9999999, 1};

void expect_near(double got, double want, double scale, const std::string& what) {
  EXPECT_NEAR(got, want, 1e-12 * scale) << what;
}

TEST_P(EveryActivation, HasMomentsThatQuadratureConfirms) {
  for (const double q : kQs) {
    if (q > largest()) continue;
    const std::string at = "q = " + std::to_string(q);
    const double m2 = second(phi, q), s2 = slope_second(phi, q);
    expect_near(by_quadrature::mean(phi, q), mean(phi, q), std::sqrt(m2), "mean, " + at);
    expect_near(by_quadrature::second(phi, q), m2, m2, "second, " + at);
    expect_near(by_quadrature::fourth(phi, q), fourth(phi, q), fourth(phi, q), "fourth, " + at);
    expect_near(by_quadrature::slope_second(phi, q), s2, s2, "slope_second, " + at);
    expect_near(by_quadrature::second_rate(phi, q), second_rate(phi, q), s2, "second_rate, " + at);
  }
}

TEST_P(EveryActivation, HasPairMomentsThatQuadratureConfirms) {
  for (const double q1 : {1e-6, 0.5, 2.0, 17.0, 90.0}) {
    if (q1 > largest()) continue;
    for (const double q2 : {q1, 0.8}) {
      for (const double c : kCs) {
        const Pair pair = Pair::at(q1, q2, c);
        const std::string at =
            std::to_string(q1) + " " + std::to_string(q2) + " " + std::to_string(c);
        const double scale = std::sqrt(second(phi, q1) * second(phi, q2));
        const double slopes = std::sqrt(slope_second(phi, q1) * slope_second(phi, q2));
        expect_near(by_quadrature::product(phi, pair), product(phi, pair), scale, "product " + at);
        expect_near(by_quadrature::slope_product(phi, pair), slope_product(phi, pair), slopes,
                    "slope_product " + at);
      }
    }
  }
}

TEST_P(EveryActivation, MeetsItsSecondMomentsAtCorrelationOne) {
  for (const double q : kQs) {
    const Pair same = Pair::at(q, q, 1);
    EXPECT_NEAR(product(phi, same) / second(phi, q), 1, 1e-12) << q;
    EXPECT_NEAR(slope_product(phi, same) / slope_second(phi, q), 1, 1e-12) << q;
    EXPECT_EQ(gap(phi, q, 0), 0);
  }
}

TEST_P(EveryActivation, FactorsAtCorrelationZero) {
  for (const double q : kQs) {
    const double m = mean(phi, q);
    EXPECT_NEAR(product(phi, q, q, 0), m * m, 1e-12 * second(phi, q)) << q;
  }
}

TEST_P(EveryActivation, HasAGapThatIsSecondMinusProduct) {
  for (const double q : {0.1, 1.0, 30.0}) {
    for (const double e : {2.0, 1.3, 0.4, 1e-3}) {
      const double want = second(phi, q) - product(phi, Pair::near_one(q, q, e));
      EXPECT_NEAR(gap(phi, q, e), want, 2e-12 * second(phi, q)) << q << " " << e;
    }
  }
}

// To first order in 1 - c the gap is (1 - c) q E phi'^2, by Price's theorem.
TEST_P(EveryActivation, HasAGapThatKeepsItsDigitsNearOne) {
  for (const double q : {0.1, 1.0, 30.0}) {
    const double e = 1e-13, first = q * slope_second(phi, q);
    EXPECT_NEAR(gap(phi, q, e) / e, first, 1e-5 * first) << q;
  }
}

TEST_P(EveryActivation, TakesSecondRateAsTheDerivativeOfSecond) {
  for (const double q : {0.01, 0.3, 2.0, 40.0}) {
    const double h = 1e-3 * q;
    const double rate = (8 * (second(phi, q + h) - second(phi, q - h)) -
                         (second(phi, q + 2 * h) - second(phi, q - 2 * h))) /
                        (12 * h);
    EXPECT_NEAR(second_rate(phi, q), rate, 1e-9 * slope_second(phi, q) + 1e-12 * second(phi, q) / h)
        << q;
  }
}

TEST_P(EveryActivation, KnowsTheConstantNetworkOfZeroVariance) {
  EXPECT_NEAR(mean(phi, 0), phi.value(0), 1e-15);
  EXPECT_NEAR(second(phi, 0), phi.value(0) * phi.value(0), 1e-15);
  EXPECT_NEAR(product(phi, 0, 0, 0.3), phi.value(0) * phi.value(0), 1e-15);
}

TEST_P(EveryActivation, RefusesWhatIsNoVarianceOrCorrelation) {
  EXPECT_THROW(second(phi, -1), std::domain_error);
  EXPECT_THROW(mean(phi, NAN), std::domain_error);
  EXPECT_THROW(slope_second(phi, INFINITY), std::domain_error);
  EXPECT_THROW(product(phi, 1, 1, 1.5), std::domain_error);
  EXPECT_THROW(gap(phi, 1, -0.1), std::domain_error);
}

struct Golden {
  const char* name;
  double q, mean, second, slope_second;
};
// 30-digit arithmetic (mpmath, adaptive quadrature between kinks).
constexpr Golden kGoldens[] = {
    {"tanh", 0.01, 0, 0.0098054687555324056, 0.98067024346498152},
    {"tanh", 2, 0, 0.51997574566394862, 0.34950829774660281},
    {"tanh", 1000, 0, 0.97477904179745074, 0.016818172175373161},
    {"sigmoid", 0.01, 0.5, 0.25062189693581391, 0.062190204178377764},
    {"sigmoid", 2, 0.5, 0.31841907698418473, 0.037026612085737275},
    {"sigmoid", 1000, 0.5, 0.48740501800880813, 0.0021012559589730416},
    {"silu", 0.01, 0.0024937810306418609, 0.0025185952815587472, 0.25247528776878615},
    {"silu", 2, 0.36316184603163055, 0.79915315196280295, 0.4268727248983248},
    {"silu", 1000, 12.594981991191874, 499.9587806551843, 0.50266459947304642},
    {"gelu", 0.01, 0.0039696240574660719, 0.0025469634945774959, 0.25624131882887736},
    {"gelu", 2, 0.46065886596178064, 0.9220828721100172, 0.48951193779169568},
    {"gelu", 1000, 12.609359505730281, 499.99407628849142, 0.5017721489258759},
    {"elu", 0.01, 0.002373013327678879, 0.0092822376584024724, 0.92923980823347369},
    {"elu", 2, 0.27798137162565979, 1.2001142619994459, 0.62769783815525287},
    {"elu", 1000, 12.128265694707357, 500.48110008631535, 0.50630625552846669},
    {"hard_tanh", 2, 0, 0.64171729887760174, 0.52049987781304654},
    {"hard_tanh", 1000, 0, 0.98318079842800655, 0.025227120630039611},
};

TEST(Moments, MatchThirtyDigitArithmetic) {
  for (const Golden& g : kGoldens) {
    const Activation phi = Activation::parse(g.name);
    EXPECT_NEAR(mean(phi, g.q), g.mean, 1e-13 * std::sqrt(g.second)) << g.name << " " << g.q;
    EXPECT_NEAR(second(phi, g.q) / g.second, 1, 1e-13) << g.name << " " << g.q;
    EXPECT_NEAR(slope_second(phi, g.q) / g.slope_second, 1, 1e-13) << g.name << " " << g.q;
  }
}

struct PairGolden {
  const char* name;
  double q1, q2, c, product, slope_product;
};
// hard_tanh and elu: 25-digit arithmetic, the inner expectation in closed form. tanh and silu: the
// two-dimensional trapezoid rule with step 0.02.
constexpr PairGolden kPairGoldens[] = {
    {"hard_tanh", 1, 1, 0.3, 0.1408927208643123, 0.4769287710534489},
    {"hard_tanh", 2, 0.5, -0.6, -0.2700154319122874, 0.4736173756295962},
    {"hard_tanh", 50, 30, 0.9, 0.7014251789686929, 0.03603200499745056},
    {"hard_tanh", 0.2, 3, 0.99, 0.3306321206168681, 0.436297138349227},
    {"elu", 1, 1, 0.3, 0.2029391204898862, 0.6014879115584891},
    {"elu", 2, 0.5, -0.6, -0.3097094075053787, 0.5400277154517059},
    {"elu", 50, 30, 0.9, 17.81737604048991, 0.4846199570905601},
    {"elu", 0.2, 3, 0.99, 0.4913411545267106, 0.6563886737169877},
    {"tanh", 1, 1, 0.3, 0.11066838554745106, 0.37299191234193113},
    {"tanh", 2, 0.5, -0.6, -0.21359607952345272, 0.37165590701263584},
    {"silu", 1, 1, 0.3, 0.12324303420843691, NAN},
    {"silu", 2, 0.5, -0.6, -0.088370392479445, NAN},
};

TEST(Moments, OfPairsMatchIndependentQuadrature) {
  for (const PairGolden& g : kPairGoldens) {
    const Activation phi = Activation::parse(g.name);
    EXPECT_NEAR(product(phi, g.q1, g.q2, g.c) / g.product, 1, 1e-13) << g.name << " " << g.q1;
    if (std::isnan(g.slope_product)) continue;  // not computed there
    EXPECT_NEAR(slope_product(phi, g.q1, g.q2, g.c) / g.slope_product, 1, 1e-13) << g.name;
  }
}

// sin^4 = 3/8 - cos(2u)/2 + cos(4u)/8.
TEST(Moments, OfTheFourthPowerOfASine) {
  const double q = 1.3, want = 0.375 - std::exp(-2 * q) / 2 + std::exp(-8 * q) / 8;
  EXPECT_NEAR(fourth(Activation::parse("sine"), q), want, 1e-14);
}

TEST(SineMinusChord, IsTheSameOnBothSidesOfItsSwitch) {
  for (const double t : {0.5, 0.499999999, 0.500000001}) {
    EXPECT_NEAR(sine_minus_chord(t), std::sin(t) - t * std::cos(t), 1e-16) << t;
  }
  EXPECT_NEAR(sine_minus_chord(1e-5) / 1e-15, 1.0 / 3, 1e-10);
}

}  // namespace
}  // namespace scalemix::signal
