#include "scalemix/torch/optim/optimiser.h"

#include <cmath>
#include <limits>

namespace scalemix::inline v0::optim {

Optimiser::Optimiser(const run::TrainConfig& config, const nn::Storage& storage) : config_(config) {
  first = torch::zeros_like(storage.values);
  second = config.optimiser == "adam" ? torch::zeros_like(storage.values) : torch::empty({0});
}

std::vector<double> Optimiser::update(nn::Storage& storage, const std::vector<Rate>& rates,
                                      std::int64_t step, const std::vector<bool>& active) {
  std::vector<double> norms(active.size(), 0);
  for (std::size_t r = 0; r < active.size(); ++r) {
    if (active[r]) norms[r] = update(storage, static_cast<std::int64_t>(r), rates[r], step);
  }
  return norms;
}

double Optimiser::update(nn::Storage& storage, std::int64_t r, const Rate& rate,
                         std::int64_t step) {
  const std::int64_t n = storage.values.size(1), split = storage.decaying();
  const double norm = std::sqrt(kernel::sum_squares(static_cast<std::size_t>(n),
                                                    storage.gradients.data_ptr<float>() + r * n));
  if (!std::isfinite(norm)) return std::numeric_limits<double>::quiet_NaN();
  const auto scale =
      static_cast<float>(config_.clip > 0 && norm > config_.clip ? config_.clip / norm : 1);
  if (rate.decay > 0) {
    update(storage, r, {0, split, true}, rate, step, scale);
    update(storage, r, {split, n, false}, rate, step, scale);
  } else {
    update(storage, r, {0, n, false}, rate, step, scale);
  }
  return norm;
}

void Optimiser::update(nn::Storage& storage, std::int64_t r, const Part& part, const Rate& rate,
                       std::int64_t step, float scale) {
  if (part.from == part.to) return;
  const std::int64_t at = r * storage.values.size(1) + part.from;
  const auto count = static_cast<std::size_t>(part.to - part.from);
  const float* g = storage.gradients.data_ptr<float>() + at;
  float *w = storage.values.data_ptr<float>() + at, *m = first.data_ptr<float>() + at;
  if (config_.optimiser == "adam") {
    kernel::adam(rate.adam(part.decays), static_cast<std::uint64_t>(step), scale, count, g, m,
                 second.data_ptr<float>() + at, w);
  } else {
    const double decay = part.decays ? rate.decay : 0;
    kernel::sgd({.lr = rate.lr, .momentum = config_.momentum, .decay = decay}, scale, count, g, m,
                w);
  }
}

}  // namespace scalemix::inline v0::optim
