// Pretorius et al. (2018), figure 6b, c, e, f: autoencoders of ReLU layers with dropout, trained at
// critical initialisation; loss over dropout and depth against the curve 6 xi_c. Published: width
// 1000, SGD 0.001, batch 128, 200 epochs, dropout on the input and in front of the output too, all
// layers with sigma_w2 = 2 (1 - p). Reduced: narrower, fewer images, Adam and fewer steps.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/images.h"
#include "scalemix/engine/program.h"
#include "scalemix/kernel/loss.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/run/progress.h"
#include "scalemix/signal/depth_scale.h"
#include "scalemix/train/initialise.h"
#include "scalemix/train/update.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

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

/// `depth` hidden layers and an output layer as wide as the input, noise on the input of each.
model::Spec autoencoder(std::size_t inputs, std::size_t width, std::size_t depth, double p) {
  model::Spec spec{.input = {inputs}, .task = Task::regression, .outputs = inputs};
  for (std::size_t l = 0; l <= depth; ++l) {
    const std::size_t in = l == 0 ? inputs : width;
    const auto site = static_cast<std::uint32_t>(l + 1);  // of the noise and of the weights
    if (l > 0) spec.layers.push_back({.type = "relu"});
    model::Layer noise{.type = "noise", .site = site, .width = in};
    noise.noise = {model::noise_of("multiply", fmt::format("bernoulli:p={}", p))};
    spec.layers.push_back(noise);
    spec.layers.push_back({.type = "linear",
                           .name = fmt::format("linear{}", site),
                           .site = site,
                           .in = in,
                           .out = l == depth ? inputs : width});
  }
  return spec;
}

/// It in training: squared error, mean over rows and numbers.
class Autoencoder {
 public:
  Autoencoder(const model::Spec& spec, const optim::Rule& rule, std::size_t batch, double variance,
              std::uint64_t seed)
      : spec_(spec),
        store_(spec_, rule.name, 1),
        program_(spec_, store_.layout, {.train = true, .rows = batch}),
        schedule_(program_, batch, program_.instructions().size()),
        update_(store_, program_, 0),
        memory_(schedule_.floats()),
        log_precision_(spec.outputs, std::log(2.0f / static_cast<float>(spec.outputs))),
        seed_(seed) {
    store_.layout.start(store_.values_of(0), store_.state_of(0));
    for (const model::Layer& layer : spec_.layers) {
      if (!model::has_weights(layer)) continue;
      const engine::Slot& slot = store_.layout.at(layer.name + ".weight");
      train::draw_weights({.layer = "", .variance = variance / static_cast<double>(layer.in)},
                          slot.tensor.shape, seed, layer.site, store_.values_of(0) + slot.offset);
    }
  }

  void step(const float* x, std::size_t rows, std::uint32_t draw) {
    const engine::Frame frame{.mode = engine::Mode::train,
                              .rows = rows,
                              .seed = seed_,
                              .draw = draw,
                              .values = store_.values_of(0),
                              .gradients = store_.gradients_of(0)};
    float* memory = memory_.data();
    std::copy_n(x, rows * program_.width(), schedule_.input(memory));
    program_.forward(frame, schedule_, memory, 0, program_.instructions().size());
    kernel::gaussian_nll(rows, program_.outputs(), schedule_.output(memory), x,
                         log_precision_.data(), schedule_.output_gradient(memory), nullptr);
    program_.backward(frame, schedule_, memory);
    const engine::Slot& unused = store_.layout.at("output.log_precision");
    std::fill_n(store_.gradients_of(0) + unused.offset, unused.count, 0.0f);
    update_.run({.replica = 0,
                 .step = draw + 1u,
                 .rate = {.lr = 1e-3},
                 .frame = frame,
                 .schedule = &schedule_,
                 .memory = memory},
                [](std::size_t, std::size_t) {});
  }

  /// Mean squared error of rows x, without noise.
  double loss(const std::vector<float>& x) const {
    const std::size_t rows = x.size() / program_.width();
    const engine::Program still(spec_, store_.layout, {});
    const engine::Schedule schedule(still, rows, still.instructions().size());
    std::vector<float> memory(schedule.floats()), prepared(still.prepared());
    const engine::Frame frame{.mode = engine::Mode::deterministic,
                              .rows = rows,
                              .values = store_.values_of(0),
                              .prepared = prepared.data()};
    still.prepare(frame);
    std::copy(x.begin(), x.end(), schedule.input(memory.data()));
    still.forward(frame, schedule, memory.data(), 0, still.instructions().size());
    const float* y = schedule.output(memory.data());
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += (y[i] - x[i]) * (y[i] - x[i]);
    return sum / static_cast<double>(x.size());
  }

 private:
  model::Spec spec_;
  train::Store store_;
  engine::Program program_;
  engine::Schedule schedule_;
  train::Update update_;
  std::vector<float> memory_, log_precision_;
  std::uint64_t seed_;
};

/// Held-out mean squared error, without noise.
double train(const std::vector<float>& x, const std::vector<float>& held_out, std::size_t columns,
             const Sizes& sizes, std::size_t depth, double p, bool sgd, std::uint64_t seed) {
  constexpr std::size_t kBatch = 128;
  const optim::Rule& rule = optim::rule(sgd ? "sgd" : "adam");
  Autoencoder net(autoencoder(columns, sizes.width, depth, p), rule, kBatch, 2 * (1 - p), seed);
  const std::size_t batches = x.size() / columns / kBatch;
  for (std::size_t step = 0; step < sizes.steps; ++step) {
    const float* first = x.data() + step % batches * kBatch * columns;
    net.step(first, kBatch, static_cast<std::uint32_t>(step));
  }
  return net.loss(held_out);
}

/// What a network that learned nothing but the mean would have.
double loss_of_mean(const std::vector<float>& x, const std::vector<float>& held_out,
                    std::size_t columns) {
  std::vector<double> mean(columns);
  for (std::size_t i = 0; i < x.size(); ++i) mean[i % columns] += x[i];
  double sum = 0;
  for (std::size_t i = 0; i < held_out.size(); ++i) {
    const double off = held_out[i] - mean[i % columns] * static_cast<double>(columns) /
                                         static_cast<double>(x.size());
    sum += off * off;
  }
  return sum / static_cast<double>(held_out.size());
}

double reach(double keep) {
  return 6 *
         signal::propagation(layer("relu", dropout(keep), 2 * keep).network()).scales->correlation;
}

/// Held-out losses over what the mean image would have, (keep, depths), of one seed.
std::vector<double> losses_of(const Sizes& sizes, const Images& images, bool sgd,
                              std::uint64_t seed, const std::function<void()>& trained) {
  const std::vector<float> x(images.train.begin(), images.train.end()),
      held_out(images.test.begin(), images.test.end());
  const double nothing = loss_of_mean(x, held_out, images.columns);
  std::vector<double> out;
  for (const double keep : sizes.keep) {
    for (const std::size_t depth : sizes.depths) {
      const double loss =
          train(x, held_out, images.columns, sizes, depth, 1 - keep, sgd, seed) / nothing;
      out.push_back(std::isfinite(loss) ? loss : 10);
      trained();
    }
  }
  return out;
}

/// The mean loss within 6 xi_c over that beyond, of one seed.
double ratio_of(const Sizes& sizes, const std::vector<double>& losses) {
  std::vector<double> inside, outside;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double keep = sizes.keep[i / sizes.depths.size()];
    const auto depth = static_cast<double>(sizes.depths[i % sizes.depths.size()]);
    (depth <= reach(keep) ? inside : outside).push_back(losses[i]);
  }
  return mean_of(inside).value / mean_of(outside).value;
}

/// Rows and claims of the seeds' losses.
void judge(const Sizes& sizes, const std::vector<std::vector<double>>& losses, Result& result) {
  const std::size_t depths = sizes.depths.size();
  std::vector<double> ratios, deepest;
  for (const std::vector<double>& of_seed : losses) {
    ratios.push_back(ratio_of(sizes, of_seed));
    double sum = 0;
    for (std::size_t k = 0; k < sizes.keep.size(); ++k) sum += of_seed[(k + 1) * depths - 1];
    deepest.push_back(sum / static_cast<double>(sizes.keep.size()));
  }
  for (std::size_t k = 0; k < sizes.keep.size(); ++k) {
    for (const std::size_t at : {k * depths, (k + 1) * depths - 1}) {
      std::vector<double> values;
      for (const std::vector<double>& of_seed : losses) values.push_back(of_seed[at]);
      const Mean mean = mean_of(values);
      result.rows.push_back({fmt::format("keep {:g}: loss at depth {}, share of the variance",
                                         sizes.keep[k], sizes.depths[at % depths]),
                             mean.value});
      if (values.size() > 1) result.rows.back().error = mean.error;
    }
  }
  const Interval ratio = interval_of(ratios), end = interval_of(deepest);
  result.claims = {{"the mean loss within 6 xi_c is smaller than that beyond (ratio below 1)",
                    below(ratio, 1), text_of(ratio)},
                   {"the deepest networks have learned only the mean image (loss above 0.9 of the "
                    "variance, mean over dropout)",
                    above(end, 0.9), text_of(end)}};
}

}  // namespace

Result trainable_depth(const Effort& effort) {
  const Sizes sizes = sizes_of(effort);
  Result result;
  run::Progress progress("network", sizes.keep.size() * sizes.depths.size() * effort.seeds,
                         effort.quiet);
  double done = 0;
  std::vector<std::vector<double>> losses;
  Images images;  // of the last seed: their name and note are those of all
  for (std::size_t k = 0; k < effort.seeds; ++k) {
    images = some_images(effort.data.empty() ? "mnist" : effort.data, sizes.train, sizes.test,
                         effort.seed + k);
    losses.push_back(losses_of(sizes, images, effort.size == Size::full, effort.seed + k,
                               [&] { progress.update(++done, ""); }));
  }
  progress.finish(done, "");
  judge(sizes, losses, result);
  report::HeatMap map{"loss / variance", {}, sizes.keep};
  for (const std::size_t d : sizes.depths) map.x.push_back(static_cast<double>(d));
  map.z.assign(losses[0].size(), 0);
  for (const std::vector<double>& of_seed : losses) {
    for (std::size_t i = 0; i < map.z.size(); ++i) {
      map.z[i] += of_seed[i] / static_cast<double>(losses.size());
    }
  }
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
          "{}: {} images, each of mean 0 and variance 1; width {}, batch 128, {} steps of {}, {} "
          "seeds; published: MNIST / 255 and CIFAR-10, width 1000, 84 000 steps of SGD 0.001, 100 runs",
          images.name, sizes.train, sizes.width, sizes.steps,
          effort.size == Size::full ? "SGD 0.001" : "Adam 0.001", effort.seeds),
      "the published figure names no numbers: what it shows is the region of low loss under the "
      "curve"};
  if (!images.note.empty()) result.notes.push_back(images.note);
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
