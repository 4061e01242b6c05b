#include "scalemix/train/spread.h"

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::train {
namespace {

constexpr std::int64_t kSteps = 1000;  // about as many are looked at

}  // namespace

Spread::Spread(double share, std::int64_t steps, const model::Spec& spec, const Store& store) {
  if (share == 0) return;
  const auto last = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(steps)));
  after_ = steps - last;
  every_ = std::max<std::int64_t>(1, (last + kSteps - 1) / kSteps);
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    const engine::Slot& slot = store.layout.at(layer.name + ".weight");
    parts_.push_back({slot.name, slot.tensor.shape, slot.offset, slot.count});
    weights_ += slot.count;
  });
}

SpreadSums Spread::start(std::size_t replicas) const {
  if (parts_.empty()) return {};
  const std::vector<float> zeros(replicas * weights_);
  return {zeros, zeros, std::vector<std::int64_t>(replicas)};
}

void Spread::follow(const Store& store, std::int64_t step, const std::vector<bool>& active,
                    SpreadSums& sums) const {
  if (parts_.empty() || step <= after_ || (step - after_) % every_ != 0) return;
  for (std::size_t r = 0; r < sums.count.size(); ++r) {
    if (!active[r]) continue;
    const auto share = static_cast<float>(1.0 / static_cast<double>(++sums.count[r]));
    float *mean = sums.mean.data() + r * weights_, *square = sums.square.data() + r * weights_;
    for (const Part& part : parts_) {
      const float* w = store.values_of(r) + part.offset;
      kernel::for_tiles(part.count, [&](std::size_t first, std::size_t n) {
        for (std::size_t i = first; i < first + n; ++i) {
          const float off = w[i] - mean[i];
          mean[i] += share * off;
          square[i] += off * (w[i] - mean[i]);
        }
      });
      mean += part.count;
      square += part.count;
    }
  }
}

std::map<std::string, model::Tensor> Spread::of(std::size_t replica, const SpreadSums& sums) const {
  std::map<std::string, model::Tensor> out;
  if (sums.empty() || sums.count[replica] < 2) return out;
  const float* square = sums.square.data() + replica * weights_;
  for (const Part& part : parts_) {
    std::vector<float> variance(square, square + part.count);
    for (float& v : variance) v /= static_cast<float>(sums.count[replica]);
    out.emplace(part.name, model::Tensor::of(part.shape, variance));
    square += part.count;
  }
  return out;
}

}  // namespace scalemix::inline v0::train
