#include "scalemix/torch/nn/noise.h"

#include <cmath>
#include <ostream>
#include <vector>

#include "scalemix/base/check.h"
#include "scalemix/base/error.h"
#include "scalemix/torch/op/noise.h"

namespace scalemix::inline v0::nn {
namespace {

void check_word(const char* name, const std::string& word, const std::vector<std::string>& known) {
  std::string list;
  for (const std::string& one : known) {
    if (one == word) return;
    list += " " + one;
  }
  throw ConfigError("Noise: expected a " + std::string(name) + " of" + list + ", got " + word);
}

}  // namespace

NoiseImpl::NoiseImpl(NoiseOptions options_)
    : options(std::move(options_)), law_(law::AnyLaw::parse(options.law())) {
  check_word("site", options.site(), {"unit", "channel", "layer", "weight"});
  check_word("mode", options.mode(), {"multiply", "add"});
  if (options.mode() == "add") check_finite("Noise", "the mean of " + options.law(), law_.mean());
  params_ = torch::tensor(std::vector<double>(law_.values().begin(), law_.values().end()),
                          torch::kDouble);
  reset();
}

void NoiseImpl::reset() { draws.reset(*this, options.draws()); }

torch::Tensor NoiseImpl::forward(const torch::Tensor& x) {
  const bool multiply = options.mode() == "multiply";
  if (!is_training()) {
    if (multiply) return law_.centre() == 1 ? x : x * law_.centre();
    return law_.mean() == 0 ? x : x + law_.mean();
  }
  const torch::Tensor y =
      op::noise(x.unsqueeze(0), draws.seed, std::string(law_.row().name), params_, options.site(),
                options.mode(), draws.stream, draws.draw, draws.row0);
  draws.advance();
  return y.squeeze(0);
}

void NoiseImpl::pretty_print(std::ostream& out) const {
  out << "scalemix::nn::Noise(" << law_.spec() << ", site=" << options.site()
      << ", mode=" << options.mode() << ")";
}

}  // namespace scalemix::inline v0::nn
