#include "scalemix/torch/op/svdo_linear.h"

#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/kernel/reparam.h"
#include "scalemix/torch/op/draws.h"
#include "scalemix/torch/op/kept_draw.h"
#include "scalemix/torch/op/linear.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_terms.h"

namespace scalemix::inline v0::op {
namespace {

using c10::SymInt;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Pair = std::tuple<at::Tensor, at::Tensor>;
using Quad = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

constexpr const char* kOp = "svdo_linear";

void check_layer(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                 const at::Tensor& seed, const at::Tensor& draw) {
  check_floating(kOp, "x", x);
  TORCH_CHECK(x.dim() == 3, kOp, ": expected x of shape (R, N, I), got ", x.sym_sizes());
  check_like(kOp, "w", w, x);
  TORCH_CHECK(w.dim() == 3, kOp, ": expected w of shape (R, O, I), got ", w.sym_sizes());
  check_shape(kOp, "w", w, {x.sym_size(0), w.sym_size(1), x.sym_size(2)});
  check_like(kOp, "log_sigma2", log_sigma2, w);
  check_same_shape(kOp, "log_sigma2", log_sigma2, w);
  check_sources(kOp, x, seed, draw, {}, w.sym_size(1));
}

void check_forward(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                   const OptionalTensor& b, const at::Tensor& seed, const at::Tensor& draw) {
  check_layer(x, w, log_sigma2, seed, draw);
  if (!b) return;
  check_like(kOp, "b", *b, x);
  check_shape(kOp, "b", *b, {x.sym_size(0), w.sym_size(1)});
}

// ------------------------------------------------------------------------------------ forward
// The kernels call the other ops beneath autograd: no graph is built inside the node.

/// (y, penalty, sigma2, var): the layer and what its backward keeps.
Quad forward_kernels(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                     const OptionalTensor& b, const at::Tensor& seed, std::int64_t stream,
                     const at::Tensor& draw, std::int64_t row0) {
  check_forward(x, w, log_sigma2, b, seed, draw);
  const at::AutoDispatchBelowADInplaceOrView below;
  const at::Tensor in = operand(x);
  const auto [sigma2, penalty] = svdo_terms(operand(w), operand(log_sigma2));
  const at::Tensor mean = op::linear(in, operand(w), b ? operand(*b) : at::Tensor());
  const at::Tensor var = op::linear(in.square(), sigma2);
  const at::Tensor y = reparam(mean, var, seed, stream, draw, row0);
  return {y.to(x.scalar_type()), penalty, sigma2, var};
}

Quad forward_meta(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                  const OptionalTensor& b, const at::Tensor& seed, SymInt, const at::Tensor& draw,
                  SymInt) {
  check_forward(x, w, log_sigma2, b, seed, draw);
  const auto kept = x.options().dtype(compute_type(x.scalar_type()));
  return {x.new_empty_symint({x.sym_size(0), x.sym_size(1), w.sym_size(1)}),
          x.new_empty_symint({x.sym_size(0)}, x.options().dtype(at::kDouble)),
          x.new_empty_symint(w.sym_sizes(), kept),
          x.new_empty_symint({x.sym_size(0), x.sym_size(1), w.sym_size(1)}, kept)};
}

Pair svdo_linear_kernels(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                         const OptionalTensor& b, const at::Tensor& seed, std::int64_t stream,
                         const at::Tensor& draw, std::int64_t row0) {
  const auto [y, penalty, sigma2, var] =
      forward_kernels(x, w, log_sigma2, b, seed, stream, draw, row0);
  return {y, penalty};
}

Pair svdo_linear_meta(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                      const OptionalTensor& b, const at::Tensor& seed, SymInt stream,
                      const at::Tensor& draw, SymInt row0) {
  const auto [y, penalty, sigma2, var] =
      forward_meta(x, w, log_sigma2, b, seed, stream, draw, row0);
  return {y, penalty};
}

Pair svdo_linear_composed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                          const OptionalTensor& b, const at::Tensor& seed, std::int64_t stream,
                          const at::Tensor& draw, std::int64_t row0) {
  check_forward(x, w, log_sigma2, b, seed, draw);
  const at::Tensor in = operand(x), weight = operand(w);
  const auto [sigma2, penalty] = composition::svdo_terms(weight, operand(log_sigma2));
  const at::Tensor mean = composition::linear(in, weight, b ? operand(*b) : at::Tensor());
  const at::Tensor var = composition::linear(in.square(), sigma2);
  const at::Tensor y = composition::reparam(mean, var, seed, stream, draw, row0);
  return {y.to(x.scalar_type()), penalty};
}

// ----------------------------------------------------------------------------------- backward

void check_gradients(const at::Tensor& dy, const at::Tensor& dpenalty, const at::Tensor& x,
                     const at::Tensor& w, const at::Tensor& log_sigma2, const at::Tensor& seed,
                     const at::Tensor& draw) {
  check_layer(x, w, log_sigma2, seed, draw);
  check_like(kOp, "dy", dy, x);
  check_shape(kOp, "dy", dy, {x.sym_size(0), x.sym_size(1), w.sym_size(1)});
  check_type(kOp, "dpenalty", dpenalty, at::kDouble);
  check_shape(kOp, "dpenalty", dpenalty, {x.sym_size(0)});
}

/// (dx, dw, dlog_sigma2, db); dx and db are empty where not needed.
Quad backward_kernels(const at::Tensor& dy, const at::Tensor& dpenalty, const at::Tensor& x,
                      const at::Tensor& w, const at::Tensor& log_sigma2, const at::Tensor& sigma2,
                      const at::Tensor& var, const at::Tensor& seed, std::int64_t stream,
                      const at::Tensor& draw, std::int64_t row0, bool need_x, bool need_b) {
  check_gradients(dy, dpenalty, x, w, log_sigma2, seed, draw);
  const at::AutoDispatchBelowADInplaceOrView below;
  const at::Tensor in = operand(x), weight = operand(w), g = operand(dy);
  const at::Tensor dvar = reparam_backward(var, g, seed, stream, draw, row0);
  const at::Tensor dsigma2 = product(dvar, in.square(), true, false);
  const auto [dpw, dls] = svdo_terms_backward(weight, operand(log_sigma2), dsigma2, dpenalty);
  const at::Tensor dw = product(g, in, true, false).add_(dpw);
  at::Tensor dx = at::empty({0}, in.options()), db = at::empty({0}, in.options());
  if (need_x)
    dx =
        product(dvar, sigma2, false, false).mul_(in).mul_(2).add_(product(g, weight, false, false));
  if (need_b) db = column_sums(g);
  const at::ScalarType type = x.scalar_type();
  return {dx.to(type), dw.to(type), dls.to(type), db.to(type)};
}

Quad backward_meta(const at::Tensor& dy, const at::Tensor& dpenalty, const at::Tensor& x,
                   const at::Tensor& w, const at::Tensor& log_sigma2, const at::Tensor&,
                   const at::Tensor&, const at::Tensor& seed, SymInt, const at::Tensor& draw,
                   SymInt, bool need_x, bool need_b) {
  check_gradients(dy, dpenalty, x, w, log_sigma2, seed, draw);
  const at::Tensor none = x.new_empty({0});
  return {need_x ? x.new_empty_symint(x.sym_sizes()) : none, x.new_empty_symint(w.sym_sizes()),
          x.new_empty_symint(w.sym_sizes()),
          need_b ? x.new_empty_symint({x.sym_size(0), w.sym_size(1)}) : x.new_empty({0})};
}

/// The formulas of the header from differentiable operators; sigma2 and var are computed again, so
/// that a second derivative reaches x and log_sigma2 through them.
Quad backward_composed(const at::Tensor& dy, const at::Tensor& dpenalty, const at::Tensor& x,
                       const at::Tensor& w, const at::Tensor& log_sigma2, const at::Tensor&,
                       const at::Tensor&, const at::Tensor& seed, std::int64_t stream,
                       const at::Tensor& draw, std::int64_t row0, bool need_x, bool need_b) {
  check_gradients(dy, dpenalty, x, w, log_sigma2, seed, draw);
  const at::Tensor in = operand(x), weight = operand(w), ls = operand(log_sigma2), g = operand(dy);
  const at::Tensor sigma2 = ls.exp(), x2 = in.square();
  const at::Tensor var = composition::linear(x2, sigma2);
  const at::Tensor dvar = composition::reparam_backward(var, g, seed, stream, draw, row0);
  const at::Tensor dsigma2 = composition::product(dvar, x2, true, false);
  const auto [dpw, dls] = composition::svdo_terms_backward(weight, ls, dsigma2, dpenalty);
  const at::Tensor dw = composition::product(g, in, true, false) + dpw;
  at::Tensor dx = at::empty({0}, in.options()), db = at::empty({0}, in.options());
  if (need_x) {
    dx = composition::product(g, weight, false, false) +
         2 * in * composition::product(dvar, sigma2, false, false);
  }
  if (need_b) db = composition::column_sums(g);
  const at::ScalarType type = x.scalar_type();
  return {dx.to(type), dw.to(type), dls.to(type), db.to(type)};
}

Quad call_backward(const at::Tensor& dy, const at::Tensor& dpenalty, const at::Tensor& x,
                   const at::Tensor& w, const at::Tensor& log_sigma2, const at::Tensor& sigma2,
                   const at::Tensor& var, const at::Tensor& seed, SymInt stream,
                   const at::Tensor& draw, SymInt row0, bool need_x, bool need_b) {
  static const auto op = find_op<decltype(call_backward)>("scalemix::svdo_linear_backward");
  return op.call(dy, dpenalty, x, w, log_sigma2, sigma2, var, seed, stream, draw, row0, need_x,
                 need_b);
}

Quad backward_autograd(const at::Tensor& dy, const at::Tensor& dpenalty, const at::Tensor& x,
                       const at::Tensor& w, const at::Tensor& log_sigma2, const at::Tensor& sigma2,
                       const at::Tensor& var, const at::Tensor& seed, SymInt stream,
                       const at::Tensor& draw, SymInt row0, bool need_x, bool need_b) {
  if (records_graph({dy, dpenalty, x, w, log_sigma2})) {
    return backward_composed(dy, dpenalty, x, w, log_sigma2, sigma2, var, seed,
                             stream.guard_int(__FILE__, __LINE__), draw,
                             row0.guard_int(__FILE__, __LINE__), need_x, need_b);
  }
  const at::AutoDispatchBelowADInplaceOrView below;
  return call_backward(dy, dpenalty, x, w, log_sigma2, sigma2, var, seed, stream, draw, row0,
                       need_x, need_b);
}

Quad call_forward(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                  const OptionalTensor& b, const at::Tensor& seed, SymInt stream,
                  const at::Tensor& draw, SymInt row0) {
  static const auto op = find_op<decltype(call_forward)>("scalemix::svdo_linear_forward");
  return op.call(x, w, log_sigma2, b, seed, stream, draw, row0);
}

Pair call(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
          const OptionalTensor& b, const at::Tensor& seed, const SymInt& stream,
          const at::Tensor& draw, const SymInt& row0) {
  using Call = Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&, const OptionalTensor&,
                    const at::Tensor&, SymInt, const at::Tensor&, SymInt);
  static const auto op = find_op<Call>("scalemix::svdo_linear", "tensor_draw");
  return op.call(x, w, log_sigma2, b, seed, stream, draw, row0);
}

struct SvdoLinear : torch::autograd::Function<SvdoLinear> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& w,
                               const at::Tensor& log_sigma2, const OptionalTensor& b,
                               const at::Tensor& seed, const SymInt& stream, const at::Tensor& draw,
                               const SymInt& row0) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor mine = kept_draw(draw);
    const auto [y, penalty, sigma2, var] =
        call_forward(x, w, log_sigma2, b, seed, stream, mine, row0);
    ctx->save_for_backward({x, w, log_sigma2, sigma2, var, seed, mine});
    ctx->saved_data["stream"] = stream;
    ctx->saved_data["row0"] = row0;
    return {y, penalty};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const variable_list s = ctx->get_saved_variables();
    const auto& data = ctx->saved_data;
    const bool need_x = ctx->needs_input_grad(0), need_b = ctx->needs_input_grad(3);
    const auto [dx, dw, dls, db] = call_backward(grads[0], grads[1], s[0], s[1], s[2], s[3], s[4],
                                                 s[5], data.at("stream").toSymInt(), s[6],
                                                 data.at("row0").toSymInt(), need_x, need_b);
    return {need_x ? dx : at::Tensor(), dw, dls, need_b ? db : at::Tensor(), {}, {}, {}, {}};
  }
};

Pair svdo_linear_autograd(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                          const OptionalTensor& b, const at::Tensor& seed, SymInt stream,
                          const at::Tensor& draw, SymInt row0) {
  const variable_list out = SvdoLinear::apply(x, w, log_sigma2, b, seed, stream, draw, row0);
  return {out[0], out[1]};
}

/// The overload that takes a number.
Pair svdo_linear_numbered(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                          const OptionalTensor& b, const at::Tensor& seed, SymInt stream,
                          SymInt draw, SymInt row0) {
  return call(x, w, log_sigma2, b, seed, stream, draw_tensor(draw, seed), row0);
}

}  // namespace

Pair svdo_linear(const at::Tensor& x, const at::Tensor& w, const at::Tensor& log_sigma2,
                 const at::Tensor& b, const at::Tensor& seed, std::int64_t stream, const Draw& draw,
                 std::int64_t row0) {
  return call(x, w, log_sigma2, optional_of(b), seed, stream, draw.beside(seed), row0);
}

Pair composition::svdo_linear(const at::Tensor& x, const at::Tensor& w,
                              const at::Tensor& log_sigma2, const at::Tensor& b,
                              const at::Tensor& seed, std::int64_t stream, const Draw& draw,
                              std::int64_t row0) {
  return svdo_linear_composed(x, w, log_sigma2, optional_of(b), seed, stream, draw.beside(seed),
                              row0);
}

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def(
      "svdo_linear(Tensor x, Tensor w, Tensor log_sigma2, Tensor? b, Tensor seed, SymInt stream, "
      "SymInt draw, SymInt row0) -> (Tensor, Tensor)");
  m.def(
      "svdo_linear.tensor_draw(Tensor x, Tensor w, Tensor log_sigma2, Tensor? b, Tensor seed, "
      "SymInt stream, Tensor draw, SymInt row0) -> (Tensor, Tensor)");
  m.def(
      "svdo_linear_forward(Tensor x, Tensor w, Tensor log_sigma2, Tensor? b, Tensor seed, "
      "SymInt stream, Tensor draw, SymInt row0) -> (Tensor, Tensor, Tensor, Tensor)");
  m.def(
      "svdo_linear_backward(Tensor dy, Tensor dpenalty, Tensor x, Tensor w, Tensor log_sigma2, "
      "Tensor sigma2, Tensor var, Tensor seed, SymInt stream, Tensor draw, SymInt row0, "
      "bool need_x, bool need_b) -> (Tensor, Tensor, Tensor, Tensor)");
}
TORCH_LIBRARY_IMPL(scalemix, CompositeImplicitAutograd, m) {
  m.impl("svdo_linear", svdo_linear_numbered);
}
TORCH_LIBRARY_IMPL(scalemix, Meta, m) {
  m.impl("svdo_linear.tensor_draw", svdo_linear_meta);
  m.impl("svdo_linear_forward", forward_meta);
  m.impl("svdo_linear_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(scalemix, CPU, m) {
  m.impl("svdo_linear.tensor_draw", svdo_linear_kernels);
  m.impl("svdo_linear_forward", forward_kernels);
  m.impl("svdo_linear_backward", backward_kernels);
}
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) {
  m.impl("svdo_linear.tensor_draw", svdo_linear_composed);
  m.impl("svdo_linear_forward", forward_kernels);
  m.impl("svdo_linear_backward", backward_composed);
}
TORCH_LIBRARY_IMPL(scalemix, Autograd, m) {
  m.impl("svdo_linear.tensor_draw", svdo_linear_autograd);
  m.impl("svdo_linear_backward", backward_autograd);
}

}  // namespace scalemix::inline v0::op
