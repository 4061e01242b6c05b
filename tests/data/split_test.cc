#include "scalemix/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "scalemix/base/error.h"

namespace scalemix::data {
namespace {

using Rows = std::vector<std::uint32_t>;

Rows sorted_union(const Split& s) {
  Rows all = s.train;
  all.insert(all.end(), s.validation.begin(), s.validation.end());
  all.insert(all.end(), s.test.begin(), s.test.end());
  std::sort(all.begin(), all.end());
  return all;
}

Rows counting(std::size_t n) {
  Rows rows(n);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

std::vector<std::int32_t> labels(std::size_t n) {
  std::vector<std::int32_t> label(n);
  for (std::size_t i = 0; i < n; ++i) label[i] = i % 10 == 0 ? 2 : static_cast<std::int32_t>(i % 2);
  return label;
}

std::map<std::int32_t, std::size_t> counts(const Rows& rows,
                                           const std::vector<std::int32_t>& label) {
  std::map<std::int32_t, std::size_t> n;
  for (const std::uint32_t i : rows) ++n[label[i]];
  return n;
}

TEST(Permutation, HoldsEachRowOnceAndDependsOnSeedAndDraw) {
  for (const std::size_t n : {0, 1, 2, 3, 4, 5, 97, 1000}) {
    Rows rows = permutation(n, 7, Shuffle::epoch);
    EXPECT_EQ(rows, permutation(n, 7, Shuffle::epoch));
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows, counting(n));
  }
  EXPECT_NE(permutation(100, 7, Shuffle::epoch), permutation(100, 8, Shuffle::epoch));
  EXPECT_NE(permutation(100, 7, Shuffle::epoch), permutation(100, 7, Shuffle::epoch, 1));
}

// An independent Philox in Python; a site for each use, so that no two read the same words.
TEST(Permutation, IsTheStreamsOfEachUse) {
  EXPECT_EQ(permutation(10, 7, Shuffle::epoch), (Rows{2, 8, 0, 9, 7, 1, 5, 4, 3, 6}));
  EXPECT_EQ(permutation(10, 7, Shuffle::epoch, 1), (Rows{1, 4, 7, 0, 5, 2, 9, 3, 6, 8}));
  EXPECT_EQ(permutation(10, 7, Shuffle::test), (Rows{9, 7, 2, 1, 3, 8, 4, 5, 6, 0}));
  EXPECT_EQ(permutation(10, 7, Shuffle::validation), (Rows{7, 9, 4, 5, 8, 1, 0, 3, 2, 6}));
  EXPECT_EQ(permutation(10, 7, Shuffle::importance), (Rows{2, 4, 1, 5, 8, 7, 3, 0, 6, 9}));
}

TEST(Permutation, SplitsReadTheirOwn) {
  const Rows order = permutation(10, 7, Shuffle::test);
  const Split s = fraction(10, 0.3, 0, 7);
  EXPECT_EQ(s.test, Rows(order.end() - 3, order.end()));
  EXPECT_EQ(s.train, Rows(order.begin(), order.end() - 3));
  const Rows second = permutation(10, 7, Shuffle::test, 1);
  EXPECT_EQ(repeated(10, 2, 0.3, 7)[1].test, Rows(second.end() - 3, second.end()));
  Split all{.train = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, .validation = {}, .test = {}};
  carve_validation(all, 0.3, 7);
  const Rows held = permutation(10, 7, Shuffle::validation);
  EXPECT_EQ(all.validation, Rows(held.end() - 3, held.end()));
}

// By the words of docs/guide/trajectory.md, in Python.
TEST(Fraction, WithClassesIsAsTheGuideSays) {
  const std::vector<std::int32_t> label = {2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1};
  const Split s = fraction(12, 1.0 / 3, 0, 7, label);
  EXPECT_EQ(s.test, (Rows{1, 9, 6, 0}));
  EXPECT_EQ(s.train, (Rows{10, 11, 2, 4, 3, 7, 5, 8}));
}

TEST(Permutation, PutsEachRowInEachPlaceEquallyOften) {
  // 6000 draws of 3 rows have 6 orders with 1000 each; chi-squared with 5 degrees exceeds 35.9 with
  // probability 1e-6.
  std::map<Rows, double> seen;
  for (std::uint32_t draw = 0; draw < 6000; ++draw) ++seen[permutation(3, 1, Shuffle::epoch, draw)];
  ASSERT_EQ(seen.size(), 6u);
  double chi2 = 0;
  for (const auto& [order, n] : seen) chi2 += (n - 1000) * (n - 1000) / 1000;
  EXPECT_LT(chi2, 35.9);
}

TEST(Fraction, CutsAllRowsIntoDisjointPartsOfTheSizesAskedFor) {
  const Split s = fraction(1001, 0.2, 0.1, 3);
  EXPECT_EQ(s.test.size(), 200u);
  EXPECT_EQ(s.validation.size(), 80u);
  EXPECT_EQ(sorted_union(s), counting(1001));
  EXPECT_EQ(fraction(1001, 0.2, 0.1, 3).test, s.test);
  EXPECT_NE(fraction(1001, 0.2, 0.1, 4).test, s.test);
}

TEST(Fraction, KeepsTheSharesOfTheClasses) {
  const auto label = labels(1000);  // 500 + 400 + 100
  const Split s = fraction(1000, 0.3, 0.2, 5, label);
  EXPECT_EQ(sorted_union(s), counting(1000));
  EXPECT_EQ(s.test.size(), 300u);
  const auto test = counts(s.test, label), validation = counts(s.validation, label);
  for (const auto& [c, n] : counts(counting(1000), label)) {
    EXPECT_NEAR(static_cast<double>(test.at(c)), 0.3 * static_cast<double>(n), 1) << c;
    EXPECT_NEAR(static_cast<double>(validation.at(c)), 0.14 * static_cast<double>(n), 1) << c;
  }
}

TEST(Fraction, RefusesAPartWithoutRows) {
  EXPECT_THROW(fraction(3, 0.1, 0, 0), DataError);  // no test row
  EXPECT_THROW(fraction(2, 0.9, 0, 0), DataError);  // no training row
  EXPECT_THROW(fraction(10, 0.5, 0.05, 0), DataError);
  EXPECT_THROW(fraction(0, 0.5, 0, 0), DataError);
  EXPECT_THROW(fraction(10, 1, 0, 0), std::domain_error);
  EXPECT_THROW(fraction(10, -0.1, 0, 0), std::domain_error);
  EXPECT_THROW(fraction(10, 0.2, 0, 0, {0, 1}), std::invalid_argument);
  EXPECT_TRUE(fraction(10, 0, 0, 0).test.empty());
}

TEST(Folds, TestEachRowOnceInFoldsThatDifferByAtMostOneRow) {
  for (const std::size_t n : {5, 23, 100}) {
    const auto splits = folds(n, 5, 11);
    ASSERT_EQ(splits.size(), 5u);
    Rows tested;
    for (const Split& s : splits) {
      EXPECT_EQ(sorted_union(s), counting(n));
      EXPECT_GE(s.test.size(), n / 5);
      EXPECT_LE(s.test.size(), n / 5 + 1);
      tested.insert(tested.end(), s.test.begin(), s.test.end());
    }
    std::sort(tested.begin(), tested.end());
    EXPECT_EQ(tested, counting(n));
  }
}

TEST(Folds, KeepTheSharesOfTheClasses) {
  const auto label = labels(1000);
  for (const Split& s : folds(1000, 7, 2, label)) {
    const auto test = counts(s.test, label);
    EXPECT_NEAR(static_cast<double>(test.at(2)), 100.0 / 7, 1);
    EXPECT_NEAR(static_cast<double>(test.at(1)), 500.0 / 7, 1);
  }
}

TEST(Folds, NeedTwoFoldsAndARowForEach) {
  EXPECT_THROW(folds(10, 1, 0), std::domain_error);
  EXPECT_THROW(folds(4, 5, 0), DataError);
}

TEST(Repeated, DrawsAnotherSplitEachTime) {
  const auto splits = repeated(50, 4, 0.2, 9);
  ASSERT_EQ(splits.size(), 4u);
  EXPECT_EQ(splits[0].test, fraction(50, 0.2, 0, 9).test);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(sorted_union(splits[i]), counting(50));
    EXPECT_NE(splits[i].test, splits[0].test);
  }
}

TEST(CarveValidation, MovesTrainingRowsOnly) {
  Split s = fraction(100, 0.2, 0, 1);
  const Split before = s;
  carve_validation(s, 0.25, 1);
  EXPECT_EQ(s.test, before.test);
  EXPECT_EQ(s.validation.size(), 20u);
  EXPECT_EQ(s.train.size(), 60u);
  EXPECT_EQ(sorted_union(s), counting(100));
  Split again = before;
  carve_validation(again, 0.25, 1);
  EXPECT_EQ(again.validation, s.validation);
}

/// 40 groups of 1 to 5 rows, their rows not side by side.
std::vector<std::uint32_t> groups() {
  std::vector<std::uint32_t> group;
  for (std::uint32_t round = 0; round < 5; ++round) {
    for (std::uint32_t g = 0; g < 40; ++g) {
      if (round <= g % 5) group.push_back(g);
    }
  }
  return group;
}

std::set<std::uint32_t> groups_in(const Rows& rows) {
  std::set<std::uint32_t> out;
  for (const std::uint32_t i : rows) out.insert(groups()[i]);
  return out;
}

bool disjoint(const Rows& a, const Rows& b) {
  const auto of_a = groups_in(a), of_b = groups_in(b);
  return std::none_of(of_a.begin(), of_a.end(), [&](auto g) { return of_b.count(g) > 0; });
}

TEST(Groups, StayOnOneSideOfEveryPart) {
  Dataset data;
  data.group = groups();
  const std::size_t n = data.group.size();
  std::set<Rows> tests;
  for (std::uint32_t draw = 0; draw < 5; ++draw) {
    Split s = by_group(data.group, 0.2, 3, draw);
    carve_validation(s, 0.25, 3, data);
    EXPECT_EQ(sorted_union(s), counting(n));
    EXPECT_TRUE(disjoint(s.train, s.test) && disjoint(s.train, s.validation) &&
                disjoint(s.validation, s.test));
    // The last group may overshoot by its rows.
    EXPECT_GE(s.test.size(), n / 5);
    EXPECT_LT(s.test.size(), n / 5 + 5);
    EXPECT_FALSE(s.validation.empty());
    tests.insert(s.test);
  }
  EXPECT_GT(tests.size(), 3u);
  EXPECT_EQ(by_group(data.group, 0.2, 3, 1).test, by_group(data.group, 0.2, 3, 1).test);
  EXPECT_THROW(by_group({0, 0, 0, 0}, 0.5, 1), DataError);
}

TEST(Groups, AreWholeInFoldsOfLikeSize) {
  const std::vector<Split> splits = folds_by_group(groups(), 4, 7);
  Rows tested;
  for (const Split& s : splits) {
    EXPECT_TRUE(disjoint(s.train, s.test));
    EXPECT_EQ(sorted_union(s), counting(groups().size()));
    EXPECT_NEAR(static_cast<double>(s.test.size()), 30, 2);
    tested.insert(tested.end(), s.test.begin(), s.test.end());
  }
  std::sort(tested.begin(), tested.end());
  EXPECT_EQ(tested, counting(groups().size()));
  EXPECT_THROW(folds_by_group({0, 1, 1}, 3, 1), DataError);
}

TEST(Time, LastRowsAreTheTestSet) {
  Dataset data;
  data.time = {9, 1, 5, 7, 3, 8, 2, 6, 4, 0};
  Split s = by_time(data.time, 0.2);
  EXPECT_EQ(s.test, (Rows{5, 0}));
  carve_validation(s, 0.25, 1, data);
  EXPECT_EQ(s.validation, (Rows{7, 3}));
  EXPECT_EQ(s.train, (Rows{9, 1, 6, 4, 8, 2}));
  // Rows of one time stay together, in the later part.
  EXPECT_EQ(by_time({1, 2, 3, 3, 3}, 0.2).test, (Rows{2, 3, 4}));
  EXPECT_THROW(by_time({1, 1, 1}, 0.4), DataError);
}

TEST(Tenths, AreOfEqualSizeAndInOrder) {
  std::vector<float> y;
  for (int i = 0; i < 50; ++i) y.push_back(static_cast<float>(i * 7 % 50));
  const std::vector<std::int32_t> tenth = tenths(y);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(tenth[i], static_cast<int>(y[i]) / 5);
  // Every tenth has its share of the test set.
  Dataset data;
  data.strata = tenth;
  const Split s = fraction(50, 0.2, 0, 1, data.strata_or_label());
  EXPECT_EQ(counts(s.test, tenth).size(), 10u);
}

}  // namespace
}  // namespace scalemix::data
