// Argument checks and conversions that the ops share. Messages have one form:
//
//   noise: expected seed of type int64, got float32
//
// Sizes are compared as SymInt, so the checks also run while shapes are traced.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/types.h>

#include <optional>

namespace scalemix::inline v0::op {

using OptionalTensor = std::optional<at::Tensor>;

/// The dispatcher's entry of an op; Call is its signature.
template <class Call>
c10::TypedOperatorHandle<Call> find_op(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Call>();
}

/// Undefined where there is none.
inline at::Tensor value_or_undefined(const OptionalTensor& t) { return t ? *t : at::Tensor(); }
inline OptionalTensor optional_of(const at::Tensor& t) {
  return t.defined() ? OptionalTensor(t) : OptionalTensor();
}

/// Whether a gradient of a gradient is being recorded through any of `inputs`.
bool records_graph(std::initializer_list<at::Tensor> inputs);

/// float32 for half and bfloat16, else the type itself.
at::ScalarType compute_type(at::ScalarType type);

/// "float32", "int64": as Python calls a type.
const char* type_name(at::ScalarType type);

/// `x` in its compute type, contiguous; `x` itself where it already is.
at::Tensor operand(const at::Tensor& x);

void check_floating(const char* op, const char* name, const at::Tensor& t);
void check_type(const char* op, const char* name, const at::Tensor& t, at::ScalarType type);
void check_dims(const char* op, const char* name, const at::Tensor& t, std::int64_t at_least);
void check_device(const char* op, const char* name, const at::Tensor& t, const at::Tensor& x);
/// Type and device of `t` are those of `x`.
void check_like(const char* op, const char* name, const at::Tensor& t, const at::Tensor& x);
void check_shape(const char* op, const char* name, const at::Tensor& t,
                 std::initializer_list<c10::SymInt> shape);
void check_same_shape(const char* op, const char* name, const at::Tensor& t, const at::Tensor& x);

}  // namespace scalemix::inline v0::op
