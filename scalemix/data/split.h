// Ways to divide rows into training, validation and test. All are pure functions of (rows, seed).
#pragma once

#include <cstdint>
#include <vector>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// Sites of Purpose::shuffle: who permutes rows. No two read the same words.
enum class Shuffle : std::uint32_t { epoch, test, validation, importance };

/// A permutation of 0 ... n - 1: Fisher-Yates from the back, the k-th swap of row n - 1 - k with row
/// floor(word k * (n - k) / 2^32) of the stream (Purpose::shuffle, who, draw).
std::vector<std::uint32_t> permutation(std::size_t n, std::uint64_t seed, Shuffle who,
                                       std::uint32_t draw = 0);

/// One split: round(test * n) test rows, round(validation * rest) validation rows, the rest for
/// training. Stratified by class where `label` is not empty. Throws DataError if a part asked for
/// would be empty.
Split fraction(std::size_t n, double test, double validation, std::uint64_t seed,
               const std::vector<std::int32_t>& label = {});

/// k-fold cross-validation: fold i is the test set of split i; sizes differ by at most one.
std::vector<Split> folds(std::size_t n, std::size_t k, std::uint64_t seed,
                         const std::vector<std::int32_t>& label = {});

/// `count` independent repetitions of fraction().
std::vector<Split> repeated(std::size_t n, std::size_t count, double test, std::uint64_t seed,
                            const std::vector<std::int32_t>& label = {});

/// One split by groups: whole groups, in the order of a permutation, become the test set as long as it
/// has not round(test * n) rows. Repetition `draw` of several. Throws DataError if no group is left
/// for a part.
Split by_group(const std::vector<std::uint32_t>& group, double test, std::uint64_t seed,
               std::uint32_t draw = 0);

/// k-fold cross-validation that keeps groups whole: the largest groups first, each into the fold with
/// the fewest rows.
std::vector<Split> folds_by_group(const std::vector<std::uint32_t>& group, std::size_t k,
                                  std::uint64_t seed);

/// One split by time: the test set is the last round(test * n) rows, and those that are as late as
/// its first. Rows keep their order in time.
Split by_time(const std::vector<double>& time, double test);

/// Tenths of a regression's target, by rank: (N) 0 to 9.
std::vector<std::int32_t> tenths(const std::vector<float>& y);

/// Moves a share of the training rows to validation: as the data asks for it, by group, by time, by
/// strata, else the last of a permutation.
void carve_validation(Split& split, double validation, std::uint64_t seed, const Dataset& data);

/// Moves a share of the training rows (the last of a permutation) to validation.
void carve_validation(Split& split, double validation, std::uint64_t seed,
                      const std::vector<std::int32_t>& label = {});

}  // namespace scalemix::inline v0::data
