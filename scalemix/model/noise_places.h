// What kinds of noise on rows share: the places of their draws, (rows, columns), and sums over them.
// A place of noise per channel covers the `inner` numbers of its channel.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {

inline std::size_t places(const At& at) { return at.rows * at.use.site.columns; }

/// Sum over the numbers of a place of dy x.
inline double paired(const At& at, std::size_t place, const float* dy, const float* x) {
  const std::size_t inner = at.use.site.inner;
  if (inner == 1) return static_cast<double>(dy[place]) * x[place];
  double sum = 0;
  for (std::size_t k = place * inner; k < (place + 1) * inner; ++k) {
    sum += static_cast<double>(dy[k]) * x[k];
  }
  return sum;
}

/// f(place) for every place, by tiles.
template <class F>
void for_places(const At& at, const F& f) {
  kernel::for_tiles(places(at), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) f(i);
  });
}

/// Sum of f(place) over all places, in double, in tile order.
template <class F>
double sum_places(const At& at, const F& f) {
  return kernel::sum_tiles(places(at), [&](std::size_t first, std::size_t n) {
    double sum = 0;
    for (std::size_t i = first; i < first + n; ++i) sum += f(i);
    return sum;
  });
}

/// Calls done(c, sum) for every column with the sum over rows of f(place of row and column), in double.
template <class F, class Done>
void sum_columns(const At& at, const F& f, const Done& done) {
  constexpr std::size_t kColumns = 128;  // sums at hand
  const std::size_t columns = at.use.site.columns;
  kernel::for_tiles(columns, [&](std::size_t begin, std::size_t n) {
    for (std::size_t first = begin; first < begin + n; first += kColumns) {
      const std::size_t count = std::min(kColumns, begin + n - first);
      double sum[kColumns] = {};
      for (std::size_t r = 0; r < at.rows; ++r) {
        for (std::size_t c = 0; c < count; ++c) sum[c] += f(r * columns + first + c);
      }
      for (std::size_t c = 0; c < count; ++c) done(first + c, sum[c]);
    }
  });
}

/// f(place, column) for every place, by rows.
template <class F>
void for_rows(const At& at, const F& f) {
  const std::size_t columns = at.use.site.columns,
                    rows = std::max<std::size_t>(1, kernel::Tiles::kLeast / columns / 4);
  parallel_tiles((at.rows + rows - 1) / rows, [&](std::size_t tile) {
    for (std::size_t r = tile * rows; r < std::min(at.rows, (tile + 1) * rows); ++r) {
      for (std::size_t c = 0; c < columns; ++c) f(r * columns + c, c);
    }
  });
}

/// y = x m, m (places).
inline void multiply_places(const At& at, const float* m, const float* x, float* y) {
  kernel::multiply_draws(places(at), at.use.site.inner, m, x, y);
}

/// Draws of a sampler at the places.
inline void draw_places(const At& at, const law::Sampler& sampler, float* z) {
  kernel::draws(sampler, at.stream, at.site(), z);
}

inline std::size_t keeps_places(const NoiseUse& use, std::size_t rows, bool) {
  return rows * use.site.columns;
}

/// n numbers of room for a kind, 0 at first, one vector per Tag and thread: grown once.
template <class Tag, class T = double>
std::vector<T>& room(std::size_t n) {
  thread_local std::vector<T> numbers;
  numbers.assign(n, T{});
  return numbers;
}

inline double logistic(double a) { return 1 / (1 + std::exp(-a)); }

/// Noise on what a layer with weights takes, of a dense layer one draw per input, of a convolution
/// one per channel.
inline void per_input(NoiseUse& use) {
  use.site.columns = use.in[0];
  use.site.inner = elements(use.in) / use.in[0];
  use.site.width = 0;
}

/// A signal like that of multipliers of a law with this first parameter.
inline NoiseSignal signal_like(std::string_view law, double value, std::string word) {
  NoiseSignal out{.law = law::AnyLaw::make(law, std::vector{value})};
  out.word = std::move(word);
  return out;
}

/// Draws of the uniform law on (0, 1).
inline law::Compiled uniform_draws() {
  return {law::affine_sampler(0, 1), law::affine_sampler(0, 1), nullptr};
}

/// Draws of the standard normal law.
inline law::Compiled normal_draws() {
  static const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
  return {normal.raw(), normal.raw(), nullptr};
}

}  // namespace scalemix::inline v0::model
