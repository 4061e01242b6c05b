#include "scalemix/data/augment.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/known.h"

namespace scalemix::inline v0::data {
namespace {

using Own = std::vector<double>;
using Shape = std::vector<std::size_t>;

constexpr std::uint64_t kDraws = 4;  // for each row

void pad_crop(const Own& own, const Stream& stream, std::uint64_t element, const Shape& shape,
              const float* x, float* y) {
  const auto reach = static_cast<long>(own[0]);
  const auto height = static_cast<long>(shape[1]), width = static_cast<long>(shape[2]);
  const auto shift = [&](std::uint64_t k) {
    return static_cast<long>(stream.uniform(element + k) * static_cast<double>(2 * reach + 1)) -
           reach;
  };
  const long down = shift(0), right = shift(1);
  for (std::size_t c = 0; c < shape[0]; ++c) {
    const float* from = x + c * shape[1] * shape[2];
    float* to = y + c * shape[1] * shape[2];
    for (long i = 0; i < height; ++i) {
      for (long j = 0; j < width; ++j) {
        const long a = i + down, b = j + right;
        const bool inside = a >= 0 && a < height && b >= 0 && b < width;
        to[i * width + j] = inside ? from[a * width + b] : 0;
      }
    }
  }
}

void flip(const Own& own, const Stream& stream, std::uint64_t element, const Shape& shape,
          const float* x, float* y) {
  const bool turn = stream.uniform(element) < own[0];
  const std::size_t width = shape[2];
  for (std::size_t row = 0; row < shape[0] * shape[1]; ++row) {
    for (std::size_t j = 0; j < width; ++j) {
      y[row * width + j] = x[row * width + (turn ? width - 1 - j : j)];
    }
  }
}

void cutout(const Own& own, const Stream& stream, std::uint64_t element, const Shape& shape,
            const float* x, float* y) {
  const std::size_t height = shape[1], width = shape[2];
  const auto size = static_cast<long>(own[0]);
  const auto centre = [&](std::uint64_t k, std::size_t side) {
    return static_cast<long>(stream.uniform(element + k) * static_cast<double>(side));
  };
  const long top = centre(0, height) - size / 2, left = centre(1, width) - size / 2;
  for (std::size_t c = 0; c < shape[0]; ++c) {
    for (std::size_t i = 0; i < height; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        const long a = static_cast<long>(i) - top, b = static_cast<long>(j) - left;
        const std::size_t at = (c * height + i) * width + j;
        y[at] = a >= 0 && a < size && b >= 0 && b < size ? 0 : x[at];
      }
    }
  }
}

}  // namespace

const std::vector<AugmentRow>& augments() {
  static const std::vector<AugmentRow> rows{
      {"pad_crop",
       "shifted by up to so many pixels, black where nothing is left",
       "He, Zhang, Ren & Sun (2016)",
       {{"pixels", 4, 0, 1000, false, false, "largest shift either way"}},
       pad_crop},
      {"flip",
       "left and right exchanged",
       "He, Zhang, Ren & Sun (2016)",
       {{"p", 0.5, 0, 1, false, false, "probability"}},
       flip},
      {"cutout",
       "a black square around a random pixel",
       "DeVries & Taylor (2017)",
       {{"size", 8, 1, 10000, false, false, "side of the square"}},
       cutout}};
  return rows;
}

Augment::Augment(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const auto [name, rest] = split_word(word);
    const AugmentRow& row = find_row("augmentation", name, augments());
    steps_.push_back({&row, read_values(name, row.parameters, rest).values});
  }
}

void Augment::operator()(std::uint64_t seed, std::uint32_t epoch, std::uint64_t row,
                         const Shape& shape, float* x, float* room) const {
  const std::size_t n = shape[0] * shape[1] * shape[2];
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    const Stream stream{seed, stream_id(Purpose::augment, static_cast<std::uint32_t>(k + 1)),
                        epoch};
    steps_[k].row->apply(steps_[k].own, stream, row * kDraws, shape, x, room);
    std::copy_n(room, n, x);
  }
}

}  // namespace scalemix::inline v0::data
