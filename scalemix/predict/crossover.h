// From which share of zero weights on a product that leaves them out is the faster one. That differs
// between machines; the defaults lie between those of two with AVX-512, an Intel Xeon and an AMD EPYC.
#pragma once

#include <map>
#include <string>

namespace scalemix::inline v0::predict {

/// 0.5 where numbers are gathered, 0.85 where they are loaded one by one (kernel/sparse_weights.h).
double default_few();

/// Shares in [0, 1]; above 1: never.
struct Crossover {
  double few = default_few();  // of a dense layer that takes one or two rows
  double many = 0.65;          // of one that takes more
  double images = 0.5;         // of a convolution

  bool operator==(const Crossover&) const = default;
};

/// Times both products on weights with more and more zeros, on one layer of a common size each: about a
/// second, on the threads that are in use.
Crossover measure_crossover();

/// The processor and the instruction set in use, which a measurement belongs to.
std::string machine();

/// Measurements as they are kept in a file, each under its machine: folders are shared between machines.
using MeasuredCrossovers = std::map<std::string, Crossover>;

/// Atomic. Throws FileError.
void save_crossovers(const std::string& path, const MeasuredCrossovers& measured);

/// Empty where there is no such file. Throws DataError for a file that is none of these, with the key.
MeasuredCrossovers load_crossovers(const std::string& path);

}  // namespace scalemix::inline v0::predict
