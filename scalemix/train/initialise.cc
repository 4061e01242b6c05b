#include "scalemix/train/initialise.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "scalemix/signal/orthonormal.h"

namespace scalemix::inline v0::train {
namespace {

std::vector<float> gaussian(std::size_t n, double sd, std::uint64_t seed, std::uint32_t site) {
  std::vector<float> out(n);
  const auto normal = law::AnyLaw::make("normal", std::vector<double>{sd});
  kernel::draws(normal.raw(), {.seed = seed, .stream = stream_id(Purpose::init, site)},
                {.rows = 1, .columns = n}, out.data());
  return out;
}

/// On +- sqrt(3) sd.
std::vector<float> uniform(std::size_t n, double sd, std::uint64_t seed, std::uint32_t site) {
  std::vector<float> out(n);
  const auto twice = law::AnyLaw::make("uniform", std::vector<double>{1});  // 2 u
  kernel::draws(twice.raw(), {.seed = seed, .stream = stream_id(Purpose::init, site)},
                {.rows = 1, .columns = n}, out.data());
  const auto scale = static_cast<float>(std::sqrt(3.0) * sd);
  for (float& w : out) w = scale * (w - 1);
  return out;
}

/// Orthonormal rows (or columns, if there are more rows) times a number such that x' W W^T x is on
/// average what Gaussian weights of the variance give: sqrt(variance * fan_in), and more where the
/// rows outnumber the columns.
std::vector<float> orthogonal(std::size_t out, std::size_t in, double variance, std::uint64_t seed,
                              std::uint32_t site) {
  const std::vector<float> g = gaussian(out * in, 1, seed, site);
  std::vector<double> q(g.begin(), g.end());
  signal::orthonormalise(out, in, q.data());
  const double scale = std::sqrt(variance * static_cast<double>(std::max(in, out)));
  std::vector<float> w(q.size());
  for (std::size_t i = 0; i < q.size(); ++i) {
    w[i] = static_cast<float>(q[i]) * static_cast<float>(scale);
  }
  return w;
}

/// [[w, -w], [-w, w]] over output and input channels, or the one pair that is asked for. w is
/// (out, in, window) of the halves.
void mirror(const std::vector<float>& w, std::size_t out, std::size_t in, std::size_t window,
            bool both_in, bool both_out, float* to) {
  const std::size_t columns = both_in ? 2 * in : in, rows = both_out ? 2 * out : out;
  for (std::size_t o = 0; o < rows; ++o) {
    for (std::size_t i = 0; i < columns; ++i) {
      const float sign = (o < out) == (i < in) ? 1.0f : -1.0f;
      for (std::size_t k = 0; k < window; ++k) {
        to[(o * columns + i) * window + k] = sign * w[((o % out) * in + i % in) * window + k];
      }
    }
  }
}

/// Tensors of noise that start drawn: of tensor i of a layer, draw i of its site (weights: draw 0).
void draw_noise_tensors(const model::Layer& layer, std::uint64_t seed, const engine::Layout& layout,
                        float* values) {
  const std::vector<model::LayerTensor> tensors = model::tensors(layer);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].spread == 0) continue;
    const engine::Slot& slot = layout.at(layer.name + "." + tensors[i].name);
    const law::AnyLaw law = tensors[i].uniform
                                ? law::AnyLaw::make("uniform", std::vector<double>{0.5})  // 0.5 + u
                                : law::AnyLaw::make("normal", std::vector<double>{1});
    std::vector<float> z(slot.count);
    kernel::draws(law.raw(),
                  {.seed = seed,
                   .stream = stream_id(Purpose::init, layer.site),
                   .draw = static_cast<std::uint32_t>(i)},
                  {.rows = 1, .columns = slot.count}, z.data());
    const double shift = tensors[i].uniform ? -0.5 : 0;
    for (std::size_t k = 0; k < slot.count; ++k) {
      values[slot.offset + k] =
          static_cast<float>(tensors[i].initial + tensors[i].spread * (z[k] + shift));
    }
  }
}

}  // namespace

void draw_weights(const model::InitialWeights& plan, const model::Shape& shape, std::uint64_t seed,
                  std::uint32_t site, float* w) {
  using Form = model::InitialForm;
  const std::size_t out = shape[0] / (plan.mirror_out ? 2 : 1),
                    in = shape[1] / (plan.mirror_in ? 2 : 1),
                    window = model::elements(shape) / (shape[0] * shape[1]);
  const bool turned = plan.form == Form::orthogonal || plan.form == Form::mirrored_orthogonal;
  const std::vector<float> part =
      turned ? orthogonal(out, in * window, plan.variance, seed, site)
      : plan.form == Form::uniform
          ? uniform(out * in * window, std::sqrt(plan.variance), seed, site)
          : gaussian(out * in * window, std::sqrt(plan.variance), seed, site);
  mirror(part, out, in, window, plan.mirror_in, plan.mirror_out, w);
}

void initialise(const model::Spec& spec, const std::string& word, std::uint64_t seed,
                const engine::Layout& layout, float* values, float* state) {
  layout.start(values, state);
  std::map<std::string, model::InitialWeights> plan;
  for (const model::InitialWeights& w : model::initial_weights(spec, word).layers) {
    plan[w.layer] = w;
  }
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    draw_noise_tensors(layer, seed, layout, values);
    const auto it = plan.find(layer.name);
    if (it == plan.end()) return;
    const engine::Slot& slot = layout.at(layer.name + ".weight");
    draw_weights(it->second, slot.tensor.shape, seed, layer.site, values + slot.offset);
  });
}

}  // namespace scalemix::inline v0::train
