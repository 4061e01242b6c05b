// Networks for tests, in few words.
#pragma once

#include <string>
#include <string_view>

#include "scalemix/signal/maps.h"

namespace scalemix::signal::test {

inline Network network(std::string_view activation, std::string_view law, double sigma_w2,
                       double sigma_b2 = 0) {
  const NoiseMoments noise = law.empty() ? NoiseMoments{} : multiplicative(law::AnyLaw::parse(law));
  return {Activation::parse(activation), noise, sigma_w2, sigma_b2, {}};
}

/// "bernoulli:p=..." of a keep probability, as papers on dropout write it.
inline std::string dropout_keeping(double keep) {
  return "bernoulli:p=" + std::to_string(1 - keep);
}

inline Network with_additive(std::string_view activation, double s2, double sigma_w2,
                             double sigma_b2 = 0) {
  return {Activation::parse(activation), {.additive = true, .s2 = s2}, sigma_w2, sigma_b2, {}};
}

}  // namespace scalemix::signal::test
