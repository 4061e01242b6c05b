#include "scalemix/signal/fixed_point.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "scalemix/signal/depth_scale.h"
#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using test::dropout_keeping;
using test::network;
using test::with_additive;

struct Relu {
  const char* law;
  double sigma_w2, c, slope, scale;
};
// 40-digit arithmetic, bisection on the critical correlation map of Pretorius et al. (2018).
constexpr Relu kRelu[] = {
    {"bernoulli:p=0.01", 1.98, 0.90293259912, 0.85000444388, 6.1533273275},
    {"bernoulli:p=0.02", 1.96, 0.85112695536, 0.80759870286, 4.6796761945},
    {"bernoulli:p=0.05", 1.9, 0.74481708688, 0.72909011644, 3.1649782437},
    {"bernoulli:p=0.1", 1.8, 0.62714588495, 0.64419931802, 2.2740343219},
    {"bernoulli:p=0.2", 1.6, 0.47279934721, 0.5254051653, 1.5537949353},
    {"bernoulli:p=0.25", 1.5, 0.41543392522, 0.4772776908, 1.3519783834},
    {"bernoulli:p=0.3", 1.4, 0.36602554936, 0.43349720709, 1.196358392},
    {"bernoulli:p=0.4", 1.2, 0.28390865355, 0.35497874869, 0.96553302565},
    {"bernoulli:p=0.5", 1, 0.21723362821, 0.28485167344, 0.79631359156},
    {"bernoulli:p=0.6", 0.8, 0.16122803433, 0.22061818423, 0.66167247541},
    {"bernoulli:p=0.7", 0.6, 0.11306350454, 0.16081990588, 0.54720456421},
    {"bernoulli:p=0.8", 0.4, 0.07091345945, 0.10451828331, 0.44279267761},
    {"bernoulli:p=0.9", 0.2, 0.033525135021, 0.051067338191, 0.33617850611},
    {"gaussian:alpha=0.01", 1.9801980198, 0.90353586458, 0.85053248038, 6.176931604},
    {"gaussian:alpha=0.0625", 1.8823529412, 0.72038077, 0.71156039982, 2.9386270023},
    {"gaussian:alpha=0.16", 1.724137931, 0.56014605386, 0.59418533976, 1.9209934265},
    {"gaussian:alpha=0.30249999999999999", 1.5355086372, 0.43476167576, 0.49379454002,
     1.4171617396},
    {"gaussian:alpha=0.48999999999999999", 1.3422818792, 0.3403319095, 0.4097580055, 1.120839344},
    {"gaussian:alpha=0.72250000000000003", 1.1611030479, 0.26992017525, 0.34078218633,
     0.92892622383},
    {"gaussian:alpha=1", 1, 0.21723362821, 0.28485167344, 0.79631359156},
    {"gaussian:alpha=1.3225", 0.86114101184, 0.17741153897, 0.23972975823, 0.70016096826},
    {"gaussian:alpha=1.6899999999999999", 0.74349442379, 0.14691848025, 0.20332174713,
     0.62775994918},
    {"gaussian:alpha=2.1025", 0.64464141821, 0.12323926673, 0.17383666757, 0.57154643647},
    {"gaussian:alpha=2.5600000000000001", 0.56179775281, 0.10459234096, 0.14981847705,
     0.5267785587},
    {"gaussian:alpha=3.0625", 0.49230769231, 0.089709924395, 0.13011544544, 0.49035636229},
    {"gaussian:alpha=3.6099999999999999", 0.43383947939, 0.077681453997, 0.11382900458,
     0.46018101608},
    {"gaussian:alpha=4", 0.4, 0.07091345945, 0.10451828331, 0.44279267761},
    {"laplace:alpha=0.125", 1.7777777778, 0.60608076429, 0.62867482974, 2.1545171443},
    {"laplace:alpha=0.5", 1.3333333333, 0.33650841692, 0.40616403751, 1.1098801705},
    {"laplace:alpha=2", 0.66666666667, 0.12837455353, 0.18032532235, 0.58377364504},
    {"poisson:rate=1", 1, 0.21723362821, 0.28485167344, 0.79631359156},
    {"uniform:half_width=0.5", 1.8461538462, 0.67588613013, 0.67960513413, 2.5890414422},
    {"uniform:half_width=1.0", 1.5, 0.41543392522, 0.4772776908, 1.3519783834},
};

TEST(CorrelationFixedPoint, OfCriticalReluMatchesFortyDigitArithmetic) {
  for (const Relu& g : kRelu) {
    const double mu2 = law::AnyLaw::parse(g.law).mu2();
    const Propagation p = propagation(network("relu", g.law, 2 / mu2));
    EXPECT_NEAR(2 / mu2 / g.sigma_w2, 1, 1e-10) << g.law;
    EXPECT_EQ(p.q.kind, Fixed::every) << g.law;
    ASSERT_TRUE(p.slopes && p.scales) << g.law;
    EXPECT_NEAR(*p.c.value / g.c, 1, 1e-10) << g.law;
    EXPECT_NEAR(p.slopes->correlation / g.slope, 1, 1e-10) << g.law;
    EXPECT_NEAR(p.scales->correlation / g.scale, 1, 1e-10) << g.law;
    EXPECT_NEAR(std::cos(critical_angle(M_PI * (mu2 - 1))), *p.c.value, 1e-14) << g.law;
  }
}

TEST(CorrelationFixedPoint, OfCriticalReluIsOneWithoutNoise) {
  const Propagation p = propagation(network("relu", "", 2));
  EXPECT_EQ(p.c.value, 1);
  EXPECT_EQ(p.slopes->correlation, 1);
  EXPECT_EQ(p.scales->correlation, std::numeric_limits<double>::infinity());
  EXPECT_EQ(p.scales->gradient, std::numeric_limits<double>::infinity());
}

struct Small {
  double alpha, one_minus_c, scale;
};
// 40-digit arithmetic; 1 - c* goes like (alpha / 0.3001)^(2/3).
constexpr Small kSmall[] = {{1e-2, 0.096464135, 6.1769316},
                            {1e-3, 0.021965177, 14.249653},
                            {1e-4, 0.0047902456, 31.481499},
                            {1e-6, 2.2305721e-4, 148.21435}};

TEST(CorrelationFixedPoint, KeepsItsDigitsForWeakNoise) {
  for (const Small& g : kSmall) {
    Network net = network("relu", "", 2 / (1 + g.alpha));
    net.noise = gaussian_noise(g.alpha);
    const Propagation p = propagation(net);
    EXPECT_NEAR(p.c.one_minus / g.one_minus_c, 1, 5e-8) << g.alpha;
    EXPECT_NEAR(p.scales->correlation / g.scale, 1, 5e-8) << g.alpha;
  }
  EXPECT_NEAR(critical_angle(1e-30) / std::cbrt(3e-30), 1, 1e-12);
}

struct Leaky {
  double slope, keep, sigma_w2, c, chi, scale;
};
// 40-digit arithmetic, bisection.
constexpr Leaky kLeaky[] = {
    {0.01, 0.9, 1.799820018, 0.6235760947, 0.6480304743, 2.305116488},
    {0.01, 0.5, 0.99990001, 0.2141789941, 0.288666285, 0.8048393502},
    {0.1, 0.9, 1.782178218, 0.5872090957, 0.6833017678, 2.625921537},
    {0.1, 0.8, 1.584158416, 0.4287699795, 0.5697052385, 1.777347494},
    {0.25, 0.8, 1.505882353, 0.3473631751, 0.6360614581, 2.210139692},
    {0.5, 0.8, 1.28, 0.1850134031, 0.7294772567, 3.170304765},
    {0.5, 0.5, 0.8, 0.05797180235, 0.4518463349, 1.258790886},
};

TEST(CorrelationFixedPoint, OfLeakyReluMatchesFortyDigitArithmetic) {
  for (const Leaky& g : kLeaky) {
    const double a = g.slope, sigma_w2 = 2 * g.keep / (1 + a * a);
    const Network net =
        network("leaky_relu:slope=" + std::to_string(a), dropout_keeping(g.keep), sigma_w2);
    const Propagation p = propagation(net);
    EXPECT_NEAR(sigma_w2 / g.sigma_w2, 1, 1e-9);
    EXPECT_NEAR(*p.c.value / g.c, 1, 2e-9) << a << " " << g.keep;
    EXPECT_NEAR(p.slopes->correlation / g.chi, 1, 2e-9) << a << " " << g.keep;
    EXPECT_NEAR(p.scales->correlation / g.scale, 1, 2e-9) << a << " " << g.keep;
    const double kappa = (1 - a) * (1 - a) / (1 + a * a);
    EXPECT_NEAR(std::cos(critical_angle(M_PI * net.noise.alpha() / kappa)), *p.c.value, 1e-13);
  }
}

struct Curved {
  double sigma_w2, keep, q, c, gradient, correlation, scale1, scale2, scale_q;
};
// Gauss-Hermite quadrature with 240 nodes, cross-checked by the trapezoid rule; sigma_b2 = 0.05.
constexpr Curved kTanh[] = {
    {1.0, 1.00, 0.193592520, 1, 0.759031647, 0.759031647, 3.62698, 3.62698, 1.747626},
    {1.5, 1.00, 0.418037201, 1, 0.938636268, 0.938636268, 15.79099, 15.79099, 1.682828},
    {1.7, 1.00, 0.533075628, 1, 0.986740809, 0.986740809, 74.91827, 74.91827, 1.558254},
    {2.0, 1.00, 0.721761873, 0.744082420, 1.047666000, 0.961114792, 21.47543, 25.21341, 1.387976},
    {2.5, 1.00, 1.063958377, 0.446804232, 1.133515699, 0.918716775, 7.97932, 11.79560, 1.179873},
    {3.0, 1.00, 1.428008462, 0.299317642, 1.208934424, 0.895404716, 5.27039, 9.05146, 1.041461},
    {4.0, 1.00, 2.195493928, 0.165064962, 1.342402414, 0.866527996, 3.39604, 6.98027, 0.873293},
    {1.0, 0.99, 0.196948424, 0.969484816, 0.763977013, 0.754654336, 3.71447, 3.55246, 1.754933},
    {1.5, 0.99, 0.426369774, 0.886546234, 0.942580438, 0.911977459, 16.91074, 10.85305, 1.673602},
    {2.0, 0.99, 0.735006144, 0.621721279, 1.051441290, 0.926600144, 19.93546, 13.11765, 1.377770},
    {3.0, 0.99, 1.450587380, 0.270649235, 1.213276347, 0.882682694, 5.17265, 8.01350, 1.034621},
    {1.5, 0.98, 0.434942954, 0.804845836, 0.946547217, 0.893071930, 18.20352, 8.84266, 1.664095},
    {2.0, 0.98, 0.748580585, 0.548449971, 1.055259932, 0.905648999, 18.59181, 10.09046, 1.367527},
    {3.0, 0.98, 1.473679706, 0.246832985, 1.217683843, 0.870835995, 5.07742, 7.23057, 1.027790},
    {1.5, 0.95, 0.462186166, 0.635103603, 0.958595142, 0.851777123, 23.64823, 6.23323, 1.633976},
    {2.0, 0.95, 0.791392131, 0.412278842, 1.066991997, 0.861884296, 15.42175, 6.72792, 1.336603},
    {2.0, 0.90, 0.870421981, 0.286397183, 1.087570973, 0.806694777, 11.91231, 4.65528, 1.284587},
    {3.0, 0.90, 1.679021951, 0.138845411, 1.255538983, 0.788052776, 4.39435, 4.19833, 0.973484},
};

TEST(Propagation, OfTanhMatchesAnIndependentQuadrature) {
  for (const Curved& g : kTanh) {
    const Propagation p = propagation(network("tanh", dropout_keeping(g.keep), g.sigma_w2, 0.05));
    ASSERT_TRUE(p.slopes && p.scales);
    const std::string at = std::to_string(g.sigma_w2) + " " + std::to_string(g.keep);
    EXPECT_NEAR(*p.q.value, g.q, 6e-10) << at;
    EXPECT_NEAR(*p.c.value, g.c, 6e-10) << at;
    EXPECT_NEAR(p.slopes->gradient, g.gradient, 6e-10) << at;
    EXPECT_NEAR(p.slopes->correlation, g.correlation, 6e-10) << at;
    EXPECT_NEAR(p.scales->gradient, g.scale1, 6e-6) << at;
    EXPECT_NEAR(p.scales->correlation, g.scale2, 6e-6) << at;
    EXPECT_NEAR(p.scales->variance, g.scale_q, 6e-7) << at;
  }
}

struct Huang {
  double keep, q, c, gradient, correlation;
};
// The same quadrature at the settings of Huang et al. (2020), figure 3: sigma_w2 = 1.4, sigma_b2 =
// 0.1.
constexpr Huang kHuang[] = {{1.0, .468486558, 1, .846420286, .846420286},
                            {0.9, .550162517, .645143372, .893706491, .742066176},
                            {0.8, .660938679, .434454257, .945362969, .662848991},
                            {0.7, .814644010, .292851237, 1.003006915, .586077401},
                            {0.6, 1.034367101, .195088268, 1.069588499, .506831837}};

TEST(Propagation, OfTanhMatchesTheSettingsOfHuang) {
  for (const Huang& g : kHuang) {
    const Propagation p = propagation(network("tanh", dropout_keeping(g.keep), 1.4, 0.1));
    EXPECT_NEAR(*p.q.value, g.q, 6e-10) << g.keep;
    EXPECT_NEAR(*p.c.value, g.c, 6e-10) << g.keep;
    EXPECT_NEAR(p.slopes->gradient, g.gradient, 6e-10) << g.keep;
    EXPECT_NEAR(p.slopes->correlation, g.correlation, 6e-10) << g.keep;
  }
}

struct Erf {
  double b, sigma_w2, keep, q, c, gradient, correlation;
};
const double kRoot = std::sqrt(M_PI) / 2;
// The closed form of Williams (1997), bisection; sigma_b2 = 0.05.
const Erf kErf[] = {{1, 1.5, 1.0, 0.601753167, 0.820530088, 1.034700130, 0.969551941},
                    {1, 1.5, 0.9, 0.719623317, 0.327633917, 1.077524980, 0.798024513},
                    {1, 2.5, 0.95, 1.456885311, 0.186462416, 1.282313918, 0.821259173},
                    {kRoot, 1.5, 1.0, 0.467512206, 1, 0.954672045, 0.954672045},
                    {kRoot, 1.5, 0.9, 0.574279548, 0.422628200, 0.995286108, 0.804946736},
                    {kRoot, 2.5, 0.9, 1.384454799, 0.171404241, 1.201006190, 0.792961672}};

TEST(Propagation, OfErfMatchesItsClosedForm) {
  for (const Erf& g : kErf) {
    char spec[64];
    std::snprintf(spec, sizeof spec, "erf:b=%.17g", g.b);
    const Propagation p = propagation(network(spec, dropout_keeping(g.keep), g.sigma_w2, 0.05));
    EXPECT_NEAR(*p.q.value, g.q, 6e-10);
    EXPECT_NEAR(*p.c.value, g.c, 6e-10);
    EXPECT_NEAR(p.slopes->gradient, g.gradient, 6e-10);
    EXPECT_NEAR(p.slopes->correlation, g.correlation, 6e-10);
  }
}

// Huang et al. (2020), figure 1c: relu, sigma_w = 0.9, sigma_b = 0.5.
TEST(Propagation, OfReluWithBias) {
  const Propagation clean = propagation(network("relu", "", 0.81, 0.25));
  EXPECT_NEAR(*clean.q.value, 0.420168067, 6e-10);
  EXPECT_EQ(clean.c.value, 1);
  EXPECT_NEAR(clean.slopes->correlation, 0.405, 1e-12);
  const Propagation noisy = propagation(network("relu", "bernoulli:p=0.3", 0.81, 0.25));
  EXPECT_NEAR(*noisy.q.value, 0.593220339, 6e-10);
  EXPECT_NEAR(*noisy.c.value, 0.736322477, 6e-10);
  EXPECT_NEAR(noisy.slopes->gradient, 0.578571429, 6e-10);
  EXPECT_NEAR(noisy.slopes->correlation, 0.309192935, 6e-10);
}

TEST(VarianceFixedPoint, IsNoneWhereReluGrows) {
  const FixedPoint q = variance_fixed_point(network("relu", "bernoulli:p=0.6", 0.81, 0.25));
  EXPECT_EQ(q.kind, Fixed::none);
  EXPECT_FALSE(q.value);
  EXPECT_EQ(q.reason, "the variance grows by a factor of 1.0125 per layer");
}

TEST(VarianceFixedPoint, SaysWhyThereIsNone) {
  EXPECT_EQ(variance_fixed_point(with_additive("relu", 0.5, 2)).reason,
            "the variance grows by 1 per layer");
  EXPECT_EQ(variance_fixed_point(network("relu", "half_cauchy", 1)).reason,
            "the noise's second moment is infinite");
  EXPECT_EQ(variance_fixed_point(network("silu", "", 3)).kind, Fixed::none);
  Network residual = network("tanh", "", 1);
  residual.branch = 0.1;
  EXPECT_EQ(variance_fixed_point(residual).reason, "a residual block only adds variance");
}

TEST(VarianceFixedPoint, OfTanhWithAdditiveNoise) {
  EXPECT_NEAR(*variance_fixed_point(with_additive("tanh", 1, 1)).value, 1.463850891, 6e-10);
}

TEST(VarianceFixedPoint, OfReluWithAdditiveNoiseBelowCritical) {
  EXPECT_NEAR(*variance_fixed_point(with_additive("relu", 0.3, 1.5, 0.1)).value,
              (1.5 * 0.3 + 0.1) / 0.25, 1e-14);
}

TEST(VarianceFixedPoint, IsZeroWhereTheSignalDies) {
  for (const char* phi : {"relu", "tanh", "silu", "erf:b=0.5", "hard_tanh", "elu", "sine"}) {
    const FixedPoint q = variance_fixed_point(network(phi, "", 0.9));
    EXPECT_EQ(q.kind, Fixed::zero) << phi;
    EXPECT_EQ(q.value, 0) << phi;
    EXPECT_FALSE(q.reason.empty());
  }
  EXPECT_EQ(variance_fixed_point(network("tanh", "", 1)).kind, Fixed::zero);
}

TEST(VarianceFixedPoint, WithoutWeightsIsTheBias) {
  for (const ActivationRow& row : activations()) {
    EXPECT_NEAR(*variance_fixed_point(network(row.name, "", 0, 0.3)).value, 0.3, 1e-15) << row.name;
    EXPECT_EQ(variance_fixed_point(network(row.name, "", 0)).kind, Fixed::zero) << row.name;
  }
}

// Near sigma_w2 = 2.00935059 the two fixed points of gelu at sigma_b2 = 0.15 meet at q = 1.4724 (a walk
// over q in double precision): both lie between two places of a scan from q0 = 1.
TEST(VarianceFixedPoint, IsFoundWhereTwoLieSideBySide) {
  Network net = network("gelu", "", 2.0093505891962913 * (1 - 1e-6), 0.15);
  const FixedPoint lower = variance_fixed_point(net);
  ASSERT_EQ(lower.kind, Fixed::point) << lower.reason;
  EXPECT_GT(*lower.value, 1.45);
  EXPECT_LT(*lower.value, 1.4724);
  EXPECT_LT(variance_step(net, *lower.value * 1.001), 0);
  EXPECT_GT(variance_step(net, *lower.value * 0.999), 0);
  EXPECT_NEAR(*variance_fixed_point(net, 1.475).value / *lower.value, 1, 1e-9);
  net.sigma_w2 = 2.0093505891962913 * (1 + 1e-6);
  EXPECT_EQ(variance_fixed_point(net).kind, Fixed::none);
}

// mu2 and sigma_w2 are rounded: a rate so near to 1 is 1, and 1e14 times what is left of it nothing.
TEST(VarianceFixedPoint, TakesARateNextToOneForOne) {
  for (const double off : {-2e-13, -1e-15, 1e-15, 2e-13}) {
    const Network net = network("elu", "", 2 * (1 + off));
    EXPECT_NEAR(variance_step(net, 1e14), 1, 1e-6) << off;
    EXPECT_EQ(variance_fixed_point(net).kind, Fixed::none) << off;
  }
}

TEST(VarianceFixedPoint, StaysWhereItIs) {
  for (const ActivationRow& row : activations()) {
    for (const double sigma_w2 : {0.3, 1.2, 1.9, 30.0}) {
      for (const double sigma_b2 : {1e-9, 0.05, 4.0}) {
        const Network net = network(row.name, "bernoulli:p=0.05", sigma_w2, sigma_b2);
        const FixedPoint q = variance_fixed_point(net);
        if (!q.exists()) continue;
        EXPECT_NEAR(variance_map(net, *q.value) / *q.value, 1, 1e-12)
            << row.name << " " << sigma_w2 << " " << sigma_b2;
        const double c = *correlation_fixed_point(net).value;
        EXPECT_NEAR(correlation_map(net, *q.value, c), c, 1e-12)
            << row.name << " " << sigma_w2 << " " << sigma_b2;
      }
    }
  }
}

TEST(VarianceFixedPoint, IsWhereIterationEnds) {
  for (const char* phi : {"tanh", "sigmoid", "elu", "hard_tanh", "gelu", "sine"}) {
    const Network net = network(phi, "gaussian:alpha=0.2", 1.1, 0.2);
    const FixedPoint q = variance_fixed_point(net), c = correlation_fixed_point(net);
    const Trajectory path = trajectory(net, Pair::at(1, 1, -0.4), 2000);
    EXPECT_NEAR(path.layers.back().q1 / *q.value, 1, 1e-12) << phi;
    EXPECT_NEAR(path.layers.back().c, *c.value, 1e-12) << phi;
  }
}

TEST(CorrelationFixedPoint, OutlivesAVarianceThatGrowsOrShrinks) {
  const double critical = *correlation_fixed_point(network("relu", "bernoulli:p=0.2", 1.6)).value;
  for (const double sigma_w2 : {0.4, 1.5, 3.0}) {
    const FixedPoint c = correlation_fixed_point(network("relu", "bernoulli:p=0.2", sigma_w2));
    EXPECT_NEAR(*c.value, critical, 1e-13) << sigma_w2;
  }
  EXPECT_NEAR(*correlation_fixed_point(network("relu", "bernoulli:p=0.2", 3, 0.7)).value, critical,
              1e-13);
  EXPECT_NEAR(*correlation_fixed_point(network("tanh", "bernoulli:p=0.2", 0.5)).value, 0, 1e-15);
  EXPECT_EQ(*correlation_fixed_point(with_additive("relu", 1, 2)).value, 1);
}

TEST(CorrelationFixedPoint, SaysWhyThereIsNone) {
  EXPECT_EQ(correlation_fixed_point(network("relu", "half_cauchy", 1)).reason,
            "the noise's second moment is infinite");
  EXPECT_FALSE(correlation_fixed_point(network("relu", "", 0)).exists());
  EXPECT_FALSE(correlation_fixed_point(network("silu", "", 3)).exists());
  EXPECT_EQ(correlation_fixed_point(network("linear", "", 1)).kind, Fixed::every);
}

// Noise of mean 0 leaves two inputs nothing in common but the bias.
TEST(CorrelationFixedPoint, OfNoiseWithoutMeanIsTheBiasesShare) {
  const FixedPoint c = correlation_fixed_point(network("relu", "normal", 1, 0.5));
  EXPECT_NEAR(*c.value, 0.5, 1e-14);
}

TEST(CorrelationFixedPoint, GoesToZeroAsEverythingIsDropped) {
  double before = 1;
  for (const double keep : {0.1, 0.01, 1e-4, 1e-8}) {
    Network net = network("relu", "", 2 * keep);
    net.noise = {.mu2 = 1 / keep, .mu4 = 1 / (keep * keep * keep)};
    const double c = *correlation_fixed_point(net).value;
    EXPECT_LT(c, before);
    before = c;
  }
  EXPECT_NEAR(before * 1e8, 1 / M_PI, 1e-6);
}

TEST(CriticalAngle, SolvesItsEquation) {
  for (const double excess : {0.0, 1e-12, 1e-3, 0.4, 3.0, 50.0, 1e6}) {
    const long double t = critical_angle(excess);
    EXPECT_NEAR(std::tan(t) - t, excess, 1e-10 * excess * (1 + excess)) << excess;
  }
  EXPECT_EQ(critical_angle(std::numeric_limits<double>::infinity()), M_PI / 2);
  EXPECT_THROW(critical_angle(-1e-9), std::domain_error);
  EXPECT_THROW(critical_angle(NAN), std::domain_error);
}

TEST(FixedPoint, HasANameForEachKind) {
  EXPECT_EQ(name(Fixed::point), "point");
  EXPECT_EQ(name(Fixed::every), "every");
  EXPECT_EQ(name(Fixed::zero), "zero");
  EXPECT_EQ(name(Fixed::none), "none");
}

}  // namespace
}  // namespace scalemix::signal
