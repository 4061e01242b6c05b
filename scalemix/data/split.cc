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

std::size_t count_groups(const std::vector<std::uint32_t>& group) {
  return group.empty() ? 0 : *std::max_element(group.begin(), group.end()) + std::size_t{1};
}

/// Moves whole groups of `from` to the result until that has round(share * size) rows.
Rows take_groups(Rows& from, double share, const std::vector<std::uint32_t>& group,
                 std::uint64_t seed, Shuffle who, std::uint32_t draw) {
  const auto count =
      static_cast<std::size_t>(std::llround(share * static_cast<double>(from.size())));
  if (share > 0 && count == 0) throw DataError("", 0, 0, "too few rows for a part by groups");
  std::vector<std::size_t> size(count_groups(group), 0);
  for (const std::uint32_t i : from) ++size[group[i]];
  std::vector<bool> taken(size.size(), false);
  std::size_t rows = 0;
  for (const std::uint32_t g : permutation(size.size(), seed, who, draw)) {
    if (rows >= count) break;
    if (size[g] == 0) continue;
    taken[g] = true;
    rows += size[g];
  }
  if (rows == from.size()) {
    throw DataError("", 0, 0, "the groups are too large to be divided: none is left for training");
  }
  Rows out, rest;
  for (const std::uint32_t i : from) (taken[group[i]] ? out : rest).push_back(i);
  from = std::move(rest);
  return out;
}

/// Moves the last round(share * size) rows of `from` by time to the result, and those of the same
/// time; both are in order of time then.
Rows take_last(Rows& from, double share, const std::vector<double>& time, const char* part) {
  std::stable_sort(from.begin(), from.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return time[a] < time[b]; });
  const auto count =
      static_cast<std::size_t>(std::llround(share * static_cast<double>(from.size())));
  if (count == 0 && share == 0) return {};
  std::size_t first = from.size() - std::min(count, from.size());
  while (first > 0 && first < from.size() && time[from[first - 1]] == time[from[first]]) --first;
  if (first == 0 || first == from.size()) {
    throw DataError("", 0, 0,
                    "a share of " + std::to_string(share) + " of " + std::to_string(from.size()) +
                        " rows by time leaves no row for " + (first == 0 ? "training" : part));
  }
  Rows out(from.begin() + static_cast<std::ptrdiff_t>(first), from.end());
  from.resize(first);
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

Split by_group(const std::vector<std::uint32_t>& group, double test, std::uint64_t seed,
               std::uint32_t draw) {
  check_in("split", "test fraction", test, 0, 1);
  Rows rows(group.size());
  std::iota(rows.begin(), rows.end(), 0u);
  Split split;
  split.test = take_groups(rows, test, group, seed, Shuffle::test, draw);
  split.train = std::move(rows);
  return split;
}

std::vector<Split> folds_by_group(const std::vector<std::uint32_t>& group, std::size_t k,
                                  std::uint64_t seed) {
  if (k < 2) fail<std::domain_error>("split", "folds must be at least 2", k);
  std::vector<std::size_t> size(count_groups(group), 0);
  for (const std::uint32_t g : group) ++size[g];
  if (k > size.size()) {
    throw DataError("", 0, 0,
                    std::to_string(k) + " folds of " + std::to_string(size.size()) +
                        " groups leave a fold without a group");
  }
  Rows order = permutation(size.size(), seed, Shuffle::test, 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return size[a] > size[b]; });
  std::vector<std::size_t> fold(size.size()), rows(k, 0);
  for (const std::uint32_t g : order) {
    fold[g] = static_cast<std::size_t>(std::min_element(rows.begin(), rows.end()) - rows.begin());
    rows[fold[g]] += size[g];
  }
  std::vector<Split> splits(k);
  for (std::size_t f = 0; f < k; ++f) {
    for (std::uint32_t i = 0; i < group.size(); ++i) {
      (fold[group[i]] == f ? splits[f].test : splits[f].train).push_back(i);
    }
  }
  return splits;
}

Split by_time(const std::vector<double>& time, double test) {
  check_in("split", "test fraction", test, 0, 1);
  Rows rows(time.size());
  std::iota(rows.begin(), rows.end(), 0u);
  Split split;
  split.test = take_last(rows, test, time, "testing");
  split.train = std::move(rows);
  return split;
}

std::vector<std::int32_t> tenths(const std::vector<float>& y) {
  Rows order(y.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return y[a] < y[b]; });
  std::vector<std::int32_t> out(y.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    out[order[k]] = static_cast<std::int32_t>(10 * k / order.size());
  }
  return out;
}

void carve_validation(Split& split, double validation, std::uint64_t seed, const Dataset& data) {
  check_in("split", "validation fraction", validation, 0, 1);
  Rows moved;
  if (!data.group.empty()) {
    moved = take_groups(split.train, validation, data.group, seed, Shuffle::validation, 0);
  } else if (!data.time.empty()) {
    moved = take_last(split.train, validation, data.time, "validation");
  } else {
    return carve_validation(split, validation, seed, data.strata_or_label());
  }
  split.validation.insert(split.validation.end(), moved.begin(), moved.end());
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
