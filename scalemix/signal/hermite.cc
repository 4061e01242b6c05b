#include "scalemix/signal/hermite.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scalemix/kernel/gemm.h"
#include "scalemix/law/standard_normal.h"
#include "scalemix/signal/moments.h"

namespace scalemix::inline v0::signal {
namespace {

constexpr std::size_t kSide = kernel::kGramSide;
constexpr double kEnd = 12.3;       // e^-(z^2 / 4) is 4e-17 there
constexpr double kTail = 1e-13;     // of E phi'^2, left to the terms beyond the last
constexpr std::size_t kTerms = 32;  // to begin with

/// How many of these terms hold all but kTail of q E phi'^2 = sum n a_n^2; 0 if they may be too
/// few, which shows in the last eighth of them.
std::size_t terms_needed(const std::vector<double>& a, std::size_t terms, double whole) {
  double beyond = 0;
  for (std::size_t n = terms; n-- > 1;) {
    beyond += static_cast<double>(n) * a[n * kSide] * a[n * kSide];
    if (beyond > kTail * whole) return n + 1 < terms - terms / 8 ? n + 1 : 0;
  }
  return 1;
}

}  // namespace

HermiteBasis::HermiteBasis(const Activation& phi, double q) : phi_(phi) {
  const double whole = q * slope_second(phi, q);
  std::vector<double> a;
  for (std::size_t terms = kTerms; terms <= kMostTerms && !resolved_; terms *= 2) {
    make_nodes(std::sqrt(q), terms);
    a.assign(terms * kSide, 0);
    expand(&q, 1, a.data());
    const std::size_t needed = terms_needed(a, terms, whole);
    resolved_ = needed > 0;
    if (resolved_) make_nodes(std::sqrt(q), needed);
  }
}

void HermiteBasis::make_nodes(double root, std::size_t terms) {
  // He_n swings with frequency sqrt n at most; e^(-z^2 / 4) phi(root z) has e^-37 of its spectrum
  // beyond 7 + 24 root. The rule is exact but for what lies beyond 2 pi / step.
  const double frequency = std::sqrt(static_cast<double>(terms)) + 24 * root + 7;
  const auto half = static_cast<std::size_t>(std::ceil(kEnd * frequency / (2 * std::numbers::pi)));
  const double step = kEnd / static_cast<double>(half);
  terms_ = terms;
  nodes_.resize(2 * half + 1);
  weights_.resize(nodes_.size() * terms);
  for (std::size_t m = 0; m < nodes_.size(); ++m) {
    const double z = step * (static_cast<double>(m) - static_cast<double>(half));
    nodes_[m] = z;
    double before = 0, now = step * law::standard_normal_pdf(z);
    for (std::size_t n = 0; n < terms; ++n) {
      weights_[m * terms + n] = now;
      const auto order = static_cast<double>(n);
      const double next = (z * now - std::sqrt(order) * before) / std::sqrt(order + 1);
      before = now;
      now = next;
    }
  }
}

void HermiteBasis::expand(const double* q, std::size_t rows, double* out) const {
  std::vector<double> values(rows * nodes_.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const double root = std::sqrt(q[i]);
    for (std::size_t m = 0; m < nodes_.size(); ++m) {
      values[i * nodes_.size() + m] = phi_.value(root * nodes_[m]);
    }
  }
  kernel::gemm(kernel::Trans::yes, kernel::Trans::yes, terms_, rows, nodes_.size(), weights_.data(),
               terms_, values.data(), nodes_.size(), 0.0, out, kSide);
}

}  // namespace scalemix::inline v0::signal
