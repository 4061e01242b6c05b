// What the tests of the ops share: tensors without a generator, bit and norm comparison, and
// gradients against finite differences.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

namespace scalemix::op_check {

/// Entries lo + (hi - lo) * frac(golden ratio * (i + salt)): spread over [lo, hi), no two alike.
inline at::Tensor spread(at::IntArrayRef shape, at::ScalarType type, double lo = -1, double hi = 1,
                         double salt = 0) {
  const int64_t n = c10::multiply_integers(shape);
  const at::Tensor u = ((at::arange(n, at::kDouble) + salt + 1) * 0.61803398874989485).frac();
  return (lo + (hi - lo) * u).reshape(shape).to(type);
}

inline at::Tensor seeds(std::vector<int64_t> values) { return at::tensor(values, at::kLong); }

inline ::testing::AssertionResult same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type()) {
    return ::testing::AssertionFailure() << a.scalar_type() << " is not " << b.scalar_type();
  }
  if (a.equal(b)) return ::testing::AssertionSuccess();
  if (a.sizes() != b.sizes()) {
    return ::testing::AssertionFailure() << a.sizes() << " is not " << b.sizes();
  }
  return ::testing::AssertionFailure()
         << (a != b).sum().item<int64_t>() << " of " << a.numel() << " entries differ, by at most "
         << (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// ||a - b|| <= bound ||b||, in double.
inline ::testing::AssertionResult close(const at::Tensor& a, const at::Tensor& b, double bound) {
  if (a.sizes() != b.sizes()) {
    return ::testing::AssertionFailure() << a.sizes() << " is not " << b.sizes();
  }
  const double size = b.to(at::kDouble).norm().item<double>();
  const double off = (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>();
  if (off <= bound * size) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "off by " << off << " of norm " << size << ", bound " << bound;
}

using Tensors = std::vector<at::Tensor>;
using Map = std::function<Tensors(const Tensors&)>;

/// A scalar of the outputs with a different weight on each entry.
inline at::Tensor weigh(const Tensors& outputs) {
  at::Tensor total = at::zeros({}, at::kDouble);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const at::Tensor y = outputs[i].to(at::kDouble);
    total = total + (y * spread(y.sizes(), at::kDouble, 0.2, 1.2, 17.0 * (i + 1))).sum();
  }
  return total;
}

/// Gradients of weigh(f) by autograd; a graph of them with `create_graph`.
inline Tensors gradients(const Map& f, const Tensors& inputs, bool create_graph = false) {
  return torch::autograd::grad({weigh(f(inputs))}, inputs, {}, true, create_graph);
}

/// Each input's gradient of weigh(f) by central differences.
inline Tensors differences(const Map& f, const Tensors& inputs, double h = 1e-6) {
  const at::NoGradGuard no_grad;
  Tensors result;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    Tensors moved = inputs;
    moved[k] = inputs[k].detach().clone();
    const at::Tensor flat = moved[k].view(-1), slope = at::empty_like(flat);
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const double at_i = flat[i].item<double>();
      flat[i] = at_i + h;
      const double up = weigh(f(moved)).item<double>();
      flat[i] = at_i - h;
      const double down = weigh(f(moved)).item<double>();
      flat[i] = at_i;
      slope[i] = (up - down) / (2 * h);
    }
    result.push_back(slope.view(inputs[k].sizes()));
  }
  return result;
}

inline Tensors leaves(Tensors inputs) {
  for (at::Tensor& t : inputs) t = t.detach().clone().requires_grad_(true);
  return inputs;
}

/// First derivatives of f agree with differences of f, second derivatives with differences of the
/// first.
inline void expect_derivatives(const Map& f, const Tensors& inputs, double bound = 1e-7) {
  const Tensors at = leaves(inputs);
  const Tensors first = gradients(f, at), expected = differences(f, at);
  for (std::size_t k = 0; k < at.size(); ++k) {
    EXPECT_TRUE(close(first[k], expected[k], bound)) << "gradient of input " << k;
  }
  const Map slope = [&](const Tensors& x) { return gradients(f, x, true); };
  const Map slope_value = [&](const Tensors& x) {
    const at::AutoGradMode grad(true);
    return gradients(f, leaves(x));
  };
  const Tensors second = torch::autograd::grad({weigh(slope(at))}, at, {}, true, false, true);
  const Tensors second_expected = differences(slope_value, at);
  for (std::size_t k = 0; k < at.size(); ++k) {
    const at::Tensor value = second[k].defined() ? second[k] : at::zeros_like(at[k]);
    const double scale = std::max(1.0, second_expected[k].norm().item<double>());
    EXPECT_LE((value - second_expected[k]).norm().item<double>(), bound * 100 * scale)
        << "second derivative by input " << k;
  }
}

/// The message of the error `call` throws; empty where it throws none.
template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace scalemix::op_check
