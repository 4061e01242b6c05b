// Networks of random structure: blocks in blocks, shortcuts, every kind of noise anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/model/build.h"
#include "scalemix/model/noise.h"
#include "scalemix/random/stream.h"

namespace scalemix::model {

/// Rows of 5 numbers through smooth layers to 3 classes; a pure function of its number.
class RandomSpec {
 public:
  static constexpr std::size_t kWidth = 5;

  explicit RandomSpec(std::uint64_t number) : stream_{.seed = number} {}

  Spec make() {
    Layers layers = list(0);
    layers.push_back(linear(kWidth, 3));
    return chain({{kWidth}, Task::classification, 3}, layers);
  }

 private:
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(static_cast<double>(n) * stream_.uniform(next_++));
  }
  std::string one_of(const std::vector<std::string>& words) { return words[below(words.size())]; }

  Layers list(int depth) {
    Layers out;
    const std::size_t count = 1 + below(3);
    for (std::size_t i = 0; i < count; ++i) out.push_back(layer(depth));
    return out;
  }

  Layer layer(int depth) {
    switch (below(depth < 3 ? 9 : 6)) {
      case 0:
      case 1:
        return weighted();
      case 2:
        return activation(one_of({"tanh", "gelu", "sigmoid", "silu", "sine"}));
      case 3:
        return noise();
      case 4:
        return layer_norm(kWidth);
      case 5:
        return flatten();
      default:
        Layers branch = list(depth + 1);
        return residual(std::move(branch), below(2) ? list(depth + 1) : Layers{});
    }
  }

  Layer weighted() {
    Layer out = linear(kWidth, kWidth, below(2) == 0);
    const std::string kind = one_of({"", "", "svdo", "vi", "concrete", "dropconnect"});
    if (!kind.empty()) {
      out.noise = {noise_of(kind, kind == "dropconnect" ? "gaussian:alpha=0.3" : "")};
    }
    return out;
  }

  Layer noise() {
    Layer out{.type = "noise", .width = kWidth};
    const std::string kind = one_of({"multiply", "add", "learned"});
    out.noise = {noise_of(kind, kind == "add"       ? "normal:scale=0.3"
                                : kind == "learned" ? "laplace:alpha=0.3"
                                                    : "bernoulli:p=0.3")};
    if (below(3) == 0) out.at = Site::layer, out.width = 1;
    return out;
  }

  Stream stream_;
  std::uint64_t next_ = 0;
};

}  // namespace scalemix::model
