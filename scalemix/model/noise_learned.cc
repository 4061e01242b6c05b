// A law whose parameters are learned, by the pathwise gradient: y = x m, m the law's multiplier as a
// link of draws s (law/link.h),
//
//   m = scale g(shift + spread s)
//   dm = dscale g + scale g' (dshift + dspread s)
//
// and the parameters are one tensor each, shared by all columns of the site. It adds no penalty: the
// data alone decide. A parameter stays in its range, and one that may not be negative at a
// thousandth of its initial value or above, since slopes grow without bound at 0.

#include <algorithm>
#include <array>
#include <span>

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

constexpr double kLeast = 1e-3;  // of the initial value

/// The law's parameters by now.
class Values {
 public:
  explicit Values(const At& at) : count_(at.use.law->values().size()) {
    for (std::size_t i = 0; i < count_; ++i) values_[i] = in_range(at, i, at.own[i][0]);
  }
  operator std::span<const double>() const { return std::span(values_).first(count_); }
  std::size_t size() const { return count_; }

  static double in_range(const At& at, std::size_t i, double value) {
    const Parameter& p = at.use.law->row().parameters[i];
    const double lo = p.lo >= 0 ? std::max(p.lo, kLeast * at.use.law->values()[i]) : p.lo;
    return std::clamp(value, lo, p.hi);
  }

 private:
  std::size_t count_;
  std::array<double, kMostTensors> values_{};
};

/// m of draws s.
struct Multiplier {
  law::Link link;
  law::Linked now;

  explicit Multiplier(const At& at) : link(at.use.linked.link), now(at.use.linked.at(Values(at))) {}
  double inner(double s) const { return now.shift + now.spread * s; }
  double operator()(double s) const { return now.scale * law::linked(link, inner(s)); }
  double slope(const law::Linked& by, double s) const {
    const double e = inner(s);
    return by.scale * law::linked(link, e) +
           now.scale * law::linked_slope(link, e) * (by.shift + by.spread * s);
  }
};

std::size_t draws(const At& at) { return at.rows * at.use.site.columns; }

std::size_t kept(const NoiseUse& use, std::size_t rows, bool) { return rows * use.site.columns; }

double forward(const At& at, const float* x, float* y) {
  const std::size_t inner = at.use.site.inner;
  const Multiplier multiplier(at);
  kernel::draws(at.use.linked.standard, at.stream, at.site(), at.kept);
  kernel::for_tiles(draws(at), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      const auto m = static_cast<float>(multiplier(at.kept[i]));
      for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) y[k] = x[k] * m;
    }
  });
  return 0;
}

void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const std::size_t inner = at.use.site.inner;
  const Multiplier multiplier(at);
  const Values values(at);
  for (std::size_t p = 0; p < values.size(); ++p) {
    const law::Linked by = at.use.linked.slope(values, p);
    at.d_own[p][0] +=
        static_cast<float>(kernel::sum_tiles(draws(at), [&](std::size_t first, std::size_t n) {
          double sum = 0;
          for (std::size_t i = first; i < first + n; ++i) {
            double product = 0;
            for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) {
              product += static_cast<double>(dy[k]) * x[k];
            }
            sum += product * multiplier.slope(by, at.kept[i]);
          }
          return sum;
        }));
  }
  if (!dx) return;
  kernel::for_tiles(draws(at), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      const auto m = static_cast<float>(multiplier(at.kept[i]));
      for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) dx[k] = dy[k] * m;
    }
  });
}

/// The median, of a law without a mean.
void centre(const At& at, float* x) {
  if (at.use.law->normalised()) return;
  const auto m = static_cast<float>(Multiplier(at)(at.use.linked.median));
  kernel::for_tiles(at.rows * elements(at.use.shape), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) x[i] *= m;
  });
}

void settle(const At& at) {
  for (std::size_t i = 0; i < at.use.law->values().size(); ++i) {
    at.own[i][0] = static_cast<float>(Values::in_range(at, i, at.own[i][0]));
  }
}

std::vector<LayerTensor> tensors(const Noise& noise, const Layer&) {
  const law::AnyLaw law = law::AnyLaw::parse(noise.law);
  (void)law.linked();  // refuses a law that cannot be learned
  std::vector<LayerTensor> out;
  for (std::size_t i = 0; i < law.values().size(); ++i) {
    out.push_back({.name = std::string(law.row().parameters[i].name),
                   .shape = {1},
                   .initial = law.values()[i]});
  }
  return out;
}

std::vector<NoiseReading> readings(const At& at) {
  std::vector<NoiseReading> out;
  for (std::size_t i = 0; i < at.use.law->values().size(); ++i) {
    out.push_back({std::string(at.use.law->row().parameters[i].name), at.own[i][0]});
  }
  return out;
}

}  // namespace

NoiseKind learned_noise() {
  NoiseKind kind{.name = "learned",
                 .summary = "x z, z of a law whose parameters are learned",
                 .source = "Kingma, Salimans & Welling (2015), section 3",
                 .learns = "parameters of the law"};
  kind.takes_law = true;
  kind.tensors = tensors;
  kind.compile = [](NoiseUse& use, const Layer&) { use.linked = use.law->linked(); };
  kind.kept = kept;
  kind.forward = forward;
  kind.backward = backward;
  kind.centre = centre;
  kind.settle = settle;
  kind.readings = readings;
  kind.signal = [](const Noise& noise, const Layer&) {
    NoiseSignal out{.law = law::AnyLaw::parse(noise.law)};
    out.word = "learned:" + out.law->spec();
    return out;
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
