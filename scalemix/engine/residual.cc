// Where the branch and the shortcut of a residual block join. The rest of a block is the order of a
// program's nodes.

#include <algorithm>

#include "scalemix/engine/node.h"
#include "scalemix/kernel/activation.h"

namespace scalemix::inline v0::engine {
namespace {

class Join : public Node {
 public:
  explicit Join(std::size_t width) : Node(width, width) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    if (x != y) std::copy_n(x, f.rows * in, y);
    kernel::add(f.rows * in, f.other, y);
    return 0;
  }
  /// The gradient of the branch; the program gives the same to the shortcut.
  void backward(const Frame& f, const float*, const float*, float* dy, float* dx) const override {
    if (dx && dx != dy) std::copy_n(dy, f.rows * in, dx);
  }
  bool in_place(bool) const override { return true; }
  bool gradient_in_place() const override { return true; }
};

}  // namespace

std::unique_ptr<Node> make_join(std::size_t width) { return std::make_unique<Join>(width); }

}  // namespace scalemix::inline v0::engine
