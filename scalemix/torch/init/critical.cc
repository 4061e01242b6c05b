#include "scalemix/torch/init/critical.h"

#include <torch/torch.h>

#include <cmath>
#include <utility>

#include "scalemix/torch/op/operand.h"
#include "scalemix/torch/op/words.h"

namespace scalemix::inline v0::init {

at::Tensor critical_(at::Tensor w, const std::string& activation, const std::string& law,
                     std::optional<at::Generator> generator) {
  op::check_floating("critical_", "w", w);
  op::check_dims("critical_", "w", w, 2);
  const double variance = op::critical_variance(activation, law);
  const torch::NoGradGuard no_grad;
  if (w.numel() == 0) return w;
  const double fan_in = static_cast<double>(w.numel() / w.size(0));
  return w.normal_(0, std::sqrt(variance / fan_in), std::move(generator));
}

}  // namespace scalemix::inline v0::init
