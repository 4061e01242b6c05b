// The laws that the generic tests run over: every row with its defaults, and with each parameter at
// both ends of its range. A new law is in the list by itself.
#pragma once

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "scalemix/law/any_law.h"

namespace scalemix::law::test {

/// A value near the end of a range, and inside it: the end itself where it is allowed.
inline double near_end(const Parameter& p, bool upper) {
  const double end = upper ? p.hi : p.lo;
  if (!(upper ? p.hi_open : p.lo_open)) return end;
  return end + (upper ? -1 : 1) * (p.hi - p.lo) / 1024;
}

inline std::vector<double> defaults(const LawRow& row) {
  std::vector<double> values;
  for (const Parameter& p : row.parameters) values.push_back(p.value);
  return values;
}

/// Spec strings: the defaults and values a factor of two away, for tests that need a law of
/// ordinary size.
inline std::vector<std::string> ordinary_specs() {
  std::set<std::string> specs;
  for (const LawRow& row : laws()) {
    specs.insert(AnyLaw::make(row.name, defaults(row)).spec());
    for (std::size_t i = 0; i < row.parameters.size(); ++i) {
      for (const double factor : {0.5, 1.5}) {
        std::vector<double> values = defaults(row);
        values[i] = values[i] == 0 ? factor - 1 : values[i] * factor;
        specs.insert(AnyLaw::make(row.name, values).spec());
      }
    }
  }
  return {specs.begin(), specs.end()};
}

/// The ordinary ones and every corner of the box of parameters.
inline std::vector<std::string> extreme_specs() {
  const std::vector<std::string> ordinary = ordinary_specs();
  std::set<std::string> specs(ordinary.begin(), ordinary.end());
  for (const LawRow& row : laws()) {
    const std::size_t n = row.parameters.size();
    for (std::size_t corner = 0; corner < std::size_t{1} << n; ++corner) {
      std::vector<double> values;
      for (std::size_t i = 0; i < n; ++i) {
        values.push_back(near_end(row.parameters[i], corner >> i & 1));
      }
      specs.insert(AnyLaw::make(row.name, values).spec());
    }
  }
  return {specs.begin(), specs.end()};
}

/// "gaussian:alpha=0.25" as a test's name: gaussian_alpha_0p25.
inline std::string test_name(std::string spec) {
  std::string name;
  for (const char c : spec) {
    if (c == '.') {
      name += 'p';
    } else if (c == '-') {
      name += 'm';
    } else {
      name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    }
  }
  return name;
}

/// Whether the law puts probability on single points: poisson, bernoulli, a law without spread.
inline bool discrete(const AnyLaw& law) {
  return law.multiplier().kind == Sampler::Kind::bernoulli ||
         law.multiplier().kind == Sampler::Kind::steps || law.quantile(0.1) == law.quantile(0.9);
}

}  // namespace scalemix::law::test
