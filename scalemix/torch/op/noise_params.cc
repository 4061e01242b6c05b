#include "scalemix/torch/op/noise_params.h"

#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/torch/op/noise_site.h"

namespace scalemix::inline v0::op {
namespace {

using c10::SymInt;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr const char* kOp = "noise_params_backward";

void check_arguments(const at::Tensor& dy, const OptionalTensor& x, const at::Tensor& seed,
                     const at::Tensor& draw, const at::Tensor& params, const std::string& site,
                     const std::string& mode, const OptionalTensor& columns) {
  check_noise(dy, seed, draw, params, site, mode, columns);
  TORCH_CHECK(x.has_value() == multiplies(mode), kOp, ": expected x in mode multiply alone");
  if (!x) return;
  check_like(kOp, "x", *x, dy);
  check_same_shape(kOp, "x", *x, dy);
}

/// What each draw's slope is multiplied by: sums of dy * x, or dy, over `inner`; float64 (R, rows,
/// columns).
at::Tensor weights(const at::Tensor& dy, const OptionalTensor& x, const kernel::Site& site) {
  at::Tensor each = operand(dy).to(at::kDouble);
  if (x) each = each * operand(*x);
  return each
      .reshape({dy.size(0), static_cast<std::int64_t>(site.rows),
                static_cast<std::int64_t>(site.columns), static_cast<std::int64_t>(site.inner)})
      .sum(-1);
}

/// dparams of the slopes that draw(samplers) gives, one set of samplers a parameter.
template <class Draw>
at::Tensor gradient(const at::Tensor& dy, const OptionalTensor& x, const std::string& law,
                    const at::Tensor& params, const kernel::Site& site, bool multiply,
                    const Draw& draw) {
  if (dy.numel() == 0) return at::zeros_like(params, at::MemoryFormat::Contiguous);
  const std::vector<law::AnyLaw> laws = laws_of(law, params);
  const at::Tensor each = weights(dy, x, site);
  std::vector<at::Tensor> sums;
  for (std::int64_t i = 0; i < params.size(-1); ++i) {
    const at::Tensor slopes = draw(slopes_of(laws, static_cast<std::size_t>(i), multiply));
    const at::Tensor all = each * slopes;
    sums.push_back(params.dim() == 1   ? all.sum()
                   : params.dim() == 2 ? all.sum({1, 2})
                                       : all.sum(1));
  }
  return at::stack(sums, -1).to(params.options());
}

double slope_sum(const law::Sampler& slope, const Stream& stream, const kernel::Site& site,
                 const float* dy, const float* x) {
  return kernel::noise_slope(slope, stream, site, dy, x);
}
double slope_sum(const law::Sampler& slope, const Stream& stream, const kernel::Site& site,
                 const double* dy, const double* x) {
  return kernel::ref::noise_slope(slope, stream, site, dy, x);
}

/// dparams of a law for all, or one per replica: draws never leave the loop that makes them.
at::Tensor fused(const at::Tensor& dy, const OptionalTensor& x, const std::string& law,
                 const at::Tensor& params, const HostDraws& draws, bool multiply) {
  const std::vector<law::AnyLaw> laws = laws_of(law, params);
  const std::int64_t replicas = dy.size(0), n = dy.numel() / replicas, count = params.size(-1);
  const at::Tensor g = operand(dy), in = x ? operand(*x) : at::Tensor();
  const at::Tensor sums = at::zeros(params.sizes(), at::kDouble);
  for (std::int64_t i = 0; i < count; ++i) {
    const Samplers slopes = slopes_of(laws, static_cast<std::size_t>(i), multiply);
    for (std::int64_t r = 0; r < replicas; ++r) {
      const std::int64_t mine = slopes.size() == 1 ? 0 : r;
      AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), kOp, [&] {
        sums.data_ptr<double>()[mine * count + i] += slope_sum(
            *slopes[mine], draws.stream(r), draws.site(), g.const_data_ptr<scalar_t>() + r * n,
            x ? in.const_data_ptr<scalar_t>() + r * n : nullptr);
      });
    }
  }
  return sums.to(params.options());
}

at::Tensor backward_cpu(const at::Tensor& dy, const OptionalTensor& x, const at::Tensor& seed,
                        std::string law, const at::Tensor& params, std::string site,
                        std::string mode, std::int64_t stream, const at::Tensor& draw,
                        std::int64_t row0, std::int64_t width, const OptionalTensor& columns) {
  check_arguments(dy, x, seed, draw, params, site, mode, columns);
  const kernel::Site at = site_of(site, dy);
  const HostDraws draws(kOp, {seed, stream, draw, row0_of(site, row0), width, columns}, at);
  const bool multiply = multiplies(mode);
  if (params.dim() < 3 && dy.numel() > 0) return fused(dy, x, law, params, draws, multiply);
  return gradient(dy, x, law, params, at, multiply,
                  [&](const Samplers& samplers) { return draws.draws(samplers); });
}

at::Tensor backward_meta(const at::Tensor& dy, const OptionalTensor& x, const at::Tensor& seed,
                         std::string, const at::Tensor& params, std::string site, std::string mode,
                         SymInt, const at::Tensor& draw, SymInt, SymInt,
                         const OptionalTensor& columns) {
  check_arguments(dy, x, seed, draw, params, site, mode, columns);
  return at::empty_like(params, params.options(), at::MemoryFormat::Contiguous);
}

at::Tensor backward_composed(const at::Tensor& dy, const OptionalTensor& x, const at::Tensor& seed,
                             std::string law, const at::Tensor& params, std::string site,
                             std::string mode, std::int64_t stream, const at::Tensor& draw,
                             std::int64_t row0, std::int64_t width, const OptionalTensor& columns) {
  check_arguments(dy, x, seed, draw, params, site, mode, columns);
  const kernel::Site at = site_of(site, dy);
  const Sources sources{seed, stream, draw, row0_of(site, row0), width, columns};
  sources.check(kOp);
  return gradient(dy, x, law, params, at, multiplies(mode), [&](const Samplers& samplers) {
    return composition::draws(samplers, sources, at.rows, at.columns);
  });
}

using Call = at::Tensor(const at::Tensor&, const OptionalTensor&, const at::Tensor&, std::string,
                        const at::Tensor&, std::string, std::string, SymInt, const at::Tensor&,
                        SymInt, SymInt, const OptionalTensor&);

at::Tensor call(const at::Tensor& dy, const OptionalTensor& x, const at::Tensor& seed,
                const std::string& law, const at::Tensor& params, const std::string& site,
                const std::string& mode, const SymInt& stream, const at::Tensor& draw,
                const SymInt& row0, const SymInt& width, const OptionalTensor& columns) {
  static const auto op = find_op<Call>("scalemix::noise_params_backward");
  return op.call(dy, x, seed, law, params, site, mode, stream, draw, row0, width, columns);
}

/// Refuses a second derivative rather than leave out how the slopes move with the parameters.
struct NoiseParams : torch::autograd::Function<NoiseParams> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& dy, const OptionalTensor& x,
                            const at::Tensor& seed, const std::string& law,
                            const at::Tensor& params, const std::string& site,
                            const std::string& mode, const SymInt& stream, const at::Tensor& draw,
                            const SymInt& row0, const SymInt& width,
                            const OptionalTensor& columns) {
    const at::AutoDispatchBelowADInplaceOrView below;
    return call(dy, x, seed, law, params, site, mode, stream, draw, row0, width, columns);
  }

  static variable_list backward(AutogradContext*, const variable_list&) {
    TORCH_CHECK_NOT_IMPLEMENTED(
        false, "noise: the gradient by params cannot be differentiated a second time");
  }
};

at::Tensor backward_autograd(const at::Tensor& dy, const OptionalTensor& x, const at::Tensor& seed,
                             std::string law, const at::Tensor& params, std::string site,
                             std::string mode, SymInt stream, const at::Tensor& draw, SymInt row0,
                             SymInt width, const OptionalTensor& columns) {
  return NoiseParams::apply(dy, x, seed, law, params, site, mode, stream, draw, row0, width,
                            columns);
}

}  // namespace

at::Tensor noise_params_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& seed,
                                 const std::string& law, const at::Tensor& params,
                                 const std::string& site, const std::string& mode,
                                 const SymInt& stream, const at::Tensor& draw, const SymInt& row0,
                                 const SymInt& width, const OptionalTensor& columns) {
  return call(dy, optional_of(x), seed, law, params, site, mode, stream, draw, row0, width,
              columns);
}

at::Tensor composition::noise_params_backward(const at::Tensor& dy, const at::Tensor& x,
                                              const at::Tensor& seed, const std::string& law,
                                              const at::Tensor& params, const std::string& site,
                                              const std::string& mode, std::int64_t stream,
                                              const at::Tensor& draw, std::int64_t row0,
                                              std::int64_t width, const OptionalTensor& columns) {
  return backward_composed(dy, optional_of(x), seed, law, params, site, mode, stream, draw, row0,
                           width, columns);
}

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def(
      "noise_params_backward(Tensor dy, Tensor? x, Tensor seed, str law, Tensor params, str site, "
      "str mode, SymInt stream, Tensor draw, SymInt row0, SymInt width, Tensor? columns) -> "
      "Tensor");
}
TORCH_LIBRARY_IMPL(scalemix, CPU, m) { m.impl("noise_params_backward", backward_cpu); }
TORCH_LIBRARY_IMPL(scalemix, Meta, m) { m.impl("noise_params_backward", backward_meta); }
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) {
  m.impl("noise_params_backward", backward_composed);
}
TORCH_LIBRARY_IMPL(scalemix, Autograd, m) { m.impl("noise_params_backward", backward_autograd); }

}  // namespace scalemix::inline v0::op
