// The diagonal Fisher information of a network, row by row: labels are drawn from its own predictions,
// so that the mean of squared gradients is the Fisher information and not the empirical one (Kunstner,
// Balles & Hennig 2019).

#include <algorithm>
#include <cmath>
#include <vector>

#include "scalemix/base/error.h"
#include "scalemix/compress/moments.h"
#include "scalemix/compress/plain.h"
#include "scalemix/engine/program.h"
#include "scalemix/kernel/batch.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Family;
using model::Layer;
using model::Model;

void drop_noise(std::vector<Layer>& layers) {
  std::erase_if(layers,
                [](const Layer& l) { return model::layer_kind(l.type).family == Family::noise; });
  for (Layer& layer : layers) {
    layer.noise.clear();
    drop_noise(layer.branch);
    drop_noise(layer.shortcut);
  }
}

/// The network with its noise off, and no tensor of it.
Model still(const Model& model) {
  Model out = plain(model);
  drop_noise(out.spec.layers);
  std::map<std::string, model::Tensor> left;
  model::for_each_layer(out.spec, [&](const Layer& layer, const model::Shape&) {
    if (model::layer_kind(layer.type).of_batch) {
      throw ConfigError("laplace: a network with batch_norm has no information of single rows");
    }
    for (const model::LayerTensor& t : tensors(layer)) {
      const std::string name = layer.name + "." + t.name;
      left.emplace(name, out.tensors.at(name));
    }
  });
  if (out.spec.task == Task::regression) {
    left.emplace("output.log_precision", out.tensors.at("output.log_precision"));
  }
  out.tensors = std::move(left);
  return out;
}

/// The gradient, by the outputs f, of minus the log-likelihood of a label that the network draws.
class Labels {
 public:
  Labels(const Model& model, std::uint64_t seed)
      : stream_{seed, stream_id(Purpose::predict, 0), 0} {
    if (model.spec.task == Task::regression) {
      precision_ = model.tensors.at("output.log_precision").floats();
      for (float& p : precision_) p = std::exp(p);
    }
  }

  void gradient(std::size_t row, std::size_t outputs, const float* f, float* df) const {
    if (!precision_.empty()) {
      // f - y over the variance, for y = f + e / sqrt(precision)
      for (std::size_t o = 0; o < outputs; ++o) {
        const double e = normal_.quantile(stream_.uniform(row * outputs + o));
        df[o] = static_cast<float>(-e * std::sqrt(precision_[o]));
      }
      return;
    }
    const float most = *std::max_element(f, f + outputs);
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) sum += std::exp(static_cast<double>(f[o] - most));
    double left = stream_.uniform(row) * sum;
    std::size_t label = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      const double p = std::exp(static_cast<double>(f[o] - most));
      if (left >= 0) label = o;
      left -= p;
      df[o] = static_cast<float>(p / sum);
    }
    df[label] -= 1;
  }

 private:
  Stream stream_;
  law::AnyLaw normal_ = law::AnyLaw::parse("normal:scale=1");
  std::vector<float> precision_;
};

/// Sums over rows of squared gradients, in the layout's order of values.
std::vector<double> squares(const Model& model, const engine::Layout& layout,
                            std::span<const float> x, std::size_t rows, std::uint64_t seed) {
  const engine::Program program(model.spec, layout, {.train = true, .rows = 1});
  const engine::Schedule schedule(program, 1, program.instructions().size());
  std::vector<float> values(layout.values()), state(layout.state()), gradients(layout.values()),
      prepared(program.prepared()), memory(schedule.floats());
  layout.read(model, values.data(), state.data());
  const engine::Frame frame{.mode = engine::Mode::train,
                            .rows = 1,
                            .values = values.data(),
                            .gradients = gradients.data(),
                            .state = state.data(),
                            .prepared = prepared.data()};
  program.prepare(frame);
  const Labels labels(model, seed);
  const model::Preprocessing& p = model.preprocessing;
  std::vector<double> out(layout.values());
  for (std::size_t n = 0; n < rows; ++n) {
    kernel::standardise_rows(x.data() + n * program.width(), program.width(), 1,
                             p.mean.empty() ? nullptr : p.mean.data(),
                             p.scale.empty() ? nullptr : p.scale.data(),
                             schedule.input(memory.data()));
    program.forward(frame, schedule, memory.data(), 0, program.instructions().size());
    labels.gradient(n, program.outputs(), schedule.output(memory.data()),
                    schedule.output_gradient(memory.data()));
    program.backward(frame, schedule, memory.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] += static_cast<double>(gradients[i]) * gradients[i];
    }
  }
  return out;
}

double mean_square(const Moments& moments) {
  double sum = 0, count = 0;
  for (const LayerMoments& m : moments.layers) {
    for (const float w : m.mean) sum += static_cast<double>(w) * w;
    count += static_cast<double>(m.mean.size());
  }
  return sum > 0 ? sum / count : 1;
}

}  // namespace

Moments laplace_moments(const Model& model, std::span<const float> x, std::size_t rows,
                        const LaplaceOptions& options) {
  if (rows == 0) throw ConfigError("laplace: needs rows");
  const Model net = still(model);
  Moments out = weights_of(net);
  out.estimator = "laplace";
  const engine::Layout layout(net.spec);
  const std::vector<double> sums = squares(net, layout, x, rows, options.seed);
  const double share = static_cast<double>(options.training_rows ? options.training_rows : rows) /
                       static_cast<double>(rows),
               prior =
                   1 / (options.sigma0 > 0 ? options.sigma0 * options.sigma0 : mean_square(out));
  for (LayerMoments& m : out.layers) {
    const std::size_t at = layout.at(m.layer + ".weight").offset;
    for (std::size_t i = 0; i < m.variance.size(); ++i) {
      m.variance[i] = static_cast<float>(1 / (share * sums[at + i] + prior));
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::compress
