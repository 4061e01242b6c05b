// Pretorius et al. (2018), figure 6b, c, e, f: autoencoders of ReLU layers with dropout, trained at
// critical initialisation; loss over dropout and depth against the curve 6 xi_c. Published: width
// 1000, SGD 0.001, batch 128, 200 epochs, dropout on the input and in front of the output too, all
// layers with sigma_w2 = 2 (1 - p). Reduced: narrower, fewer images, Adam and fewer steps.

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/images.h"
#include "scalemix/random/stream.h"
#include "scalemix/run/progress.h"
#include "scalemix/signal/depth_scale.h"
#include "scalemix/torch/init/init.h"
#include "scalemix/torch/op/noise.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

using torch::Tensor;

struct Sizes {
  std::size_t width, train, test, steps;
  std::vector<double> keep;
  std::vector<std::size_t> depths;
};

Sizes sizes_of(const Effort& effort) {
  const Sizes quick{64, 500, 200, 100, {0.5, 0.9}, {2, 6, 20}};
  const Sizes reduced{128, 4000, 1000, 300, {0.5, 0.7, 0.8, 0.9, 0.95}, {2, 4, 6, 10, 15, 23, 35}};
  const Sizes full{
      1000, 54000, 6000, 84000, spaced(0.1, 0.9, 9), {2, 6, 10, 14, 18, 23, 27, 31, 35, 40}};
  return effort.pick(quick, reduced, full);
}

/// Weights of `depth` hidden layers and an output layer as wide as the input, biases 0.
class Autoencoder {
 public:
  Autoencoder(std::int64_t inputs, std::int64_t width, std::size_t depth, double p,
              std::uint64_t seed)
      : p_(torch::tensor({p}, torch::kFloat64)),
        seed_(torch::tensor({static_cast<std::int64_t>(seed)})) {
    for (std::size_t l = 0; l <= depth; ++l) {
      const std::int64_t in = l == 0 ? inputs : width, out = l == depth ? inputs : width;
      const run::InitialWeights plan{.layer = "",
                                     .variance = 2 * (1 - p) / static_cast<double>(in)};
      weights_.push_back(
          init::weights(plan, {out, in}, seed, static_cast<std::uint32_t>(l + 1)).requires_grad_());
      biases_.push_back(torch::zeros({out}).requires_grad_());
    }
  }
  /// With noise in training step `draw`; without it if draw is negative.
  Tensor operator()(Tensor x, std::int64_t draw) const {
    for (std::size_t l = 0; l < weights_.size(); ++l) {
      if (l > 0) x = torch::relu(x);
      if (draw >= 0) {
        const auto stream = stream_id(Purpose::train, static_cast<std::uint32_t>(l + 1));
        x = op::noise(x.unsqueeze(0), seed_, "bernoulli", p_, "unit", "multiply", stream, draw)[0];
      }
      x = torch::linear(x, weights_[l], biases_[l]);
    }
    return x;
  }
  std::vector<Tensor> parameters() const {
    std::vector<Tensor> out = weights_;
    out.insert(out.end(), biases_.begin(), biases_.end());
    return out;
  }

 private:
  Tensor p_, seed_;
  std::vector<Tensor> weights_, biases_;
};

Tensor to_tensor(const std::vector<double>& values, std::size_t columns) {
  return torch::tensor(values, torch::kFloat64)
      .view({-1, static_cast<std::int64_t>(columns)})
      .to(torch::kFloat32);
}

/// Held-out mean squared error, without noise.
double train(const Tensor& x, const Tensor& held_out, const Sizes& sizes, std::size_t depth,
             double p, const Effort& effort) {
  Autoencoder net(x.size(1), static_cast<std::int64_t>(sizes.width), depth, p, effort.seed);
  const bool published = effort.size == Size::full;
  std::unique_ptr<torch::optim::Optimizer> optimiser;
  if (published) {
    optimiser = std::make_unique<torch::optim::SGD>(net.parameters(), 1e-3);
  } else {
    optimiser = std::make_unique<torch::optim::Adam>(net.parameters(), 1e-3);
  }
  constexpr std::int64_t kBatch = 128;
  const std::int64_t batches = x.size(0) / kBatch;
  for (std::size_t step = 0; step < sizes.steps; ++step) {
    const std::int64_t first = static_cast<std::int64_t>(step) % batches * kBatch;
    const Tensor batch = x.slice(0, first, first + kBatch);
    optimiser->zero_grad();
    torch::mse_loss(net(batch, static_cast<std::int64_t>(step)), batch).backward();
    optimiser->step();
  }
  const torch::NoGradGuard no_grad;
  return torch::mse_loss(net(held_out, -1), held_out).item<double>();
}

double reach(double keep) {
  return 6 *
         signal::propagation(layer("relu", dropout(keep), 2 * keep).network()).scales->correlation;
}

}  // namespace

Result trainable_depth(const Effort& effort) {
  const Sizes sizes = sizes_of(effort);
  const Images images = some_images("mnist", sizes.train, sizes.test, effort.seed);
  const Tensor x = to_tensor(images.train, images.columns),
               held_out = to_tensor(images.test, images.columns);
  const double nothing =
      torch::mse_loss(x.mean(0, true).expand_as(held_out), held_out).item<double>();
  Result result;
  report::HeatMap map{"loss / variance", {}, sizes.keep};
  for (const std::size_t d : sizes.depths) map.x.push_back(static_cast<double>(d));
  run::Progress progress("network", sizes.keep.size() * sizes.depths.size(), effort.quiet);
  double done = 0, inside = 0, outside = 0, insides = 0, outsides = 0;
  for (const double keep : sizes.keep) {
    std::vector<double> losses;
    for (const std::size_t depth : sizes.depths) {
      const double loss = train(x, held_out, sizes, depth, 1 - keep, effort) / nothing;
      losses.push_back(std::isfinite(loss) ? loss : 10);
      map.z.push_back(losses.back());
      const bool within = static_cast<double>(depth) <= reach(keep);
      (within ? inside : outside) += losses.back();
      ++(within ? insides : outsides);
      progress.update(++done, "");
    }
    result.rows.push_back(
        {fmt::format("keep {:g}: loss of the shallowest, share of the variance", keep),
         losses.front()});
    result.rows.push_back({fmt::format("keep {:g}: loss of the deepest", keep),
                           losses.back(),
                           {},
                           1,
                           0.35,
                           "beyond 6 xi_c nothing is learned but the mean"});
  }
  progress.finish(done, "");
  result.rows.push_back({"mean loss within 6 xi_c over that beyond",
                         inside / insides / (outside / outsides),
                         {},
                         0.7,
                         0.3,
                         "figure 6: losses are low below the curve alone"});
  report::Series curve{"6 xi_c"};
  for (double keep = 0.3; keep <= 0.96; keep += 0.01) {
    curve.x.push_back(reach(keep));
    curve.y.push_back(keep);
  }
  report::Panel panel{"held-out loss of autoencoders",
                      {"depth", false, 0.0, map.x.back() + 3},
                      {"keep probability", false, sizes.keep.front() - 0.1, 1.0},
                      {curve}};
  panel.heat = map;
  result.figure = {fmt::format("trainable depth, {}", images.name), {panel}, 1};
  result.notes = {
      fmt::format(
          "{}: {} images, each of mean 0 and variance 1; width {}, batch 128, {} steps of {}; "
          "published: MNIST / 255 and CIFAR-10, width 1000, 84 000 steps of SGD 0.001, 100 runs",
          images.name, sizes.train, sizes.width, sizes.steps,
          effort.size == Size::full ? "SGD 0.001" : "Adam 0.001"),
      "the published figure names no numbers: what it shows is the region of low loss under the "
      "curve"};
  if (!images.note.empty()) result.notes.push_back(images.note);
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
