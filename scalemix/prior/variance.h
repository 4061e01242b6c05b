// What a noise law means for the variance of a weight: the prior of lambda^2, where lambda = scale z
// (scale 1: the law's raw draw z; 1 / E z: the multiplier of a network), and the shrinkage profile,
// the law of
//
//   kappa = 1 / (1 + lambda^2)  in (0, 1)
//
// With one observation of unit noise, a weight of prior variance lambda^2 is estimated as (1 - kappa)
// times the observation: kappa near 0 leaves a weight alone, kappa near 1 shrinks it to nothing.
// Both densities are changes of variables of the law's own, both signs of lambda together; where the
// law is discrete they are probabilities.
//
// Source: Carvalho, Polson & Scott (2010), The horseshoe estimator for sparse signals, Biometrika
// 97(2)
#pragma once

#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::prior {

/// Density of lambda^2 at `variance` > 0: p(lambda) / (2 |lambda|) for both signs.
double variance_density(const law::AnyLaw& law, double variance, double scale = 1);
/// P(lambda^2 <= variance).
double variance_within(const law::AnyLaw& law, double variance, double scale = 1);

/// Density of kappa in (0, 1).
double shrinkage_density(const law::AnyLaw& law, double kappa, double scale = 1);
/// P(kappa <= bound), bound in (0, 1).
double shrinkage_within(const law::AnyLaw& law, double bound, double scale = 1);
/// E kappa.
double mean_shrinkage(const law::AnyLaw& law, double scale = 1);

}  // namespace scalemix::inline v0::prior
