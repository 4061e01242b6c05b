// Kingma, Salimans & Welling (2015), table 1: the variance of the stochastic gradient on MNIST, for weights drawn
// once per step, once per row, or not at all but for the pre-activations they make (local
// reparameterisation); and without noise. The values are of its training, which is not at hand in detail; the
// ordering is the claim. Here: Gaussian noise of relative variance 1/2 on every weight of a network that has been
// trained for a while, gradients of batches of 100.

#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/data/rows.h"
#include "scalemix/engine/program.h"
#include "scalemix/kernel/loss.h"
#include "scalemix/model/method.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/fit.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

struct Estimator {
  const char *label, *method;
};
constexpr Estimator kEstimators[] = {
    {"local reparameterisation", "vdo_b:p=0.3333333,share=layer,factor=0"},
    {"weights per row", "dropconnect:gaussian:alpha=0.5,mask=row"},
    {"weights per step", "dropconnect:gaussian:alpha=0.5"},
    {"no noise", "none"}};
constexpr std::size_t kBatch = 100;

/// Variance of the gradient of the bottom and the top weights, summed over them, per row of the training set
/// squared.
class Gradients {
 public:
  Gradients(const model::Model& trained, const char* method, const run::Plan& plan)
      : plan_(plan), spec_(trained.spec) {
    if (std::string(method) != "none") model::apply_method(spec_, method);
    layout_ = std::make_unique<engine::Layout>(spec_);
    program_ = std::make_unique<engine::Program>(
        spec_, *layout_, engine::ProgramOptions{.train = true, .rows = kBatch});
    schedule_ =
        std::make_unique<engine::Schedule>(*program_, kBatch, program_->instructions().size());
    values_.resize(layout_->values()), gradients_.resize(layout_->values()),
        state_.resize(layout_->state());
    layout_->start(values_.data(), state_.data());
    layout_->take(trained, values_.data(), state_.data());
    memory_.resize(schedule_->floats()), prepared_.resize(program_->prepared());
  }

  std::pair<double, double> variance(std::size_t draws, std::uint64_t seed) {
    std::string bottom, top;
    for (const engine::Slot& slot : layout_->slots()) {
      if (!slot.name.ends_with(".weight")) continue;
      if (bottom.empty()) bottom = slot.name;
      top = slot.name;
    }
    return {of(bottom, draws, seed), of(top, draws, seed)};
  }

 private:
  double of(const std::string& name, std::size_t draws, std::uint64_t seed) {
    const engine::Slot& slot = layout_->at(name);
    std::vector<double> mean(slot.count), square(slot.count);
    for (std::size_t k = 0; k < draws; ++k) {
      gradient(static_cast<std::uint32_t>(k), seed);
      for (std::size_t i = 0; i < slot.count; ++i) {
        const double g = gradients_[slot.offset + i], off = g - mean[i];
        mean[i] += off / static_cast<double>(k + 1);
        square[i] += off * (g - mean[i]);
      }
    }
    double sum = 0;
    for (const double s : square) sum += s / static_cast<double>(draws - 1);
    return sum;
  }

  /// Of a batch drawn at random.
  void gradient(std::uint32_t draw, std::uint64_t seed) {
    const std::vector<std::uint32_t>& rows = plan_.replicas[0].split.train;
    const Stream stream{seed, stream_id(Purpose::shuffle, 1), draw};
    const data::Standardisation& s = plan_.replicas[0].standardisation;
    float* x = schedule_->input(memory_.data());
    std::vector<std::int64_t> label;
    const std::size_t width = plan_.data.width();
    for (std::size_t n = 0; n < kBatch; ++n) {
      const std::uint32_t row =
          rows[static_cast<std::size_t>(stream.uniform(n) * static_cast<double>(rows.size()))];
      for (std::size_t i = 0; i < width; ++i)
        x[n * width + i] = (plan_.data.x[row * width + i] - s.mean[i]) / s.scale[i];
      label.push_back(plan_.data.label[row]);
    }
    engine::Frame frame{.rows = kBatch,
                        .seed = seed,
                        .draw = draw,
                        .values = values_.data(),
                        .gradients = gradients_.data(),
                        .state = state_.data(),
                        .prepared = prepared_.data()};
    program_->prepare(frame);
    std::fill(gradients_.begin(), gradients_.end(), 0.0f);
    program_->forward(frame, *schedule_, memory_.data(), 0, program_->instructions().size());
    kernel::categorical_nll(kBatch, program_->outputs(), schedule_->output(memory_.data()),
                            label.data(), schedule_->output_gradient(memory_.data()));
    program_->backward(frame, *schedule_, memory_.data());
    for (const auto& noise : program_->noises()) {
      frame.d_prepared = schedule_->d_prepared(noise->instruction, memory_.data());
      if (noise->kind().terms_back) noise->kind().terms_back(noise->at(frame), 0);
    }
  }

  const run::Plan& plan_;
  model::Spec spec_;
  std::unique_ptr<engine::Layout> layout_;
  std::unique_ptr<engine::Program> program_;
  std::unique_ptr<engine::Schedule> schedule_;
  std::vector<float> values_, gradients_, state_, memory_, prepared_;
};

}  // namespace

Result kingma_gradient_variance(const Effort& effort) {
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(500, 10000, 60000), 1000);
  const std::size_t draws = effort.pick<std::size_t>(10, 200, 1000);
  Result result;
  const int seeds = contest_seeds(effort);
  result.seeds = static_cast<std::size_t>(seeds);
  report::Panel panel{
      "variance of the gradient", {"epochs"}, {"variance, summed over weights", true}};
  for (const Estimator& e : kEstimators)
    panel.series.push_back({e.label, {}, {}, {}, report::Style::both});
  for (const int epochs : effort.pick<std::vector<int>>({1}, {2, 20}, {10, 100})) {
    run::TrainConfig config;
    config.model = effort.pick<const char*>("mlp:16", "mlp:100-100", "mlp:1000-1000-1000");
    config.method = {"none"};
    config.epochs = epochs;
    config.seed = effort.seed;
    config.seeds = seeds;
    const run::Plan plan = run::make_plan(config, data);
    std::vector<model::Model> trained;
    train::Callbacks callbacks;
    callbacks.end = [&](const train::Stack& stack) {
      for (std::size_t r = 0; r < stack.replicas(); ++r) trained.push_back(stack.model(r));
    };
    train::run(plan.data, plan, callbacks);
    std::vector<std::vector<double>> bottom(std::size(kEstimators)), top(std::size(kEstimators));
    for (std::size_t e = 0; e < std::size(kEstimators); ++e) {
      for (std::size_t k = 0; k < trained.size(); ++k) {
        Gradients gradients(trained[k], kEstimators[e].method, plan);
        const auto [b, t] = gradients.variance(draws, effort.seed_of(k + 1));
        bottom[e].push_back(std::log10(b)), top[e].push_back(std::log10(t));
      }
      for (const auto& [name, values] : {std::pair{"bottom", &bottom[e]}, {"top", &top[e]}}) {
        const Mean mean = mean_of(*values);
        result.rows.push_back({fmt::format("{} epochs, {} layer, {}: log10 of the variance", epochs,
                                           name, kEstimators[e].label),
                               mean.value, mean.error});
      }
      panel.series[e].x.push_back(epochs),
          panel.series[e].y.push_back(std::pow(10, mean_of(bottom[e]).value));
    }
    for (std::size_t e = 1; e < 3; ++e) {
      for (const auto& [name, all] : {std::pair{"bottom", &bottom}, {"top", &top}}) {
        result.claims.push_back(
            smaller_claim(fmt::format("{} epochs, {} layer: {} varies less than {}", epochs, name,
                                      kEstimators[e - 1].label, kEstimators[e].label),
                          (*all)[e - 1], (*all)[e]));
      }
    }
  }
  result.figure = {"local reparameterisation", {panel}};
  result.notes = {fmt::format(
      "{} networks, each with {} gradients of batches of {} each; the paper's table has 7.8e3, 1.4e4, 4.9e4 and "
      "2.8e3 (top layer, 10 epochs), in units that are not at hand",
      seeds, draws, kBatch)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
