// Tabu dropout (Ma et al. 2019): a unit that was dropped in the last step is kept in this one.
//
//   s ~ Bernoulli(p),   d = s and not d of the step before,   y = x (1 - d) / (1 - E d)
//   E d = p (1 - (-p)^(t + 1)) / (1 + p),  t the step from 0;  p / (1 + p) in the long run
//
// Marks are per row of the batch and column of the site: row n of a batch meets the marks of row n
// of the one before. A shorter batch leaves those of the rows that it lacks. A prediction draws from
// the stationary law: independent drops of probability p / (1 + p).

#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

std::size_t draws(const At& at) { return at.rows * at.use.site.columns; }

/// Share of what is dropped in step t.
double dropped(double p, double t) { return p * (1 - std::pow(-p, t + 1)) / (1 + p); }

std::size_t kept(const NoiseUse& use, std::size_t rows, bool) { return rows * use.site.columns; }

void compile(NoiseUse& use, const Layer&) {
  const double p = use.values[0];
  use.draws = {law::bernoulli_sampler(p / (1 + p), 1), law::bernoulli_sampler(p, 1), nullptr};
}

void multiply(const At& at, const float* x, float* y) {
  kernel::multiply_draws(draws(at), at.use.site.inner, at.kept, x, y);
}

/// z (draws) becomes the multiplier; marks follow.
void avoid_marks(const At& at, float scale) {
  const kernel::Site site = at.site();
  kernel::for_tiles(draws(at), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      const std::size_t row = i / at.use.site.columns, moved = (site.row(row) - at.row0) - row;
      float& mark = at.marks[i + moved * at.use.site.columns];
      const bool drop = at.kept[i] == 0 && mark == 0;
      at.kept[i] = drop ? 0 : scale;
      if (at.writes_state) mark = drop;
    }
  });
}

double forward(const At& at, const float* x, float* y) {
  const double p = at.use.values[0];
  const law::Compiled& draws_of = at.use.draws;
  kernel::draws(at.train ? draws_of.raw : draws_of.multiplier, at.stream, at.site(), at.kept);
  if (at.train) {
    avoid_marks(at, static_cast<float>(1 / (1 - dropped(p, at.stream.draw))));
  } else {
    const auto scale = static_cast<float>(1 + p);
    kernel::for_tiles(draws(at), [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) at.kept[i] *= scale;
    });
  }
  multiply(at, x, y);
  return 0;
}

void backward(const At& at, const float*, const float* dy, float* dx, double) {
  multiply(at, dy, dx);
}

}  // namespace

NoiseKind tabu_noise() {
  NoiseKind kind{.name = "tabu",
                 .summary = "dropout that spares what the last step dropped",
                 .source = "Ma, Sattar, Zhou, Chen & Su (2019), The Computer Journal"};
  kind.parameters = {
      {"p", 0.5, 0, 1, false, true,
       "probability that a unit is chosen; p / (1 + p) are dropped in the long run"}};
  kind.own_layer = true;
  kind.compile = compile;
  kind.marks = [](const NoiseUse& use, std::size_t rows) { return rows * use.site.columns; };
  kind.kept = kept;
  kind.in_place = true;
  kind.forward = forward;
  kind.backward = backward;
  kind.signal = [](const Noise& noise, const Layer&) {
    const double p = noise.values[0];
    NoiseSignal out{.law = law::AnyLaw::make("bernoulli", std::vector{p / (1 + p)})};
    out.word = "tabu";
    return out;
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
