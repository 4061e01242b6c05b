#include "scalemix/torch/op/operand.h"

#include <torch/torch.h>

#include <algorithm>

namespace scalemix::inline v0::op {
const char* type_name(at::ScalarType type) {
  switch (type) {
    case at::kLong:
      return "int64";
    case at::kDouble:
      return "float64";
    case at::kFloat:
      return "float32";
    case at::kHalf:
      return "float16";
    case at::kBFloat16:
      return "bfloat16";
    default:
      return c10::toString(type);
  }
}

bool records_graph(std::initializer_list<at::Tensor> inputs) {
  return at::GradMode::is_enabled() &&
         std::any_of(inputs.begin(), inputs.end(),
                     [](const at::Tensor& t) { return t.defined() && t.requires_grad(); });
}

at::ScalarType compute_type(at::ScalarType type) {
  return type == at::kHalf || type == at::kBFloat16 ? at::kFloat : type;
}

at::Tensor operand(const at::Tensor& x) { return x.to(compute_type(x.scalar_type())).contiguous(); }

void check_floating(const char* op, const char* name, const at::Tensor& t) {
  const at::ScalarType type = compute_type(t.scalar_type());
  TORCH_CHECK_TYPE(type == at::kFloat || type == at::kDouble, op, ": expected ", name,
                   " of a real floating type, got ", type_name(t.scalar_type()));
}

void check_type(const char* op, const char* name, const at::Tensor& t, at::ScalarType type) {
  TORCH_CHECK_TYPE(t.scalar_type() == type, op, ": expected ", name, " of type ", type_name(type),
                   ", got ", type_name(t.scalar_type()));
}

void check_dims(const char* op, const char* name, const at::Tensor& t, std::int64_t at_least) {
  TORCH_CHECK(t.dim() >= at_least, op, ": expected ", name, " of at least ", at_least,
              " dimensions, got ", t.dim());
}

void check_like(const char* op, const char* name, const at::Tensor& t, const at::Tensor& x) {
  check_type(op, name, t, x.scalar_type());
  check_device(op, name, t, x);
}

void check_device(const char* op, const char* name, const at::Tensor& t, const at::Tensor& x) {
  TORCH_CHECK(t.device() == x.device(), op, ": expected ", name, " on ", x.device(), ", got ",
              t.device());
}

void check_shape(const char* op, const char* name, const at::Tensor& t,
                 std::initializer_list<c10::SymInt> shape) {
  const c10::SymIntArrayRef expected(shape);
  bool same = t.dim() == static_cast<std::int64_t>(expected.size());
  for (std::size_t i = 0; same && i < expected.size(); ++i) same = t.sym_sizes()[i] == expected[i];
  TORCH_CHECK(same, op, ": expected ", name, " of shape ", expected, ", got ", t.sym_sizes());
}

void check_same_shape(const char* op, const char* name, const at::Tensor& t, const at::Tensor& x) {
  bool same = t.dim() == x.dim();
  for (std::int64_t i = 0; same && i < t.dim(); ++i) same = t.sym_size(i) == x.sym_size(i);
  TORCH_CHECK(same, op, ": expected ", name, " of shape ", x.sym_sizes(), ", got ", t.sym_sizes());
}

}  // namespace scalemix::inline v0::op
