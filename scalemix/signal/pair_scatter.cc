#include "scalemix/signal/pair_scatter.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::signal {
namespace {

using Vector = std::array<double, 3>;  // of q1, q2, covariance
using Matrix = std::array<Vector, 3>;

Pair pair_of(const Vector& k) {
  const double root = std::sqrt(k[0]) * std::sqrt(k[1]);
  return Pair::at(k[0], k[1], root > 0 ? std::clamp(k[2] / root, -1.0, 1.0) : 1);
}

Vector map(const Network& net, const Vector& k) {
  return {variance_map(net, k[0]), variance_map(net, k[1]), covariance_map(net, pair_of(k))};
}

/// Columns: derivative by each entry of k, one-sided towards smaller |c| for the covariance.
Matrix jacobian(const Network& net, const Vector& k) {
  Matrix j{};
  const Vector at = map(net, k);
  for (std::size_t i = 0; i < 3; ++i) {
    const double step = 1e-4 * std::sqrt(k[0] * k[1]) * (i == 2 && k[2] > 0 ? -1 : 1);
    Vector moved = k;
    moved[i] += step;
    const Vector to = map(net, moved);
    for (std::size_t r = 0; r < 3; ++r) j[r][i] = (to[r] - at[r]) / step;
  }
  return j;
}

Matrix carried(const Matrix& j, const Matrix& s) {
  Matrix out{};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) {
      for (std::size_t x = 0; x < 3; ++x) {
        for (std::size_t y = 0; y < 3; ++y) out[a][b] += j[a][x] * s[x][y] * j[b][y];
      }
    }
  }
  return out;
}

/// E phi1^i phi2^k for i, k <= 4.
struct Powers {
  double e[5][5] = {};
};

Powers powers(const Activation& phi, const Pair& pair) {
  constexpr int kPoints = 24;
  constexpr double kStep = 0.3;
  Powers p;
  for (int i = -kPoints; i <= kPoints; ++i) {
    for (int j = -kPoints; j <= kPoints; ++j) {
      const double z = kStep * i, y = kStep * j;
      const double weight =
          kStep * kStep * law::standard_normal_pdf(z) * law::standard_normal_pdf(y);
      const double f = phi.value(std::sqrt(pair.q1) * z);
      const double g = phi.value(std::sqrt(pair.q2) * (pair.c * z + pair.sine() * y));
      double left = weight;
      for (int a = 0; a <= 4; ++a, left *= f) {
        double both = left;
        for (int b = 0; a + b <= 4; ++b, both *= g) p.e[a][b] += both;
      }
    }
  }
  return p;
}

/// Moments of A and B, the noise taken in.
Powers noisy(const Powers& p, const NoiseMoments& z) {
  Powers n = p;
  if (z.additive) {
    n.e[2][0] += z.s2;
    n.e[0][2] += z.s2;
    n.e[4][0] += 6 * z.s2 * p.e[2][0] + 3 * z.s2 * z.s2;
    n.e[0][4] += 6 * z.s2 * p.e[0][2] + 3 * z.s2 * z.s2;
    n.e[2][2] += z.s2 * (p.e[2][0] + p.e[0][2]) + z.s2 * z.s2;
    n.e[3][1] += 3 * z.s2 * p.e[1][1];
    n.e[1][3] += 3 * z.s2 * p.e[1][1];
    return n;
  }
  const double third = z.mu3 * z.mean;
  n.e[2][0] *= z.mu2;
  n.e[0][2] *= z.mu2;
  n.e[4][0] *= z.mu4;
  n.e[0][4] *= z.mu4;
  n.e[1][1] *= z.mean * z.mean;
  n.e[2][2] *= z.mu2 * z.mu2;
  n.e[3][1] *= third;
  n.e[1][3] *= third;
  return n;
}

/// Cov(A^2, B^2, A B)
Matrix unit_scatter(const Powers& n) {
  const double a2 = n.e[2][0], b2 = n.e[0][2], ab = n.e[1][1];
  Matrix m{};
  m[0] = {n.e[4][0] - a2 * a2, n.e[2][2] - a2 * b2, n.e[3][1] - a2 * ab};
  m[1] = {m[0][1], n.e[0][4] - b2 * b2, n.e[1][3] - b2 * ab};
  m[2] = {m[0][2], m[1][2], n.e[2][2] - ab * ab};
  return m;
}

/// Of the sample moments of `width` Gaussian pairs.
Matrix own_scatter(const Vector& k, double width) {
  Matrix m{};
  m[0] = {2 * k[0] * k[0] / width, 2 * k[2] * k[2] / width, 2 * k[0] * k[2] / width};
  m[1] = {m[0][1], 2 * k[1] * k[1] / width, 2 * k[1] * k[2] / width};
  m[2] = {m[0][2], m[1][2], (k[0] * k[1] + k[2] * k[2]) / width};
  return m;
}

Scatter seen(const Vector& k, Matrix s, double width) {
  const Matrix own = own_scatter(k, width);
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) s[a][b] += own[a][b];
  }
  const double root = std::sqrt(k[0]) * std::sqrt(k[1]), c = k[2] / root;
  const Vector slope = {-c / (2 * k[0]), -c / (2 * k[1]), 1 / root};
  double variance = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) variance += slope[a] * s[a][b] * slope[b];
  }
  return {std::sqrt(std::max(s[0][0], 0.0)) / k[0], std::sqrt(std::max(variance, 0.0))};
}

Vector moments_of(const Pair& pair) { return {pair.q1, pair.q2, pair.covariance()}; }

}  // namespace

std::optional<std::vector<Scatter>> scatter(const SimulateOptions& options) {
  for (const SimulatedLayer& layer : options.layers) {
    if (layer.branch || !(layer.network().noise.mu4 < 1e300)) return std::nullopt;
  }
  const Trajectory path = expected(options);
  Matrix s{};
  Vector k = moments_of(path.layers[0]);
  if (!(k[0] > 0)) return std::nullopt;
  std::vector<Scatter> out = {seen(k, s, static_cast<double>(options.inputs))};
  double fan_in = static_cast<double>(options.inputs);
  for (std::size_t layer = 1; layer < path.layers.size(); ++layer) {
    const SimulatedLayer& at = options.layers[layer - 1];
    const Network net = at.network();
    const Vector next = moments_of(path.layers[layer]);
    if (!(next[0] > 0)) break;
    s = carried(jacobian(net, k), s);
    const Matrix fresh =
        unit_scatter(noisy(powers(net.activation, path.layers[layer - 1]), net.noise));
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < 3; ++b) {
        s[a][b] += net.sigma_w2 * net.sigma_w2 / fan_in * fresh[a][b];
      }
    }
    k = next;
    fan_in = static_cast<double>(at.width);
    out.push_back(seen(k, s, fan_in));
  }
  return out;
}

Tolerance tolerance(const Scatter& s, std::size_t nets) {
  const double errors = 4 / std::sqrt(static_cast<double>(nets));
  return {errors * s.log_q + s.log_q * s.log_q, errors * s.c + s.log_q * s.c};
}

}  // namespace scalemix::inline v0::signal
