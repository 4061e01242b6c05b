#include "scalemix/torch/init/init.h"

#include <cmath>
#include <map>

#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::init {
namespace {

torch::Tensor gaussian(const std::vector<std::int64_t>& shape, double sd, std::uint64_t seed,
                       std::uint32_t site) {
  torch::Tensor out = torch::empty(shape);
  const auto normal = law::AnyLaw::make("normal", std::vector<double>{sd});
  kernel::draws(normal.raw(), {.seed = seed, .stream = stream_id(Purpose::init, site)},
                {.rows = 1, .columns = static_cast<std::size_t>(out.numel())},
                out.data_ptr<float>());
  return out;
}

/// The nearest matrix with orthonormal rows (or columns, if there are more rows), uniformly
/// distributed: Q of a Gaussian matrix, signs fixed by R's diagonal (Mezzadri 2007).
torch::Tensor orthonormal(const torch::Tensor& g) {
  torch::Tensor flat = g.flatten(1).to(torch::kFloat64);
  const bool wide = flat.size(0) < flat.size(1);
  if (wide) flat = flat.t();
  const auto [q, r] = torch::linalg_qr(flat);
  torch::Tensor signed_q = q * torch::sign(torch::diagonal(r));
  if (wide) signed_q = signed_q.t();
  return signed_q.contiguous().view(g.sizes()).to(torch::kFloat32);
}

/// Orthonormal weights times a number such that x' W W^T x is on average what Gaussian weights of
/// the variance give: sqrt(variance * fan_in), and more where the rows outnumber the columns.
torch::Tensor orthogonal(const torch::Tensor& g, double variance) {
  const double in = static_cast<double>(g[0].numel()), out = static_cast<double>(g.size(0));
  return orthonormal(g) * std::sqrt(variance * std::max(in, out));
}

/// [[w, -w], [-w, w]] over output and input channels, or the one pair that is asked for.
torch::Tensor mirrored(torch::Tensor w, bool in, bool out) {
  if (in) w = torch::cat({w, -w}, 1);
  if (out) w = torch::cat({w, -w}, 0);
  return w.contiguous();
}

}  // namespace

torch::Tensor weights(const run::InitialWeights& plan, const std::vector<std::int64_t>& shape,
                      std::uint64_t seed, std::uint32_t site) {
  using Form = run::InitialForm;
  const double sd = std::sqrt(plan.variance);
  if (plan.form == Form::gaussian) return gaussian(shape, sd, seed, site);
  if (plan.form == Form::orthogonal) {
    return orthogonal(gaussian(shape, 1, seed, site), plan.variance);
  }
  std::vector<std::int64_t> part = shape;
  if (plan.mirror_out) part[0] /= 2;
  if (plan.mirror_in) part[1] /= 2;
  const torch::Tensor w = plan.form == Form::mirrored
                              ? gaussian(part, sd, seed, site)
                              : orthogonal(gaussian(part, 1, seed, site), plan.variance);
  return mirrored(w, plan.mirror_in, plan.mirror_out);
}

void initialise(const model::Spec& spec, const std::string& word,
                const std::vector<std::uint64_t>& seeds, nn::Storage& storage) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, run::InitialWeights> plan;
  for (const run::InitialWeights& w : run::initial_weights(spec, word).layers) plan[w.layer] = w;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    const auto view = [&](const char* name) { return storage.view(layer.name + "." + name); };
    if (const auto it = plan.find(layer.name); it != plan.end()) {
      torch::Tensor rows = view("weight");
      const std::vector<std::int64_t> shape(rows.sizes().begin() + 1, rows.sizes().end());
      for (std::int64_t r = 0; r < rows.size(0); ++r) {
        rows[r].copy_(weights(it->second, shape, seeds[static_cast<std::size_t>(r)], layer.site));
      }
      if (!layer.posterior.empty()) view("log_sigma2").fill_(layer.init_log_sigma2);
    } else if (layer.type == "batch_norm") {
      view("weight").fill_(1);
      view("running_var").fill_(1);
    }
  });
}

}  // namespace scalemix::inline v0::init
