// What the tests of priors run over: every named prior with several parameters, every law.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "scalemix/base/quadrature.h"
#include "scalemix/prior/prior.h"
#include "scalemix/random/stream.h"
#include "tests/law/cases.h"

namespace scalemix::prior::test {

/// Those with a closed form.
inline std::vector<std::string> named_words() {
  return {"normal:scale=2",
          "laplace:scale=0.5",
          "laplace:scale=3",
          "student_t:nu=0.5,scale=1",
          "student_t:nu=1,scale=2",
          "student_t:nu=5,scale=0.1",
          "student_t:nu=200,scale=1",
          "horseshoe:scale=1",
          "horseshoe:scale=0.01",
          "spike_slab:p=0.3,scale=1.5",
          "generalised_hyperbolic:scale=1",
          "generalised_hyperbolic:scale=1.7"};
}

/// Those, and what every law of ordinary size induces.
inline std::vector<std::string> words() {
  std::vector<std::string> out = named_words();
  for (const std::string& spec : law::test::ordinary_specs()) {
    out.push_back("induced:" + spec + ",sigma0=0.7");
  }
  return out;
}

/// Sizes from `lo` to `hi` median sizes, each `factor` times the one before.
inline std::vector<double> sizes(const Prior& prior, double lo, double hi, double factor) {
  std::vector<double> out;
  const double unit = prior.median_size();
  for (double v = lo; v <= hi; v *= factor) out.push_back(v * unit);
  return out;
}

/// The integral over all v of f(|v|), from 1e-30 to 1e39 median sizes.
template <class F>
double integral(const Prior& prior, const F& f) {
  const double middle = std::log(prior.median_size());
  return 2 * integrate(
                 middle - 69, middle + 90, [](double lo, double hi) { return hi - lo < 0.25; },
                 [&](double t) { return std::exp(t) * f(std::exp(t)); });
}

/// n weights: raw draws of the law times normal ones.
inline std::vector<float> draws(const Prior& prior, std::size_t n, std::uint64_t seed) {
  const Stream noise{seed, stream_id(Purpose::generate, 1), 0};
  const Stream weights{seed, stream_id(Purpose::generate, 2), 0};
  static const law::AnyLaw normal = law::AnyLaw::parse("normal");
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = prior.law().raw()(noise.word(i)) * normal.raw()(weights.word(i)) *
             static_cast<float>(prior.sigma0());
  }
  return out;
}

class EveryPrior : public testing::TestWithParam<std::string> {
 protected:
  const Prior prior = Prior::parse(GetParam());
};
class NamedPrior : public EveryPrior {};

inline std::string test_name(const testing::TestParamInfo<std::string>& info) {
  return law::test::test_name(info.param);
}

}  // namespace scalemix::prior::test
