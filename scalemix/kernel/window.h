// The window of a convolution or a pool: square, with the same stride and padding on both axes.
#pragma once

#include <cstddef>

namespace scalemix::inline v0::kernel {

struct Window {
  std::size_t kernel = 1, stride = 1, padding = 0;
};

/// Length of an axis after a window; 0 if the window does not fit.
inline std::size_t window_length(const Window& window, std::size_t length) {
  const std::size_t padded = length + 2 * window.padding;
  return padded < window.kernel ? 0 : (padded - window.kernel) / window.stride + 1;
}

}  // namespace scalemix::inline v0::kernel
