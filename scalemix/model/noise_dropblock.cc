// DropBlock (Ghiasi, Lin & Le 2018): squares of an image are dropped together.
//
//   gamma = p H W / (b_h b_w) / ((H - b_h + 1) (W - b_w + 1)),  b = min(block, side)
//   seeds ~ Bernoulli(gamma) where a whole block fits around them;  dropped: all within a block of a seed
//   y = x kept / share of the batch that is kept
//
// One mask per channel, or one for all channels of a row. Blocks overlap, so fewer than p are dropped
// (block 7 on 14 x 14, p = 0.1: 0.0929); rate=exact raises gamma until p are, on average. In training
// the share is that of the batch, all rows and channels, as released; a prediction, whose rows know
// nothing of each other, has the expected one.

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "scalemix/base/parallel.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kP = 0, kBlock = 1, kShare = 2, kRate = 3;  // parameters

struct Image {
  std::size_t channels, height, width, bh, bw;
  bool per_channel;

  explicit Image(const NoiseUse& use)
      : channels(use.in[0]),
        height(use.in[1]),
        width(use.in[2]),
        per_channel(use.values[kShare] == 0) {
    const auto block = static_cast<std::size_t>(use.values[kBlock]);
    bh = std::min(block, height), bw = std::min(block, width);
  }
  std::size_t pixels() const { return height * width; }
  std::size_t masks() const { return per_channel ? channels : 1; }

  /// Whether a block fits around (i, j).
  bool centre(std::size_t i, std::size_t j) const {
    return i >= bh / 2 && i < height - (bh - 1) / 2 && j >= bw / 2 && j < width - (bw - 1) / 2;
  }
  /// Centres whose block has the place.
  std::size_t covering(std::size_t i, std::size_t j) const {
    const auto along = [](std::size_t at, std::size_t side, std::size_t b) {
      const std::size_t places = side - b + 1, first = at + 1 > b ? at + 1 - b : 0;
      return std::min(at, places - 1) - first + 1;
    };
    return along(i, height, bh) * along(j, width, bw);
  }
  /// Share that is dropped, on average.
  double dropped(double gamma) const {
    double sum = 0;
    for (std::size_t i = 0; i < height; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        sum += -std::expm1(static_cast<double>(covering(i, j)) * std::log1p(-gamma));
      }
    }
    return sum / static_cast<double>(pixels());
  }
  double gamma(double p, bool exact) const {
    const double places = static_cast<double>((height - bh + 1) * (width - bw + 1));
    const double one = p * static_cast<double>(pixels()) / static_cast<double>(bh * bw) / places;
    if (!exact) return std::min(one, 1.0);
    double lo = 0, hi = 1;
    for (int i = 0; i < 60; ++i) {
      const double mid = (lo + hi) / 2;
      (dropped(mid) < p ? lo : hi) = mid;
    }
    return (lo + hi) / 2;
  }
};

double gamma_of(const At& at, const Image& image) {
  return image.gamma(at.value(kP), at.use.values[kRate] != 0);
}

/// Kept: the mask (rows, masks, pixels), then room for the seeds, as large.
std::size_t kept(const NoiseUse& use, std::size_t rows, bool) {
  const Image image(use);
  return 2 * rows * image.masks() * image.pixels() + 1;
}

void draw_mask(const At& at, const Image& image, double gamma) {
  const std::size_t maps = at.rows * image.masks(), pixels = image.pixels();
  float *mask = at.kept, *seeds = mask + maps * pixels;
  kernel::draws(law::bernoulli_sampler(gamma, 1), at.stream, at.site(), seeds);
  parallel_tiles(maps, [&](std::size_t map) {
    float* to = mask + map * pixels;
    const float* from = seeds + map * pixels;
    std::fill_n(to, pixels, 1.0f);
    for (std::size_t i = 0; i < image.height; ++i) {
      for (std::size_t j = 0; j < image.width; ++j) {
        if (from[i * image.width + j] != 0 || !image.centre(i, j)) continue;
        for (std::size_t a = i - image.bh / 2; a < i - image.bh / 2 + image.bh; ++a) {
          std::fill_n(to + a * image.width + j - image.bw / 2, image.bw, 0.0f);
        }
      }
    }
  });
}

float* scale_of(const At& at, const Image& image) {
  return at.kept + 2 * at.rows * image.masks() * image.pixels();
}

void multiply(const At& at, const Image& image, const float* x, float* y) {
  const float scale = *scale_of(at, image);
  const std::size_t pixels = image.pixels();
  parallel_tiles(at.rows * image.channels, [&](std::size_t map) {
    const std::size_t m = image.per_channel ? map : map / image.channels;
    const float* mask = at.kept + m * pixels;
    for (std::size_t k = 0; k < pixels; ++k)
      y[map * pixels + k] = x[map * pixels + k] * mask[k] * scale;
  });
}

double forward(const At& at, const float* x, float* y) {
  const Image image(at.use);
  const double gamma = gamma_of(at, image);
  draw_mask(at, image, gamma);
  const std::size_t n = at.rows * image.masks() * image.pixels();
  double share = 1 - image.dropped(gamma);
  if (at.train) {
    share = kernel::sum_tiles(n, [&](std::size_t first, std::size_t count) {
      double sum = 0;
      for (std::size_t i = first; i < first + count; ++i) sum += at.kept[i];
      return sum;
    });
    share /= static_cast<double>(n);
  }
  *scale_of(at, image) = share > 0 ? static_cast<float>(1 / share) : 0;
  multiply(at, image, x, y);
  return 0;
}

void backward(const At& at, const float*, const float* dy, float* dx, double) {
  if (dx) multiply(at, Image(at.use), dy, dx);
}

void check(const Noise& noise, const Layer& layer, const Shape& in) {
  const double block = noise.values[kBlock];
  if (in.size() != 3) throw std::invalid_argument(label(layer) + ": dropblock is for images");
  if (block != std::floor(block)) {
    throw std::invalid_argument(label(layer) + ": block must be a whole number");
  }
  const std::size_t most = std::max(in[1], in[2]);
  if (block > static_cast<double>(most)) {
    throw std::invalid_argument(label(layer) + ": block must be at most the image's side, " +
                                std::to_string(most) + ", got " +
                                std::to_string(static_cast<std::size_t>(block)));
  }
}

}  // namespace

NoiseKind dropblock_noise() {
  NoiseKind kind{.name = "dropblock",
                 .summary = "squares of an image dropped together",
                 .source = "Ghiasi, Lin & Le (2018)"};
  kind.parameters = {
      {"p", 0.1, 0, 1, false, true, "share to drop; less where blocks overlap, unless rate=exact"},
      {"block", 3, 1, 1e6, false, false, "side of a block"},
      choice("share", "channel|row", "a mask for each channel, or one for a row's channels"),
      choice("rate", "released|exact", "gamma as released, or such that p are dropped")};
  kind.scheduled = {"p"};
  kind.own_layer = true;
  kind.images = true;
  kind.check = check;
  kind.compile = [](NoiseUse& use, const Layer&) {
    if (use.in.size() != 3 || use.values[kShare] == 0) return;
    use.site.columns = use.in[1] * use.in[2];
    use.site.inner = use.in[0];
    use.site.width = 0;
  };
  kind.kept = kept;
  kind.in_place = true;
  kind.forward = forward;
  kind.backward = backward;
  kind.signal = [](const Noise& noise, const Layer&) {
    return signal_like("bernoulli", noise.values[kP], "dropblock");
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
