// The SIMD half of reparam.h, compiled once per instruction set. Work is cut into tiles of kTile
// elements, whatever the number of threads.
#include "scalemix/kernel/reparam.h"

#include <algorithm>
#include <type_traits>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/reparam.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/stream-inl.h"
#include "scalemix/kernel/target.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

HWY_INLINE VF deviation(VF var) { return hn::Sqrt(hn::Add(var, set(kReparamEps))); }

/// b from mean and var.
struct Forward {
  static HWY_INLINE VF apply(VF mean, VF var, VF zeta) {
    return hn::Add(mean, hn::Mul(deviation(var), zeta));
  }
};

/// dvar from db and var.
struct Backward {
  static HWY_INLINE VF apply(VF db, VF var, VF zeta) {
    return hn::Div(hn::Mul(db, zeta), hn::Mul(set(2), deviation(var)));
  }
};

/// b from mean and var, and what dvar is per db.
struct Keep {
  static HWY_INLINE VF apply(VF mean, VF var, VF zeta, VF& slope) {
    const VF sd = deviation(var);
    slope = hn::Div(zeta, hn::Mul(set(2), sd));
    return hn::Add(mean, hn::Mul(sd, zeta));
  }
};

/// out[i] = Op(x[i], var[i], zeta_i); Keep writes slope[i] too.
template <class Op>
struct ReparamBody {
  const float *x, *var;
  float *out, *slope = nullptr;

  HWY_INLINE void at(std::size_t i, std::size_t n, VF zeta) const {
    const DF d;
    const VF value = load(d, x + i, n), variance = load(d, var + i, n);
    if constexpr (std::is_same_v<Op, Keep>) {
      VF kept;
      store(Op::apply(value, variance, zeta, kept), d, out + i, n);
      store(kept, d, slope + i, n);
    } else {
      store(Op::apply(value, variance, zeta), d, out + i, n);
    }
  }
  HWY_INLINE void full(std::size_t i, VF z0, VF z1, VF z2, VF z3) const {
    const std::size_t lanes = hn::Lanes(DF());
    at(i, lanes, z0);
    at(i + lanes, lanes, z1);
    at(i + 2 * lanes, lanes, z2);
    at(i + 3 * lanes, lanes, z3);
  }
  HWY_INLINE void part(std::size_t i, std::size_t n, const float* z) const {
    const DF d;
    for_lanes(d, n, [&](std::size_t j, std::size_t count) HWY_ATTR {
      at(i + j, count, load(d, z + j, count));
    });
  }
};

template <class Op>
struct ReparamVisit {
  const law::Sampler& normal;
  const Stream& stream;
  std::uint64_t first;
  std::size_t n;
  ReparamBody<Op> body;
  template <class Sample>
  HWY_INLINE void run() const {
    for_each_draw<Sample>(normal, stream, first, n, body);
  }
};

void forward_run(const law::Sampler& normal, const Stream& stream, std::uint64_t first,
                 std::size_t n, const float* x, const float* var, float* out) {
  with_kind(normal.kind, ReparamVisit<Forward>{normal, stream, first, n, {x, var, out}});
}
void backward_run(const law::Sampler& normal, const Stream& stream, std::uint64_t first,
                  std::size_t n, const float* x, const float* var, float* out) {
  with_kind(normal.kind, ReparamVisit<Backward>{normal, stream, first, n, {x, var, out}});
}
void keep_run(const law::Sampler& normal, const Stream& stream, std::uint64_t first, std::size_t n,
              const float* x, const float* var, float* out, float* slope) {
  with_kind(normal.kind, ReparamVisit<Keep>{normal, stream, first, n, {x, var, out, slope}});
}

/// The same with draws that are already there.
void forward_drawn(std::size_t n, const float* z, const float* x, const float* var, float* out) {
  ReparamBody<Forward>{x, var, out}.part(0, n, z);
}
void backward_drawn(std::size_t n, const float* z, const float* x, const float* var, float* out) {
  ReparamBody<Backward>{x, var, out}.part(0, n, z);
}
void keep_drawn(std::size_t n, const float* z, const float* x, const float* var, float* out,
                float* slope) {
  ReparamBody<Keep>{x, var, out, slope}.part(0, n, z);
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(forward_run);
HWY_EXPORT(backward_run);
HWY_EXPORT(forward_drawn);
HWY_EXPORT(backward_drawn);
HWY_EXPORT(keep_run);
HWY_EXPORT(keep_drawn);

constexpr std::size_t kTile = 8192;  // elements in a tile
constexpr std::size_t kChunk =
    512;  // draws kept on the stack where columns lie anywhere in the stream

std::uint64_t width(const Site& site) { return site.width ? site.width : site.columns; }

/// Calls piece(row, column, i, n) for the parts of elements begin ... end - 1 that lie in one row,
/// `most` at a time; i is the part's first element.
template <class Piece>
void for_pieces(const Site& site, std::size_t begin, std::size_t end, std::size_t most,
                const Piece& piece) {
  while (begin < end) {
    const std::size_t column = begin % site.columns;
    const std::size_t n = std::min({end - begin, site.columns - column, most});
    piece(begin / site.columns, column, begin, n);
    begin += n;
  }
}

/// Runs run(first element, i, n) for stretches of the stream, or drawn(z, i, n) where columns are
/// mapped.
template <class Run, class Drawn>
void for_draws(const law::Sampler& normal, const Stream& stream, const Site& site, const Run& run,
               const Drawn& drawn) {
  const std::size_t size = site.rows * site.columns;
  parallel_tiles((size + kTile - 1) / kTile, [&](std::size_t tile) {
    const std::size_t begin = tile * kTile, end = std::min(size, begin + kTile);
    if (!site.logical && !site.group && width(site) == site.columns) {
      return run(site.row0 * site.columns + begin, begin, end - begin);
    }
    for_pieces(site, begin, end, site.logical ? kChunk : kTile,
               [&](std::size_t row, std::size_t column, std::size_t i, std::size_t n) {
                 const std::uint64_t r = site.row(row);
                 if (!site.logical) return run(r * width(site) + column, i, n);
                 float z[kChunk];
                 draws(normal, stream, {1, n, 1, r, width(site), site.logical + column}, z);
                 drawn(z, i, n);
               });
  });
}

}  // namespace

void reparam(const law::Sampler& normal, const Stream& stream, const Site& site, const float* mean,
             const float* var, float* b, float* slope) {
  init_target();
  if (slope) {
    return for_draws(
        normal, stream, site,
        [&](std::uint64_t first, std::size_t i, std::size_t n) {
          HWY_DYNAMIC_DISPATCH(keep_run)
          (normal, stream, first, n, mean + i, var + i, b + i, slope + i);
        },
        [&](const float* z, std::size_t i, std::size_t n) {
          HWY_DYNAMIC_DISPATCH(keep_drawn)(n, z, mean + i, var + i, b + i, slope + i);
        });
  }
  for_draws(
      normal, stream, site,
      [&](std::uint64_t first, std::size_t i, std::size_t n) {
        HWY_DYNAMIC_DISPATCH(forward_run)(normal, stream, first, n, mean + i, var + i, b + i);
      },
      [&](const float* z, std::size_t i, std::size_t n) {
        HWY_DYNAMIC_DISPATCH(forward_drawn)(n, z, mean + i, var + i, b + i);
      });
}

void reparam_backward(const law::Sampler& normal, const Stream& stream, const Site& site,
                      const float* var, const float* db, float* dvar) {
  init_target();
  for_draws(
      normal, stream, site,
      [&](std::uint64_t first, std::size_t i, std::size_t n) {
        HWY_DYNAMIC_DISPATCH(backward_run)(normal, stream, first, n, db + i, var + i, dvar + i);
      },
      [&](const float* z, std::size_t i, std::size_t n) {
        HWY_DYNAMIC_DISPATCH(backward_drawn)(n, z, db + i, var + i, dvar + i);
      });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
