// A published table or figure that `scalemix reproduce` makes again: one file, one row in
// entries.inc.
//
// An entry runs at one of three sizes: `full` is the published one, `reduced` takes a minute or two
// on two cores and is what the command does unless it is told otherwise, `quick` is for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/report/plot.h"

namespace scalemix::inline v0::cli::reproduce {

enum class Size { quick, reduced, full };
std::string_view name(Size size);

struct Effort {
  Size size = Size::reduced;
  std::uint64_t seed = 1;
  std::size_t seeds = 1;  // trainings from seed, seed + 1, ... of an entry that trains
  bool quiet = true;      // no progress on standard error
  std::string data = {};  // images of an entry that takes some; empty: those of its paper

  template <class T>
  T pick(T quick, T reduced, T full) const {
    return size == Size::quick ? quick : size == Size::reduced ? reduced : full;
  }
  /// A seed of its own for the k-th simulation.
  std::uint64_t seed_of(std::uint64_t k) const { return seed + k * 0x9e3779b97f4a7c15u; }
};

/// Who made the number that ours is held against. Only the first two can be reproduced; the last is
/// an identity of our own.
enum class Against {
  published,  // the paper, its figures, its released code or data
  program,    // somebody else's program on the same task
  own         // our own theory or arithmetic
};
std::string_view name(Against against);

/// One number beside the one it is compared with.
struct Row {
  std::string quantity;
  double ours = 0;
  std::optional<double> error = {};      // standard error; empty: computed, not sampled
  std::optional<double> reference = {};  // empty: a number to look at, compared with none
  /// What is allowed beyond chance: for `published` and `program` half a unit of the last digit that
  /// the source gives, or half the range that it gives; never more.
  double tolerance = 0;
  std::string from = {};  // where the reference is from
  Against against = Against::own;
  bool drawn = false;  // the reference was drawn too, with an error that its source does not give

  /// |ours - reference| <= tolerance + 3 error; 3 sqrt(2) error if the reference was drawn, which
  /// takes it to be as uncertain as ours. Empty without a reference.
  std::optional<bool> within() const;
};

/// A sentence about trainings, and what their seeds say of it.
struct Claim {
  std::string sentence;
  std::optional<bool> holds;  // empty: not resolved
  std::string because;        // the numbers
};

struct Result {
  std::size_t seeds = 0;  // of its trainings, where they are more than those asked for
  std::vector<Row> rows;
  std::vector<Claim> claims = {};
  std::vector<std::string> notes;  // what a reader of the numbers must know
  report::Figure figure;
};

/// What an entry takes beside its size and seed: several seeds, for it trains; images of the user's choice.
enum : unsigned { kNothing = 0, kSeeds = 1, kImages = 2 };

struct Entry {
  std::string_view name, summary, source, time, full_time;  // times on two cores
  unsigned takes;                                           // of the bits below
  Result (*run)(const Effort& effort);
};

const std::vector<Entry>& entries();

}  // namespace scalemix::inline v0::cli::reproduce
