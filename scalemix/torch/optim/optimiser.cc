#include "scalemix/torch/optim/optimiser.h"

#include <cmath>
#include <limits>

#include "scalemix/kernel/optimiser.h"

namespace scalemix::inline v0::optim {

Optimiser::Optimiser(const run::TrainConfig& config, const nn::Storage& storage) : config_(config) {
  first = torch::zeros_like(storage.values);
  second = config.optimiser == "adam" ? torch::zeros_like(storage.values) : torch::empty({0});
}

std::vector<double> Optimiser::update(nn::Storage& storage, double lr, std::int64_t step,
                                      const std::vector<bool>& active) {
  std::vector<double> norms(active.size(), 0);
  const std::int64_t n = storage.values.size(1);
  for (std::size_t r = 0; r < active.size(); ++r) {
    if (!active[r]) continue;
    const auto row = static_cast<std::int64_t>(r);
    const double norm = std::sqrt(kernel::sum_squares(
        static_cast<std::size_t>(n), storage.gradients.data_ptr<float>() + row * n));
    norms[r] = norm;
    if (!std::isfinite(norm)) {
      norms[r] = std::numeric_limits<double>::quiet_NaN();
      continue;
    }
    const double scale = config_.clip > 0 && norm > config_.clip ? config_.clip / norm : 1;
    update_row(storage, row, lr, step, static_cast<float>(scale));
  }
  return norms;
}

void Optimiser::update_row(nn::Storage& storage, std::int64_t r, double lr, std::int64_t step,
                           float scale) {
  const std::int64_t n = storage.values.size(1), split = storage.decaying();
  const auto part = [&](std::int64_t from, std::int64_t to, double decay) {
    if (from == to) return;
    const std::int64_t at = r * n + from;
    const auto count = static_cast<std::size_t>(to - from);
    const float* g = storage.gradients.data_ptr<float>() + at;
    float* w = storage.values.data_ptr<float>() + at;
    if (config_.optimiser == "adam") {
      kernel::adam({.lr = lr, .decay = decay}, static_cast<std::uint64_t>(step), scale, count, g,
                   first.data_ptr<float>() + at, second.data_ptr<float>() + at, w);
    } else {
      kernel::sgd({.lr = lr, .momentum = config_.momentum, .decay = decay}, scale, count, g,
                  first.data_ptr<float>() + at, w);
    }
  };
  if (config_.weight_decay > 0) {
    part(0, split, config_.weight_decay);
    part(split, n, 0);
  } else {
    part(0, n, 0);
  }
}

}  // namespace scalemix::inline v0::optim
