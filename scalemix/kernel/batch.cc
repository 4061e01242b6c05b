#include "scalemix/kernel/batch.h"

#include <algorithm>

#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::kernel {
namespace {

constexpr std::size_t kTile = 16384;  // numbers in a tile, about

template <class Row>
void gather(const float* x, std::size_t width, std::size_t rows, const Row& row, const float* mean,
            const float* scale, float* out) {
  if (width == 0) return;
  const std::size_t step = std::max<std::size_t>(1, kTile / width);
  parallel_tiles((rows + step - 1) / step, [&](std::size_t tile) {
    for (std::size_t b = tile * step; b < std::min(rows, (tile + 1) * step); ++b) {
      const float* from = x + row(b) * width;
      float* to = out + b * width;
      for (std::size_t k = 0; k < width; ++k) {
        const float v = (from[k] - (mean ? mean[k] : 0.0f)) / (scale ? scale[k] : 1.0f);
        to[k] = from[k] == from[k] ? v : 0.0f;
      }
    }
  });
}

}  // namespace

void gather_standardised(const float* x, std::size_t width, std::size_t rows,
                         const std::uint32_t* index, const float* mean, const float* scale,
                         float* out) {
  gather(
      x, width, rows, [index](std::size_t b) { return std::size_t{index[b]}; }, mean, scale, out);
}

void gather_standardised(const float* x, std::size_t width, std::size_t rows,
                         const std::int64_t* index, const float* mean, const float* scale,
                         float* out) {
  const auto row = [index](std::size_t b) { return static_cast<std::size_t>(index[b]); };
  gather(x, width, rows, row, mean, scale, out);
}

void standardise_rows(const float* x, std::size_t width, std::size_t rows, const float* mean,
                      const float* scale, float* out) {
  gather(
      x, width, rows, [](std::size_t b) { return b; }, mean, scale, out);
}

}  // namespace scalemix::inline v0::kernel
