// Tabu dropout (Ma et al. 2019): a unit that was dropped in the last step is kept in this one.
//
//   s ~ Bernoulli(p),   d = s and not marked,   y = x (1 - d) scale
//   marked=dropped    d of the step before:   E d(t) = p (1 - E d(t - 1)), p / (1 + p) in the long run
//   marked=selected   s of the step before:   E d = p (1 - p) from the second step on
//
//   marks=row    a mask and a mark for every row of the batch and column: row n of a batch meets the marks
//                of row n of the one before; a shorter batch leaves those of the rows that it lacks
//   marks=unit   one mask and one mark per column, for all rows of a batch
//
//   scale=exact 1 / (1 - E d(t));  stationary 1 / (1 - q), q the share in the long run;  standard
//   1 / (1 - p), which leaves the mean above 1;  none 1, and a deterministic pass has x (1 - q)
//
// tenure=E > 0 is the follow-up's unit of time (Ma et al. 2022): a unit that was dropped may not be dropped
// again for E epochs; `exact` is then by the share that the step dropped. How that paper adapts E to the
// training is not at hand: E may follow a schedule here. A prediction draws independently with
// probability q, whatever the tenure.

#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kP = 0, kMarks = 1, kScale = 2, kMarked = 3, kTenure = 4;  // parameters
enum Scale { exact, stationary, standard, none };

bool per_row(const NoiseUse& use) { return use.values[kMarks] == 0; }
bool selected(const NoiseUse& use) { return use.values[kMarked] != 0; }
Scale scaling(const NoiseUse& use) {
  return static_cast<Scale>(static_cast<int>(use.values[kScale]));
}

/// Share that is dropped in the long run.
double long_run(const NoiseUse& use) {
  const double p = use.values[kP];
  return selected(use) ? p * (1 - p) : p / (1 + p);
}

/// E d of the last step, then marks of the places.
std::size_t marks(const NoiseUse& use, std::size_t rows) {
  return (per_row(use) ? rows : 1) * use.site.columns + 1;
}

void compile(NoiseUse& use, const Layer&) {
  const law::Sampler draws = law::bernoulli_sampler(long_run(use), 1);
  use.draws = {draws, draws, nullptr};
}

/// Where a draw's mark lies: rows of a batch may lie apart.
std::size_t mark_of(const At& at, const kernel::Site& site, std::size_t i) {
  const std::size_t columns = at.use.site.columns;
  if (!per_row(at.use)) return 1 + i % columns;
  return 1 + (site.row(i / columns) - at.row0) * columns + i % columns;
}

/// z, drawn with probability p to drop, becomes 1 - d; marks follow.
void avoid_marks(const At& at, const kernel::Site& site) {
  const double tenure = at.value(kTenure), epoch = at.epoch;
  kernel::for_tiles(site.rows * site.columns, [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      float& mark = at.marks[mark_of(at, site, i)];
      // A mark of a tenure is the epoch after it was dropped.
      const bool marked = tenure > 0 ? mark > 0 && epoch < mark - 1 + tenure : mark != 0;
      const bool chosen = at.kept[i] == 0, drop = chosen && !marked;
      at.kept[i] = drop ? 0 : 1;
      if (!at.writes_state) continue;
      if (tenure > 0) {
        if (drop) mark = static_cast<float>(epoch + 1);
      } else {
        mark = selected(at.use) ? chosen : drop;
      }
    }
  });
}

double share_kept(const At& at, std::size_t n) {
  return kernel::sum_tiles(n,
                           [&](std::size_t first, std::size_t count) {
                             double sum = 0;
                             for (std::size_t i = first; i < first + count; ++i) sum += at.kept[i];
                             return sum;
                           }) /
         static_cast<double>(n);
}

/// 1 / (1 - E d), and E d of this step for the next; n draws.
double exact_scale(const At& at, std::size_t n) {
  if (at.value(kTenure) > 0) {
    const double share = share_kept(at, n);
    return share > 0 ? 1 / share : 0;
  }
  float& last = at.marks[0];
  const double p = at.value(kP), dropped = p * (1 - last);
  // Of selected units, what was chosen counts: P(chosen before) = p.
  if (at.writes_state) last = static_cast<float>(selected(at.use) ? p : dropped);
  return 1 / (1 - dropped);
}

double train_scale(const At& at, std::size_t n) {
  const double q = long_run(at.use), still = exact_scale(at, n);
  switch (scaling(at.use)) {
    case exact:
      return still;
    case stationary:
      return 1 / (1 - q);
    case standard:
      return 1 / (1 - at.value(kP));
    case none:
      break;
  }
  return 1;
}

double sample_scale(const NoiseUse& use) {
  const Scale scale = scaling(use);
  return scale == none ? 1 : 1 / (1 - (scale == standard ? use.values[kP] : long_run(use)));
}

double forward(const At& at, const float* x, float* y) {
  kernel::Site site = at.site();
  const std::size_t columns = site.columns;
  if (!per_row(at.use)) site.rows = 1, site.row0 = 0, site.group = 0;
  const std::size_t n = site.rows * columns;
  const auto p = at.train ? law::bernoulli_sampler(at.value(kP), 1) : at.use.draws.raw;
  kernel::draws(p, at.stream, site, at.kept);
  if (at.train) avoid_marks(at, site);
  const auto scale = static_cast<float>(at.train ? train_scale(at, n) : sample_scale(at.use));
  for (std::size_t i = 0; i < n; ++i) at.kept[i] *= scale;
  for (std::size_t row = site.rows; row < at.rows; ++row) {
    std::copy_n(at.kept, columns, at.kept + row * columns);
  }
  multiply_places(at, at.kept, x, y);
  return 0;
}

void backward(const At& at, const float*, const float* dy, float* dx, double) {
  multiply_places(at, at.kept, dy, dx);
}

void centre(const At& at, float* x) {
  if (scaling(at.use) != none) return;
  const auto keep = static_cast<float>(1 - long_run(at.use));
  kernel::for_tiles(at.rows * elements(at.use.shape), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) x[i] *= keep;
  });
}

}  // namespace

NoiseKind tabu_noise() {
  NoiseKind kind{.name = "tabu",
                 .summary = "dropout that spares what the last step dropped",
                 .source = "Ma, Sattar, Zhou, Chen & Su (2019), The Computer Journal"};
  kind.parameters = {
      {"p", 0.5, 0, 1, false, true,
       "probability that a unit is chosen; p / (1 + p) are dropped in the long run"},
      choice("marks", "row|unit", "a mark per row and unit, or per unit with one mask per batch"),
      choice("scale", "exact|stationary|standard|none", "what is kept is multiplied by"),
      choice("marked", "dropped|selected", "what the next step spares"),
      {"tenure", 0, 0, 1e6, false, false,
       "epochs for which a dropped unit is spared; 0: the next step alone"}};
  kind.scheduled = {"p", "tenure"};
  kind.own_layer = true;
  kind.compile = compile;
  kind.marks = marks;
  kind.kept = keeps_places;
  kind.in_place = true;
  kind.forward = forward;
  kind.backward = backward;
  kind.centre = centre;
  kind.signal = [](const Noise& noise, const Layer&) {
    const double p = noise.values[kP];
    const double q = noise.values[kMarked] == 0 ? p / (1 + p) : p * (1 - p);
    return signal_like("bernoulli", q, "tabu");
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
