#include "scalemix/data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scalemix/base/check.h"
#include "scalemix/base/error.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::data {
namespace {

using Rows = std::vector<std::uint32_t>;
using Labels = std::vector<std::int32_t>;

/// Positions of `rows`, those of one class together, so that an even walk over them is stratified.
std::vector<std::size_t> by_class(const Rows& rows, const Labels& label) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!label.empty()) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return label[rows[a]] < label[rows[b]]; });
  }
  return order;
}

/// Moves round(share * size) rows of `from` to the result, evenly over the classes; both keep their
/// order.
Rows take(Rows& from, double share, const Labels& label, const char* part) {
  const std::size_t n = from.size();
  const auto count = static_cast<std::size_t>(std::llround(share * static_cast<double>(n)));
  if (share > 0 && (count == 0 || count >= n)) {
    throw DataError("", 0, 0,
                    "a share of " + std::to_string(share) + " of " + std::to_string(n) +
                        " rows leaves no row for " + (count == 0 ? part : "training"));
  }
  std::vector<bool> taken(n, false);
  const std::vector<std::size_t> order = by_class(from, label);
  for (std::size_t k = 0; k < n; ++k) {
    // From the end, so that without labels the last rows of the permutation are taken.
    taken[order[k]] = label.empty() ? k >= n - count : (k + 1) * count / n > k * count / n;
  }
  Rows out, rest;
  for (std::size_t k = 0; k < n; ++k) (taken[k] ? out : rest).push_back(from[k]);
  from = std::move(rest);
  return out;
}

void check_labels(std::size_t n, const Labels& label) {
  check(label.empty() || label.size() == n, "split", "there must be one label per row");
}

Split draw_split(std::size_t n, double test, double validation, std::uint64_t seed,
                 std::uint32_t draw, const Labels& label) {
  check_in("split", "test fraction", test, 0, 1);
  check_in("split", "validation fraction", validation, 0, 1);
  check_labels(n, label);
  if (n == 0) throw DataError("", 0, 0, "there are no rows to split");
  Split split;
  split.train = permutation(n, seed, Shuffle::test, draw);
  split.test = take(split.train, test, label, "testing");
  split.validation = take(split.train, validation, label, "validation");
  return split;
}

}  // namespace

std::vector<std::uint32_t> permutation(std::size_t n, std::uint64_t seed, Shuffle who,
                                       std::uint32_t draw) {
  if (n >= (std::uint64_t{1} << 32)) fail<std::domain_error>("split", "rows must be below 2^32", n);
  const Stream stream{seed, stream_id(Purpose::shuffle, static_cast<std::uint32_t>(who)), draw};
  std::vector<std::uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0u);
  std::array<std::uint32_t, 4> words{};
  for (std::size_t k = 0; k + 1 < n; ++k) {
    if (k % 4 == 0) words = stream.block(k / 4);
    const std::size_t last = n - 1 - k;
    std::swap(rows[last], rows[std::uint64_t{words[k % 4]} * (last + 1) >> 32]);
  }
  return rows;
}

Split fraction(std::size_t n, double test, double validation, std::uint64_t seed,
               const std::vector<std::int32_t>& label) {
  return draw_split(n, test, validation, seed, 0, label);
}

std::vector<Split> folds(std::size_t n, std::size_t k, std::uint64_t seed,
                         const std::vector<std::int32_t>& label) {
  if (k < 2) fail<std::domain_error>("split", "folds must be at least 2", k);
  check_labels(n, label);
  if (k > n) {
    throw DataError(
        "", 0, 0,
        std::to_string(k) + " folds of " + std::to_string(n) + " rows leave a fold without a row");
  }
  const Rows rows = permutation(n, seed, Shuffle::test, 0);
  const std::vector<std::size_t> order = by_class(rows, label);
  std::vector<std::size_t> fold(n);
  for (std::size_t i = 0; i < n; ++i) fold[order[i]] = i % k;
  std::vector<Split> splits(k);
  for (std::size_t f = 0; f < k; ++f) {
    for (std::size_t i = 0; i < n; ++i) {
      (fold[i] == f ? splits[f].test : splits[f].train).push_back(rows[i]);
    }
  }
  return splits;
}

std::vector<Split> repeated(std::size_t n, std::size_t count, double test, std::uint64_t seed,
                            const std::vector<std::int32_t>& label) {
  if (count < 1) fail<std::domain_error>("split", "repetitions must be at least 1", count);
  std::vector<Split> splits;
  for (std::size_t i = 0; i < count; ++i) {
    splits.push_back(draw_split(n, test, 0, seed, static_cast<std::uint32_t>(i), label));
  }
  return splits;
}

void carve_validation(Split& split, double validation, std::uint64_t seed,
                      const std::vector<std::int32_t>& label) {
  check_in("split", "validation fraction", validation, 0, 1);
  Rows rows;
  for (const std::uint32_t i : permutation(split.train.size(), seed, Shuffle::validation, 0)) {
    rows.push_back(split.train[i]);
  }
  const Rows moved = take(rows, validation, label, "validation");
  split.train = std::move(rows);
  split.validation.insert(split.validation.end(), moved.begin(), moved.end());
}

}  // namespace scalemix::inline v0::data
