// What the files of `scalemix prior` share.
#pragma once

#include <iosfwd>
#include <string>

#include "scalemix/prior/prior.h"
#include "scalemix/report/plot.h"

namespace scalemix::inline v0::cli {

struct PriorOptions {
  std::string law, of, fit, layer, plot, csv;
  std::string data, target, hyper = "flat";
  bool shared = false;
  double sigma0 = 1;
  bool multiplier = false, density = false, json = false;
};

/// The standard deviation, or where it is infinite that of the normal with the same quartiles: a
/// typical size of a weight that is not 0.
double unit_of(const prior::Prior& prior);

/// What stands before z in lambda: 1, or with --multiplier 1 / E z.
double scale_of(const PriorOptions& o, const law::AnyLaw& law);

/// Density, penalty and its slope, shrinkage profile, next to a normal of that standard deviation.
report::Figure prior_figure(const PriorOptions& o, const prior::Prior& prior);

/// scalemix prior --fit, and --data
int run_prior_fit(const PriorOptions& o, std::ostream& out);
int run_prior_table(const PriorOptions& o, std::ostream& out);

}  // namespace scalemix::inline v0::cli
