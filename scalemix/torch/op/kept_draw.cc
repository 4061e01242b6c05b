#include "scalemix/torch/op/kept_draw.h"

#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/torch/op/operand.h"

namespace scalemix::inline v0::op {
namespace {

at::Tensor copied(const at::Tensor& draw) { return draw.clone(); }

}  // namespace

at::Tensor kept_draw(const at::Tensor& draw) {
  static const auto op = find_op<at::Tensor(const at::Tensor&)>("scalemix::kept_draw");
  return op.call(draw);
}

TORCH_LIBRARY_FRAGMENT(scalemix, m) { m.def("kept_draw(Tensor draw) -> Tensor"); }
TORCH_LIBRARY_IMPL(scalemix, CPU, m) { m.impl("kept_draw", copied); }
TORCH_LIBRARY_IMPL(scalemix, Meta, m) { m.impl("kept_draw", copied); }
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) { m.impl("kept_draw", copied); }

}  // namespace scalemix::inline v0::op
