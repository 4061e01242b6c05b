#include "scalemix/torch/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scalemix::inline v0::train {

double lr_factor(const run::TrainConfig& config, double epoch) {
  const double share = epoch / config.epochs;
  if (config.schedule == "step") {
    return std::pow(config.schedule_factor, std::floor(epoch / config.schedule_step));
  }
  if (config.schedule == "cosine") return (1 + std::cos(std::numbers::pi * share)) / 2;
  if (config.schedule == "linear") return std::clamp(2 * (1 - share), 0.0, 1.0);
  return 1;
}

double penalty_weight(const run::TrainConfig& config, std::int64_t epoch) {
  const double since = static_cast<double>(epoch) - config.warmup_start;
  if (since < 0) return 0;
  return config.warmup > 0 ? std::min(1.0, since / config.warmup) : 1;
}

}  // namespace scalemix::inline v0::train
