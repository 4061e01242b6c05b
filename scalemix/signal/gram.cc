#include "scalemix/signal/gram.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "scalemix/base/check.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/signal/gram_pass.h"
#include "scalemix/signal/gram_tile.h"

namespace scalemix::inline v0::signal {
namespace {

constexpr std::size_t kSide = GramRows::kSide;

void check_not_negative(const char* name, double value) {
  check_finite("gram", name, value);
  if (value < 0)
    fail<std::domain_error>("gram", std::string(name) + " must not be negative", value);
}

void check_options(const GramOptions& o, const RowsView& x) {
  check(x.columns > 0, "gram", "the rows have no columns");
  check_not_negative("sigma_w2", o.sigma_w2);
  check_not_negative("sigma_b2", o.sigma_b2);
  if (o.residual) check_not_negative("the residual branch's scale", *o.residual);
  if (!(std::isfinite(o.mu2) && o.mu2 >= 1)) {
    fail<std::domain_error>("gram", "mu2 must be finite and at least 1: no kernel exists otherwise",
                            o.mu2);
  }
}

/// Tile t of tiles x tiles: all of them, or those on and above the diagonal.
struct Place {
  std::size_t i, j;
};
std::vector<Place> places(std::size_t rows, std::size_t columns, bool symmetric) {
  std::vector<Place> out;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = symmetric ? i : 0; j < columns; ++j) out.push_back({i, j});
  }
  return out;
}

/// All layers over all pairs. Between two passes the pairs wait in the results: a kernel in its own
/// matrix, and NNGP, if only NTK is wanted, in the other triangle of a symmetric one or in `spare`.
class Walk {
 public:
  Walk(const GramOptions& options, const RowsView& x, const RowsView* x2, const GramOut& out)
      : options_(options), left_(options, x), out_(out), columns_(x2 ? x2->rows : x.rows) {
    if (x2) right_ = std::make_unique<GramRows>(options, *x2);
    places_ = places(left_.tiles(), right().tiles(), symmetric());
  }

  void run() {
    std::size_t first = 0;
    do {
      const std::size_t layers = pass_layers(options_, first, left_.rows() + right().rows());
      const bool last = first + layers == options_.depth;
      if (!last && !symmetric() && !out_.nngp) spare_.resize(left_.rows() * columns_);
      const auto pass = layers ? make_pass(options_, first, layers, left_, right_.get()) : nullptr;
      for_places([&](const Place& p) { visit(p, pass.get(), first == 0, last); });
      first += layers;
    } while (first < options_.depth);
    if (symmetric()) store_diagonal();
  }

 private:
  bool symmetric() const { return !right_; }
  const GramRows& right() const { return right_ ? *right_ : left_; }

  template <class Body>
  void for_places(const Body& body) const {
    // A product on one thread has one order of sums, whoever runs it.
    if (places_.size() == 1) {
      const SerialScope alone;
      return body(places_[0]);
    }
    parallel_tiles(places_.size(), [&](std::size_t t) { body(places_[t]); });
  }

  GramTile tile(double* matrix, const Place& p) const {
    return {matrix + p.i * kSide * columns_ + p.j * kSide, columns_, left_.rows_of(p.i),
            right().rows_of(p.j)};
  }
  GramTile mirrored(double* matrix, const Place& p) const { return tile(matrix, {p.j, p.i}); }

  void visit(const Place& p, const GramPass* pass, bool first, bool last) {
    GramBlock& block = GramBlock::mine();
    double* const nngp = block.nngp.data();
    double* const ntk = out_.ntk ? block.ntk.data() : nullptr;
    if (first) {
      inputs(p, nngp);
      if (ntk) std::copy_n(nngp, kSide * kSide, ntk);
    } else {
      resume(p, nngp, ntk);
    }
    if (pass) pass->block(p.i, p.j, nngp, ntk);
    if (last) {
      finish(p, out_.nngp, nngp);
      finish(p, out_.ntk, ntk);
    } else {
      pause(p, nngp, ntk);
    }
  }

  /// sigma_w2 <x1, x2> / D + sigma_b2
  void inputs(const Place& p, double* block) const {
    const RowsView &a = left_.x(), &b = right().x();
    const std::size_t d = a.columns, rows = left_.rows_of(p.i), columns = right().rows_of(p.j);
    kernel::gemm(kernel::Trans::no, kernel::Trans::yes, rows, columns, d,
                 a.values + p.i * kSide * d, d, b.values + p.j * kSide * d, d, 0.0, block, kSide);
    const double scale = options_.sigma_w2 / static_cast<double>(d);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        block[i * kSide + j] = scale * block[i * kSide + j] + options_.sigma_b2;
      }
    }
  }

  void pause(const Place& p, const double* nngp, const double* ntk) {
    if (ntk) tile(out_.ntk, p).store(ntk);
    if (out_.nngp || !symmetric()) return tile(waiting(), p).store(nngp);
    if (p.i == p.j) return tile(out_.ntk, p).store_lower_transposed(nngp);
    mirrored(out_.ntk, p).store_transposed(nngp);
  }
  void resume(const Place& p, double* nngp, double* ntk) {
    if (ntk) tile(out_.ntk, p).load(ntk);
    if (out_.nngp || !symmetric()) return tile(waiting(), p).load(nngp);
    mirrored(out_.ntk, p).load_transposed(nngp);
  }
  double* waiting() { return out_.nngp ? out_.nngp : spare_.data(); }

  void finish(const Place& p, double* matrix, const double* block) const {
    if (!matrix) return;
    if (!symmetric()) return tile(matrix, p).store(block);
    if (p.i == p.j) {
      tile(matrix, p).store_upper(block);
      return tile(matrix, p).store_lower_transposed(block);
    }
    tile(matrix, p).store(block);
    mirrored(matrix, p).store_transposed(block);
  }

  void store_diagonal() const {
    for (std::size_t i = 0; i < left_.rows(); ++i) {
      if (out_.nngp) out_.nngp[i * columns_ + i] = left_.q()[i];
      if (out_.ntk) out_.ntk[i * columns_ + i] = left_.t()[i];
    }
  }

  const GramOptions& options_;
  GramRows left_;
  std::unique_ptr<GramRows> right_;
  GramOut out_;
  std::size_t columns_;
  std::vector<Place> places_;
  std::vector<double> spare_;
};

}  // namespace

void gram(const GramOptions& options, const RowsView& x, const GramOut& out) {
  check_options(options, x);
  Walk(options, x, nullptr, out).run();
}

void gram(const GramOptions& options, const RowsView& x, const RowsView& x2, const GramOut& out) {
  check_options(options, x);
  check(x.columns == x2.columns, "gram", "both sides need the same number of columns");
  Walk(options, x, &x2, out).run();
}

void gram_diagonal(const GramOptions& options, const RowsView& x, const GramOut& out) {
  check_options(options, x);
  GramRows rows(options, x);
  rows.advance(0, options.depth, std::nullopt);
  if (out.nngp) std::copy(rows.q().begin(), rows.q().end(), out.nngp);
  if (out.ntk) std::copy(rows.t().begin(), rows.t().end(), out.ntk);
}

}  // namespace scalemix::inline v0::signal
