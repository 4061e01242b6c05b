#include "scalemix/torch/op/svdo_terms.h"

#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/kernel/variational.h"
#include "scalemix/torch/op/operand.h"

namespace scalemix::inline v0::op {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Pair = std::tuple<at::Tensor, at::Tensor>;

void check_weights(const char* op, const at::Tensor& w, const at::Tensor& log_sigma2) {
  check_floating(op, "w", w);
  check_dims(op, "w", w, 1);
  check_like(op, "log_sigma2", log_sigma2, w);
  check_same_shape(op, "log_sigma2", log_sigma2, w);
}

std::int64_t per_replica(const at::Tensor& w) { return w.size(0) ? w.numel() / w.size(0) : 0; }

double terms(std::size_t n, const float* w, const float* ls, float* sigma2) {
  return kernel::svdo_terms(n, w, ls, sigma2);
}
double terms(std::size_t n, const double* w, const double* ls, double* sigma2) {
  return kernel::ref::svdo_terms(n, w, ls, sigma2);
}
void terms_backward(std::size_t n, const float* w, const float* ls, const float* dsigma2,
                    double dpenalty, float* dw, float* dls) {
  kernel::svdo_terms_backward(n, w, ls, dsigma2, dpenalty, dw, dls);
}
void terms_backward(std::size_t n, const double* w, const double* ls, const double* dsigma2,
                    double dpenalty, double* dw, double* dls) {
  kernel::ref::svdo_terms_backward(n, w, ls, dsigma2, dpenalty, dw, dls);
}

// ------------------------------------------------------------------------------------ forward

Pair terms_cpu(const at::Tensor& w, const at::Tensor& log_sigma2) {
  check_weights("svdo_terms", w, log_sigma2);
  const at::Tensor mean = operand(w), ls = operand(log_sigma2), sigma2 = at::empty_like(mean);
  const at::Tensor penalty = at::empty({w.size(0)}, w.options().dtype(at::kDouble));
  const std::int64_t n = per_replica(w);
  AT_DISPATCH_FLOATING_TYPES(mean.scalar_type(), "svdo_terms", [&] {
    for (std::int64_t r = 0; r < w.size(0); ++r) {
      penalty.data_ptr<double>()[r] =
          terms(n, mean.data_ptr<scalar_t>() + r * n, ls.data_ptr<scalar_t>() + r * n,
                sigma2.data_ptr<scalar_t>() + r * n);
    }
  });
  return {sigma2.to(w.scalar_type()), penalty};
}

Pair terms_meta(const at::Tensor& w, const at::Tensor& log_sigma2) {
  check_weights("svdo_terms", w, log_sigma2);
  return {at::empty_like(w, w.options(), at::MemoryFormat::Contiguous),
          w.new_empty_symint({w.sym_size(0)}, w.options().dtype(at::kDouble))};
}

/// log_alpha before clipping, in double.
at::Tensor log_alpha_free(const at::Tensor& w, const at::Tensor& log_sigma2) {
  const at::Tensor w2 = w.to(at::kDouble).square();
  return log_sigma2.to(at::kDouble) - (w2 + kernel::kSquareEps).log();
}

Pair terms_composed(const at::Tensor& w, const at::Tensor& log_sigma2) {
  check_weights("svdo_terms", w, log_sigma2);
  const at::Tensor la =
      log_alpha_free(w, log_sigma2).clamp(-kernel::kLogAlphaClip, kernel::kLogAlphaClip);
  const at::Tensor s = at::sigmoid(kernel::kSvdoK2 + kernel::kSvdoK3 * la);
  const at::Tensor each = kernel::kSvdoK1 * (1 - s) + at::softplus(-la) / 2;
  return {operand(log_sigma2).exp().to(w.scalar_type()), each.flatten(1).sum(1)};
}

// ----------------------------------------------------------------------------------- backward

void check_gradients(const at::Tensor& w, const at::Tensor& log_sigma2,
                     const OptionalTensor& dsigma2, const at::Tensor& dpenalty) {
  check_weights("svdo_terms_backward", w, log_sigma2);
  check_type("svdo_terms_backward", "dpenalty", dpenalty, at::kDouble);
  check_shape("svdo_terms_backward", "dpenalty", dpenalty, {w.sym_size(0)});
  if (!dsigma2) return;
  check_like("svdo_terms_backward", "dsigma2", *dsigma2, w);
  check_same_shape("svdo_terms_backward", "dsigma2", *dsigma2, w);
}

Pair backward_cpu(const at::Tensor& w, const at::Tensor& log_sigma2, const OptionalTensor& dsigma2,
                  const at::Tensor& dpenalty) {
  check_gradients(w, log_sigma2, dsigma2, dpenalty);
  const at::Tensor mean = operand(w), ls = operand(log_sigma2), scale = dpenalty.contiguous();
  const at::Tensor through = dsigma2 ? operand(*dsigma2) : at::Tensor();
  const at::Tensor dw = at::zeros_like(mean), dls = at::zeros_like(mean);
  const std::int64_t n = per_replica(w);
  AT_DISPATCH_FLOATING_TYPES(mean.scalar_type(), "svdo_terms_backward", [&] {
    const scalar_t* ds = dsigma2 ? through.data_ptr<scalar_t>() : nullptr;
    for (std::int64_t r = 0; r < w.size(0); ++r) {
      terms_backward(n, mean.data_ptr<scalar_t>() + r * n, ls.data_ptr<scalar_t>() + r * n,
                     ds ? ds + r * n : nullptr, scale.data_ptr<double>()[r],
                     dw.data_ptr<scalar_t>() + r * n, dls.data_ptr<scalar_t>() + r * n);
    }
  });
  return {dw.to(w.scalar_type()), dls.to(w.scalar_type())};
}

Pair backward_meta(const at::Tensor& w, const at::Tensor& log_sigma2, const OptionalTensor& dsigma2,
                   const at::Tensor& dpenalty) {
  check_gradients(w, log_sigma2, dsigma2, dpenalty);
  return {at::empty_like(w, w.options(), at::MemoryFormat::Contiguous),
          at::empty_like(w, w.options(), at::MemoryFormat::Contiguous)};
}

Pair backward_composed(const at::Tensor& w, const at::Tensor& log_sigma2,
                       const OptionalTensor& dsigma2, const at::Tensor& dpenalty) {
  check_gradients(w, log_sigma2, dsigma2, dpenalty);
  const at::Tensor la = log_alpha_free(w, log_sigma2), w64 = w.to(at::kDouble);
  const at::Tensor s = at::sigmoid(kernel::kSvdoK2 + kernel::kSvdoK3 * la);
  const at::Tensor slope =
      -(kernel::kSvdoK1 * kernel::kSvdoK3 * s * (1 - s) + at::sigmoid(-la) / 2);
  std::vector<std::int64_t> each(w.dim(), 1);
  each[0] = w.size(0);
  const at::Tensor dla = slope * (la.abs() <= kernel::kLogAlphaClip) * dpenalty.reshape(each);
  at::Tensor dls = dla;
  if (dsigma2) dls = dls + dsigma2->to(at::kDouble) * log_sigma2.to(at::kDouble).exp();
  const at::Tensor dw = dla * -2 * w64 / (w64.square() + kernel::kSquareEps);
  return {dw.to(w.scalar_type()), dls.to(w.scalar_type())};
}

/// Where a graph is recorded the composition stands in: its operators differentiate themselves.
Pair backward_autograd(const at::Tensor& w, const at::Tensor& log_sigma2,
                       const OptionalTensor& dsigma2, const at::Tensor& dpenalty) {
  const at::Tensor ds = value_or_undefined(dsigma2);
  if (records_graph({w, log_sigma2, ds, dpenalty})) {
    return backward_composed(w, log_sigma2, dsigma2, dpenalty);
  }
  const at::AutoDispatchBelowADInplaceOrView below;
  return svdo_terms_backward(w, log_sigma2, ds, dpenalty);
}

struct SvdoTerms : torch::autograd::Function<SvdoTerms> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& w,
                               const at::Tensor& log_sigma2) {
    ctx->save_for_backward({w, log_sigma2});
    ctx->set_materialize_grads(false);
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [sigma2, penalty] = svdo_terms(w, log_sigma2);
    return {sigma2, penalty};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &w = saved[0], &log_sigma2 = saved[1];
    const at::Tensor dpenalty =
        grads[1].defined() ? grads[1]
                           : w.new_zeros_symint({w.sym_size(0)}, w.options().dtype(at::kDouble));
    const auto [dw, dls] = svdo_terms_backward(w, log_sigma2, grads[0], dpenalty);
    return {dw, dls};
  }
};

Pair terms_autograd(const at::Tensor& w, const at::Tensor& log_sigma2) {
  const variable_list out = SvdoTerms::apply(w, log_sigma2);
  return {out[0], out[1]};
}

}  // namespace

Pair svdo_terms(const at::Tensor& w, const at::Tensor& log_sigma2) {
  static const auto op = find_op<decltype(terms_cpu)>("scalemix::svdo_terms");
  return op.call(w, log_sigma2);
}

Pair svdo_terms_backward(const at::Tensor& w, const at::Tensor& log_sigma2,
                         const at::Tensor& dsigma2, const at::Tensor& dpenalty) {
  static const auto op = find_op<decltype(backward_cpu)>("scalemix::svdo_terms_backward");
  return op.call(w, log_sigma2, optional_of(dsigma2), dpenalty);
}

Pair composition::svdo_terms(const at::Tensor& w, const at::Tensor& log_sigma2) {
  return terms_composed(w, log_sigma2);
}

Pair composition::svdo_terms_backward(const at::Tensor& w, const at::Tensor& log_sigma2,
                                      const at::Tensor& dsigma2, const at::Tensor& dpenalty) {
  return backward_composed(w, log_sigma2, optional_of(dsigma2), dpenalty);
}

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def("svdo_terms(Tensor w, Tensor log_sigma2) -> (Tensor, Tensor)");
  m.def(
      "svdo_terms_backward(Tensor w, Tensor log_sigma2, Tensor? dsigma2, Tensor dpenalty) -> "
      "(Tensor, Tensor)");
}
TORCH_LIBRARY_IMPL(scalemix, CPU, m) {
  m.impl("svdo_terms", terms_cpu);
  m.impl("svdo_terms_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(scalemix, Meta, m) {
  m.impl("svdo_terms", terms_meta);
  m.impl("svdo_terms_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) {
  m.impl("svdo_terms", terms_composed);
  m.impl("svdo_terms_backward", backward_composed);
}
TORCH_LIBRARY_IMPL(scalemix, Autograd, m) {
  m.impl("svdo_terms", terms_autograd);
  m.impl("svdo_terms_backward", backward_autograd);
}

}  // namespace scalemix::inline v0::op
