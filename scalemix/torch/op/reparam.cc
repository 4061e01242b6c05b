#include "scalemix/torch/op/reparam.h"

#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/kernel/reparam.h"
#include "scalemix/torch/op/draws.h"
#include "scalemix/torch/op/kept_draw.h"

namespace scalemix::inline v0::op {
namespace {

using c10::SymInt;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

SymInt columns_of(const at::Tensor& x) {
  SymInt count = 1;
  for (std::int64_t i = 2; i < x.dim(); ++i) count = count * x.sym_size(i);
  return count;
}

/// `first` is mean or var, `second` var or dy.
void check_arguments(const char* op, const char* first_name, const at::Tensor& first,
                     const char* second_name, const at::Tensor& second, const at::Tensor& seed,
                     const at::Tensor& draw, const OptionalTensor& columns) {
  check_floating(op, first_name, first);
  check_dims(op, first_name, first, 2);
  check_like(op, second_name, second, first);
  check_same_shape(op, second_name, second, first);
  check_sources(op, first, seed, draw, columns, columns_of(first));
}

void check_forward(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                   const at::Tensor& draw, const OptionalTensor& columns) {
  check_arguments("reparam", "mean", mean, "var", var, seed, draw, columns);
}
void check_backward(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                    const at::Tensor& draw, const OptionalTensor& columns) {
  check_arguments("reparam_backward", "var", var, "dy", dy, seed, draw, columns);
}

kernel::Site site_of(const at::Tensor& x) {
  const std::size_t columns = columns_of(x).guard_int(__FILE__, __LINE__);
  return {.rows = static_cast<std::size_t>(x.size(1)), .columns = columns};
}

void forward(const Stream& stream, const kernel::Site& site, const float* mean, const float* var,
             float* y) {
  kernel::reparam(standard_normal(), stream, site, mean, var, y);
}
void forward(const Stream& stream, const kernel::Site& site, const double* mean, const double* var,
             double* y) {
  kernel::ref::reparam(standard_normal(), stream, site, mean, var, y);
}
void backward(const Stream& stream, const kernel::Site& site, const float* var, const float* dy,
              float* dvar) {
  kernel::reparam_backward(standard_normal(), stream, site, var, dy, dvar);
}
void backward(const Stream& stream, const kernel::Site& site, const double* var, const double* dy,
              double* dvar) {
  kernel::ref::reparam_backward(standard_normal(), stream, site, var, dy, dvar);
}

at::Tensor reparam_cpu(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                       std::int64_t stream, const at::Tensor& draw, std::int64_t row0,
                       std::int64_t width, const OptionalTensor& columns) {
  check_forward(mean, var, seed, draw, columns);
  const HostDraws draws("reparam", {seed, stream, draw, row0, width, columns}, site_of(mean));
  const at::Tensor m = operand(mean), v = operand(var), y = at::empty_like(m);
  const std::int64_t replicas = mean.size(0), n = replicas ? mean.numel() / replicas : 0;
  AT_DISPATCH_FLOATING_TYPES(m.scalar_type(), "reparam", [&] {
    for (std::int64_t r = 0; n && r < replicas; ++r) {
      forward(draws.stream(r), draws.site(), m.data_ptr<scalar_t>() + r * n,
              v.data_ptr<scalar_t>() + r * n, y.data_ptr<scalar_t>() + r * n);
    }
  });
  return y.to(mean.scalar_type());
}

at::Tensor backward_cpu(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                        std::int64_t stream, const at::Tensor& draw, std::int64_t row0,
                        std::int64_t width, const OptionalTensor& columns) {
  check_backward(var, dy, seed, draw, columns);
  const HostDraws draws("reparam_backward", {seed, stream, draw, row0, width, columns},
                        site_of(var));
  const at::Tensor v = operand(var), g = operand(dy), dvar = at::empty_like(v);
  const std::int64_t replicas = var.size(0), n = replicas ? var.numel() / replicas : 0;
  AT_DISPATCH_FLOATING_TYPES(v.scalar_type(), "reparam_backward", [&] {
    for (std::int64_t r = 0; n && r < replicas; ++r) {
      backward(draws.stream(r), draws.site(), v.data_ptr<scalar_t>() + r * n,
               g.data_ptr<scalar_t>() + r * n, dvar.data_ptr<scalar_t>() + r * n);
    }
  });
  return dvar.to(var.scalar_type());
}

at::Tensor reparam_meta(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                        SymInt, const at::Tensor& draw, SymInt, SymInt,
                        const OptionalTensor& columns) {
  check_forward(mean, var, seed, draw, columns);
  return at::empty_like(mean, mean.options(), at::MemoryFormat::Contiguous);
}

at::Tensor backward_meta(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                         SymInt, const at::Tensor& draw, SymInt, SymInt,
                         const OptionalTensor& columns) {
  check_backward(var, dy, seed, draw, columns);
  return at::empty_like(var, var.options(), at::MemoryFormat::Contiguous);
}

/// zeta in the shape and compute type of x.
at::Tensor zeta(const at::Tensor& x, const Sources& sources) {
  sources.check("reparam");
  const kernel::Site site = site_of(x);
  return composition::draws({&standard_normal()}, sources, site.rows, site.columns)
      .reshape(x.sizes())
      .to(compute_type(x.scalar_type()));
}

at::Tensor reparam_composed(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                            std::int64_t stream, const at::Tensor& draw, std::int64_t row0,
                            std::int64_t width, const OptionalTensor& columns) {
  check_forward(mean, var, seed, draw, columns);
  const at::Tensor z = zeta(mean, {seed, stream, draw, row0, width, columns});
  const at::Tensor sigma = (operand(var) + kernel::kReparamEps).sqrt();
  return (operand(mean) + sigma * z).to(mean.scalar_type());
}

at::Tensor backward_composed(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                             std::int64_t stream, const at::Tensor& draw, std::int64_t row0,
                             std::int64_t width, const OptionalTensor& columns) {
  check_backward(var, dy, seed, draw, columns);
  const at::Tensor z = zeta(var, {seed, stream, draw, row0, width, columns});
  const at::Tensor sigma = (operand(var) + kernel::kReparamEps).sqrt();
  return (operand(dy) * z / (2 * sigma)).to(var.scalar_type());
}

using Call = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, SymInt,
                        const at::Tensor&, SymInt, SymInt, const OptionalTensor&);

at::Tensor call(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                SymInt stream, const at::Tensor& draw, SymInt row0, SymInt width,
                const OptionalTensor& columns) {
  static const auto op = find_op<Call>("scalemix::reparam", "tensor_draw");
  return op.call(mean, var, seed, stream, draw, row0, width, columns);
}

at::Tensor call_backward(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                         SymInt stream, const at::Tensor& draw, SymInt row0, SymInt width,
                         const OptionalTensor& columns) {
  static const auto op = find_op<Call>("scalemix::reparam_backward");
  return op.call(var, dy, seed, stream, draw, row0, width, columns);
}

void save_draws(AutogradContext* ctx, const SymInt& stream, const SymInt& row0,
                const SymInt& width) {
  ctx->saved_data["stream"] = stream;
  ctx->saved_data["row0"] = row0;
  ctx->saved_data["width"] = width;
}

/// dvar of `dy` with the draws of a saved forward call.
at::Tensor redraw(AutogradContext* ctx, const at::Tensor& var, const at::Tensor& dy,
                  const at::Tensor& seed, const at::Tensor& draw, const at::Tensor& columns) {
  const auto number = [&](const char* key) { return ctx->saved_data.at(key).toSymInt(); };
  return call_backward(var, dy, seed, number("stream"), draw, number("row0"), number("width"),
                       optional_of(columns));
}

struct Reparam : torch::autograd::Function<Reparam> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& mean, const at::Tensor& var,
                            const at::Tensor& seed, const SymInt& stream, const at::Tensor& draw,
                            const SymInt& row0, const SymInt& width,
                            const OptionalTensor& columns) {
    const at::Tensor mine = kept_draw(draw);
    ctx->save_for_backward({var, seed, mine, value_or_undefined(columns)});
    save_draws(ctx, stream, row0, width);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call(mean, var, seed, stream, mine, row0, width, columns);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dy) {
    const variable_list saved = ctx->get_saved_variables();
    variable_list grads(8);
    grads[0] = dy[0];
    if (ctx->needs_input_grad(1))
      grads[1] = redraw(ctx, saved[0], dy[0], saved[1], saved[2], saved[3]);
    return grads;
  }
};

at::Tensor reparam_autograd(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                            SymInt stream, const at::Tensor& draw, SymInt row0, SymInt width,
                            const OptionalTensor& columns) {
  return Reparam::apply(mean, var, seed, stream, draw, row0, width, columns);
}

/// dvar = dy * zeta / (2 sigma): linear in dy, so the adjoint there is the same map; in var the
/// slope is -dvar / (2 (var + eps)).
struct ReparamBackward : torch::autograd::Function<ReparamBackward> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& var, const at::Tensor& dy,
                            const at::Tensor& seed, const SymInt& stream, const at::Tensor& draw,
                            const SymInt& row0, const SymInt& width,
                            const OptionalTensor& columns) {
    const at::Tensor mine = kept_draw(draw);
    ctx->save_for_backward({var, dy, seed, mine, value_or_undefined(columns)});
    save_draws(ctx, stream, row0, width);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_backward(var, dy, seed, stream, mine, row0, width, columns);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& g) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &var = saved[0], &dy = saved[1];
    variable_list grads(8);
    const at::Tensor adjoint = redraw(ctx, var, g[0], saved[2], saved[3], saved[4]);
    if (ctx->needs_input_grad(0)) grads[0] = -dy * adjoint / (2 * (var + kernel::kReparamEps));
    if (ctx->needs_input_grad(1)) grads[1] = adjoint;
    return grads;
  }
};

at::Tensor backward_autograd(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                             SymInt stream, const at::Tensor& draw, SymInt row0, SymInt width,
                             const OptionalTensor& columns) {
  return ReparamBackward::apply(var, dy, seed, stream, draw, row0, width, columns);
}

/// The overload that takes a number.
at::Tensor reparam_numbered(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                            SymInt stream, SymInt draw, SymInt row0, SymInt width,
                            const OptionalTensor& columns) {
  return call(mean, var, seed, stream, draw_tensor(draw, seed), row0, width, columns);
}

}  // namespace

at::Tensor reparam(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                   std::int64_t stream, const Draw& draw, std::int64_t row0, std::int64_t width,
                   const at::Tensor& columns) {
  return call(mean, var, seed, stream, draw.beside(seed), row0, width, optional_of(columns));
}

at::Tensor reparam_backward(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                            std::int64_t stream, const Draw& draw, std::int64_t row0,
                            std::int64_t width, const at::Tensor& columns) {
  return call_backward(var, dy, seed, stream, draw.beside(seed), row0, width, optional_of(columns));
}

at::Tensor composition::reparam(const at::Tensor& mean, const at::Tensor& var,
                                const at::Tensor& seed, std::int64_t stream, const Draw& draw,
                                std::int64_t row0, std::int64_t width, const at::Tensor& columns) {
  return reparam_composed(mean, var, seed, stream, draw.beside(seed), row0, width,
                          optional_of(columns));
}

at::Tensor composition::reparam_backward(const at::Tensor& var, const at::Tensor& dy,
                                         const at::Tensor& seed, std::int64_t stream,
                                         const Draw& draw, std::int64_t row0, std::int64_t width,
                                         const at::Tensor& columns) {
  return backward_composed(var, dy, seed, stream, draw.beside(seed), row0, width,
                           optional_of(columns));
}

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def(
      "reparam(Tensor mean, Tensor var, Tensor seed, SymInt stream, SymInt draw, SymInt row0, "
      "SymInt width, Tensor? columns) -> Tensor");
  m.def(
      "reparam.tensor_draw(Tensor mean, Tensor var, Tensor seed, SymInt stream, Tensor draw, "
      "SymInt row0, SymInt width, Tensor? columns) -> Tensor");
  m.def(
      "reparam_backward(Tensor var, Tensor dy, Tensor seed, SymInt stream, Tensor draw, "
      "SymInt row0, SymInt width, Tensor? columns) -> Tensor");
}
TORCH_LIBRARY_IMPL(scalemix, CompositeImplicitAutograd, m) { m.impl("reparam", reparam_numbered); }
TORCH_LIBRARY_IMPL(scalemix, CPU, m) {
  m.impl("reparam.tensor_draw", reparam_cpu);
  m.impl("reparam_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(scalemix, Meta, m) {
  m.impl("reparam.tensor_draw", reparam_meta);
  m.impl("reparam_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) {
  m.impl("reparam.tensor_draw", reparam_composed);
  m.impl("reparam_backward", backward_composed);
}
TORCH_LIBRARY_IMPL(scalemix, Autograd, m) {
  m.impl("reparam.tensor_draw", reparam_autograd);
  m.impl("reparam_backward", backward_autograd);
}

}  // namespace scalemix::inline v0::op
