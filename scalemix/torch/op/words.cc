#include "scalemix/torch/op/words.h"

#include <torch/library.h>

#include <stdexcept>

#include "scalemix/law/any_law.h"
#include "scalemix/signal/critical.h"

namespace scalemix::inline v0::op {

double critical_variance(const std::string& activation, const std::string& law) {
  signal::Network net{.activation = signal::Activation::parse(activation)};
  if (law != "none") net.noise = signal::multiplicative(law::AnyLaw::parse(law));
  const signal::Critical critical = signal::critical_initialisation(net);
  if (critical.sigma_w2) return *critical.sigma_w2;
  throw std::domain_error("critical_: " + activation + " with noise " + law +
                          " has no critical initialisation: " + critical.reason);
}

std::tuple<std::string, std::vector<double>, double, double> read_law(const std::string& law) {
  const law::AnyLaw read = law::AnyLaw::parse(law);
  return {std::string(read.row().name),
          {read.values().begin(), read.values().end()},
          read.centre(),
          read.mean()};
}

namespace {

double critical_variance_op(std::string activation, std::string law) {
  return critical_variance(activation, law);
}
std::tuple<std::string, std::vector<double>, double, double> read_law_op(std::string law) {
  return read_law(law);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def("critical_variance(str activation, str law) -> float", critical_variance_op);
  m.def("read_law(str law) -> (str, float[], float, float)", read_law_op);
}

}  // namespace scalemix::inline v0::op
