// A Gaussian scale mixture by quadrature, for any noise law: v = s w, w ~ N(0, 1), s = |z| scale.
//
//   p(v) = atom * delta(v) + integral N(v; 0, s^2) p(s) ds,  by nodes s_i with weights c_i
//
// The law of ln s is cut into panels of at most one e-fold, halved until 20 Gauss points on the
// panel and 20 on each half agree to 1e-8 of their sum, and with the law's cdf, so that the halves,
// which are kept, are good to rounding. A jump (uniform's edges, beta's ends) is closed in to 1e-10 of an e-fold, and what is
// left there is one node with the mass that the law's cdf gives. Discrete laws are sums.
//
// Accuracy: 1e-9 of the density, slope and probabilities for |v| of 1e-10 to 50 medians of |v| (of a
// law with power tails: to 1e12), where the law's density jumps 1e-10 (v / s)^2, s the largest
// scale; tests compare every closed form. Farther out nodes run out: the density stops growing
// towards 0, and falls as a normal's.
//
// Source: Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::prior {

/// A density at a point, and how its penalty -log p bends there.
struct Bend {
  double log_density;
  double slope;      // d -log p / dv
  double curvature;  // d^2 -log p / dv^2
};

class Mixture {
 public:
  /// Of |z| * scale. Throws std::domain_error unless scale is positive and finite.
  Mixture(const law::AnyLaw& law, double scale);

  /// Mass at 0: that of z = 0, and of scales below 1e-150.
  double atom() const { return atom_; }
  /// Of the part that has a density, 1 - atom its mass. The slope at 0 is 0, by symmetry.
  Bend at(double v) const;
  /// P(V > v) for v >= 0; and P(|V| <= radius), the atom included.
  double beyond(double v) const;
  double within(double radius) const;
  /// E f(s), the atom as f(0).
  double expect(const std::function<double(double s)>& f) const;
  std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    double log_weight, rate, s, weight;  // ln(weight / s), 1 / (2 s^2)
  };
  void add(double log_scale, double weight);
  void sort();
  /// The nodes that count at v.
  std::span<const Node> near(double v) const;

  double atom_ = 0;
  std::vector<Node> nodes_;   // by s
  std::vector<double> rest_;  // largest log_weight from each on
};

/// P(|z| <= radius); the density of |z|, the probability where the law is discrete.
double within(const law::AnyLaw& law, double radius);
double folded(const law::AnyLaw& law, double radius);

/// Whether z takes single values only, and then the values: 0, 1, 2, ... or the one.
bool single_values(const law::AnyLaw& law);

}  // namespace scalemix::inline v0::prior
