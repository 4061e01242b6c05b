#include "scalemix/torch/op/linear.h"

#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/torch/op/operand.h"

namespace scalemix::inline v0::op {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

kernel::Trans trans(bool transposed) { return transposed ? kernel::Trans::yes : kernel::Trans::no; }

// ------------------------------------------------------------------------------------ product

void check_product(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  check_floating("product", "a", a);
  check_like("product", "b", b, a);
  TORCH_CHECK(a.dim() == 3, "product: expected a of 3 dimensions, got ", a.dim());
  const c10::SymInt k = a.sym_size(ta ? 1 : 2);
  TORCH_CHECK(b.dim() == 3, "product: expected b of 3 dimensions, got ", b.dim());
  const c10::SymInt n = b.sym_size(tb ? 1 : 2);
  if (tb) {
    check_shape("product", "b", b, {a.sym_size(0), n, k});
  } else {
    check_shape("product", "b", b, {a.sym_size(0), k, n});
  }
}

at::Tensor product_cpu(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  check_product(a, b, ta, tb);
  const at::Tensor left = operand(a), right = operand(b);
  const std::int64_t m = a.size(ta ? 2 : 1), k = a.size(ta ? 1 : 2), n = b.size(tb ? 1 : 2);
  const at::Tensor c = at::empty({a.size(0), m, n}, left.options());
  if (k == 0) return c.zero_().to(a.scalar_type());
  AT_DISPATCH_FLOATING_TYPES(left.scalar_type(), "product", [&] {
    for (std::int64_t r = 0; c.numel() && r < a.size(0); ++r) {
      kernel::gemm(trans(ta), trans(tb), m, n, k, left.data_ptr<scalar_t>() + r * m * k, ta ? m : k,
                   right.data_ptr<scalar_t>() + r * k * n, tb ? k : n, scalar_t(0),
                   c.data_ptr<scalar_t>() + r * m * n, n);
    }
  });
  return c.to(a.scalar_type());
}

at::Tensor product_meta(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  check_product(a, b, ta, tb);
  return a.new_empty_symint({a.sym_size(0), a.sym_size(ta ? 2 : 1), b.sym_size(tb ? 1 : 2)});
}

at::Tensor product_composed(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  check_product(a, b, ta, tb);
  const at::Tensor left = operand(a), right = operand(b);
  return at::bmm(ta ? left.transpose(1, 2) : left, tb ? right.transpose(1, 2) : right)
      .to(a.scalar_type());
}

struct Product : torch::autograd::Function<Product> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& a, const at::Tensor& b, bool ta,
                            bool tb) {
    ctx->save_for_backward({a, b});
    ctx->saved_data["ta"] = ta;
    ctx->saved_data["tb"] = tb;
    const at::AutoDispatchBelowADInplaceOrView below;
    return product(a, b, ta, tb);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dc) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &a = saved[0], &b = saved[1];
    const bool ta = ctx->saved_data["ta"].toBool(), tb = ctx->saved_data["tb"].toBool();
    variable_list grads(4);
    if (ctx->needs_input_grad(0)) {
      grads[0] = ta ? product(b, dc[0], tb, true) : product(dc[0], b, false, !tb);
    }
    if (ctx->needs_input_grad(1)) {
      grads[1] = tb ? product(dc[0], a, true, ta) : product(a, dc[0], !ta, false);
    }
    return grads;
  }
};

at::Tensor product_autograd(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  return Product::apply(a, b, ta, tb);
}

// -------------------------------------------------------------------------------- column sums

void check_column_sums(const at::Tensor& x) {
  check_floating("column_sums", "x", x);
  TORCH_CHECK(x.dim() == 3, "column_sums: expected x of 3 dimensions, got ", x.dim());
}

at::Tensor column_sums_cpu(const at::Tensor& x) {
  check_column_sums(x);
  const at::Tensor in = operand(x);
  const std::int64_t replicas = x.size(0), rows = x.size(1), columns = x.size(2);
  const at::Tensor sums = at::empty({replicas, columns}, in.options());
  AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "column_sums", [&] {
    for (std::int64_t r = 0; r < replicas; ++r) {
      kernel::column_sums<scalar_t>(rows, columns, in.data_ptr<scalar_t>() + r * rows * columns,
                                    sums.data_ptr<scalar_t>() + r * columns);
    }
  });
  return sums.to(x.scalar_type());
}

at::Tensor column_sums_meta(const at::Tensor& x) {
  check_column_sums(x);
  return x.new_empty_symint({x.sym_size(0), x.sym_size(2)});
}

at::Tensor column_sums_composed(const at::Tensor& x) {
  check_column_sums(x);
  return x.sum(1, /*keepdim=*/false, at::kDouble).to(x.scalar_type());
}

struct ColumnSums : torch::autograd::Function<ColumnSums> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x) {
    ctx->saved_data["rows"] = x.sym_size(1);
    const at::AutoDispatchBelowADInplaceOrView below;
    return column_sums(x);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& ds) {
    return {ds[0].unsqueeze(1).expand_symint({-1, ctx->saved_data["rows"].toSymInt(), -1})};
  }
};

at::Tensor column_sums_autograd(const at::Tensor& x) { return ColumnSums::apply(x); }

// ------------------------------------------------------------------------------------- linear

void check_linear(const at::Tensor& x, const at::Tensor& w, const OptionalTensor& b) {
  check_floating("linear", "x", x);
  TORCH_CHECK(x.dim() == 3, "linear: expected x of shape (R, N, I), got ", x.sym_sizes());
  check_like("linear", "w", w, x);
  TORCH_CHECK(w.dim() == 3, "linear: expected w of shape (R, O, I), got ", w.sym_sizes());
  check_shape("linear", "w", w, {x.sym_size(0), w.sym_size(1), x.sym_size(2)});
  if (!b) return;
  check_like("linear", "b", *b, x);
  check_shape("linear", "b", *b, {x.sym_size(0), w.sym_size(1)});
}

at::Tensor linear_cpu(const at::Tensor& x, const at::Tensor& w, const OptionalTensor& b) {
  check_linear(x, w, b);
  const at::Tensor in = operand(x), weight = operand(w);
  const std::int64_t n = x.size(1), i = x.size(2), o = w.size(1);
  const at::Tensor y = at::empty({x.size(0), n, o}, in.options());
  if (b) {
    y.copy_(b->unsqueeze(1));
  } else if (i == 0) {
    y.zero_();
  }
  AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "linear", [&] {
    for (std::int64_t r = 0; i && y.numel() && r < x.size(0); ++r) {
      kernel::gemm(kernel::Trans::no, kernel::Trans::yes, n, o, i,
                   in.data_ptr<scalar_t>() + r * n * i, i, weight.data_ptr<scalar_t>() + r * o * i,
                   i, scalar_t(b ? 1 : 0), y.data_ptr<scalar_t>() + r * n * o, o);
    }
  });
  return y.to(x.scalar_type());
}

at::Tensor linear_meta(const at::Tensor& x, const at::Tensor& w, const OptionalTensor& b) {
  check_linear(x, w, b);
  return x.new_empty_symint({x.sym_size(0), x.sym_size(1), w.sym_size(1)});
}

at::Tensor linear_composed(const at::Tensor& x, const at::Tensor& w, const OptionalTensor& b) {
  check_linear(x, w, b);
  at::Tensor y = at::bmm(operand(x), operand(w).transpose(1, 2));
  if (b) y = y + operand(*b).unsqueeze(1);
  return y.to(x.scalar_type());
}

struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& w,
                            const OptionalTensor& b) {
    ctx->save_for_backward({x, w});
    ctx->saved_data["biased"] = b.has_value();
    const at::AutoDispatchBelowADInplaceOrView below;
    return op::linear(x, w, value_or_undefined(b));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dy) {
    const variable_list saved = ctx->get_saved_variables();
    variable_list grads(3);
    if (ctx->needs_input_grad(0)) grads[0] = product(dy[0], saved[1], false, false);
    if (ctx->needs_input_grad(1)) grads[1] = product(dy[0], saved[0], true, false);
    const bool biased =
        ctx->saved_data["biased"].toBool();  // without b there is no third edge to ask
    if (biased && ctx->needs_input_grad(2)) grads[2] = column_sums(dy[0]);
    return grads;
  }
};

at::Tensor linear_autograd(const at::Tensor& x, const at::Tensor& w, const OptionalTensor& b) {
  return Linear::apply(x, w, b);
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
  static const auto op = find_op<decltype(linear_cpu)>("scalemix::linear");
  return op.call(x, w, optional_of(b));
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  static const auto op = find_op<decltype(product_cpu)>("scalemix::product");
  return op.call(a, b, ta, tb);
}

at::Tensor column_sums(const at::Tensor& x) {
  static const auto op = find_op<decltype(column_sums_cpu)>("scalemix::column_sums");
  return op.call(x);
}

at::Tensor composition::linear(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
  return linear_composed(x, w, optional_of(b));
}

at::Tensor composition::product(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  return product_composed(a, b, ta, tb);
}

at::Tensor composition::column_sums(const at::Tensor& x) { return column_sums_composed(x); }

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def("linear(Tensor x, Tensor w, Tensor? b) -> Tensor");
  m.def("product(Tensor a, Tensor b, bool ta, bool tb) -> Tensor");
  m.def("column_sums(Tensor x) -> Tensor");
}
TORCH_LIBRARY_IMPL(scalemix, CPU, m) {
  m.impl("linear", linear_cpu);
  m.impl("product", product_cpu);
  m.impl("column_sums", column_sums_cpu);
}
TORCH_LIBRARY_IMPL(scalemix, Meta, m) {
  m.impl("linear", linear_meta);
  m.impl("product", product_meta);
  m.impl("column_sums", column_sums_meta);
}
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) {
  m.impl("linear", linear_composed);
  m.impl("product", product_composed);
  m.impl("column_sums", column_sums_composed);
}
TORCH_LIBRARY_IMPL(scalemix, Autograd, m) {
  m.impl("linear", linear_autograd);
  m.impl("product", product_autograd);
  m.impl("column_sums", column_sums_autograd);
}

}  // namespace scalemix::inline v0::op
