// Writes what the C++ ops give for fixed inputs, as JSON: {"name": {"shape": [...], "bits":
// [...]}}, the bits of float32 as integers. The Python tests compute the same and compare.

#include <torch/torch.h>

#include <cstring>
#include <fstream>
#include <iostream>

#include "scalemix/law/any_law.h"
#include "scalemix/torch/op/linear.h"
#include "scalemix/torch/op/noise.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_linear.h"
#include "scalemix/torch/op/svdo_terms.h"

namespace scalemix {
namespace {

/// ((i + salt) * 37 mod 101) / 64 - 0.75: exact in float32, so that every program starts from the
/// same bits.
at::Tensor grid(at::IntArrayRef shape, int64_t salt) {
  const int64_t n = c10::multiply_integers(shape);
  const at::Tensor i = at::arange(n, at::kLong) + salt;
  return ((i * 37).remainder(101).to(at::kFloat) / 64 - 0.75).reshape(shape);
}

class Golden {
 public:
  explicit Golden(const char* path) : out_(path) { out_ << "{"; }

  void add(const std::string& name, const at::Tensor& t) {
    const at::Tensor flat = t.detach().to(at::kFloat).contiguous().view(at::kInt).flatten();
    out_ << (first_ ? "\n" : ",\n") << "\"" << name << "\": {\"shape\": " << t.sizes()
         << ", \"bits\": [";
    for (int64_t i = 0; i < flat.numel(); ++i) out_ << (i ? ", " : "") << flat[i].item<int>();
    out_ << "]}";
    first_ = false;
  }

  bool finish() {
    out_ << "\n}\n";
    out_.close();
    return out_.good();
  }

 private:
  std::ofstream out_;
  bool first_ = true;
};

void add_noise(Golden& golden, const at::Tensor& seed) {
  for (const law::LawRow& row : law::laws()) {
    std::vector<double> values;
    for (const Parameter& p : row.parameters) values.push_back(p.value);
    const std::string name(row.name);
    const at::Tensor params = at::tensor(values, at::kDouble);
    golden.add("params " + name, params);
    for (const char* site : {"unit", "channel", "layer", "weight"}) {
      for (const char* mode : {"multiply", "add"}) {
        golden.add(
            "noise " + name + " " + site + " " + mode,
            op::noise(grid({2, 3, 4, 5}, 1), seed, name, params, site, mode, 268435463, 9, 2));
      }
    }
  }
}

void add_layers(Golden& golden, const at::Tensor& seed) {
  const at::Tensor x = grid({2, 6, 7}, 1).requires_grad_(true),
                   w = grid({2, 5, 7}, 2).requires_grad_(true);
  const at::Tensor ls = grid({2, 5, 7}, 3).requires_grad_(true),
                   b = grid({2, 5}, 4).requires_grad_(true);
  golden.add("linear", op::linear(x, w, b));
  golden.add("reparam",
             op::reparam(grid({2, 3, 4}, 5), grid({2, 3, 4}, 6).square(), seed, 7, 8, 9));
  golden.add("svdo_terms", std::get<0>(op::svdo_terms(w, ls)));
  const auto [y, penalty] = op::svdo_linear(x, w, ls, b, seed, 7, 8, 9);
  golden.add("svdo_linear y", y);
  golden.add("svdo_linear penalty", penalty);
  const auto grads = torch::autograd::grad({y.square().sum() + penalty.sum()}, {x, w, ls, b});
  const char* const names[] = {"dx", "dw", "dlog_sigma2", "db"};
  for (std::size_t k = 0; k < 4; ++k) golden.add(std::string("svdo_linear ") + names[k], grads[k]);
}

}  // namespace
}  // namespace scalemix

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: scalemix_ops_golden FILE\n";
    return 64;
  }
  scalemix::Golden golden(argv[1]);
  const at::Tensor seed = at::tensor(std::vector<int64_t>{11, (int64_t{1} << 40) + 3}, at::kLong);
  scalemix::add_noise(golden, seed);
  scalemix::add_layers(golden, seed);
  if (!golden.finish()) {
    std::cerr << "scalemix_ops_golden: cannot write " << argv[1] << "\n";
    return 74;
  }
  return 0;
}
