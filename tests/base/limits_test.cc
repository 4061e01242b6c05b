#include "scalemix/base/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "scalemix/base/error.h"

namespace scalemix {
namespace {

TEST(Limits, TheTableHasARowForEachAndNoVariableTwice) {
  EXPECT_EQ(static_cast<std::size_t>(Limit::replicas) + 1, kLimits.size());
  std::set<std::string> names;
  for (const LimitRow& row : kLimits) {
    EXPECT_TRUE(names.insert(row.variable).second) << row.variable;
    EXPECT_GT(row.value, 0u);
  }
}

TEST(Limits, AVariableSetsAnotherValue) {
  const std::uint64_t before = limit(Limit::layers);
  const auto with = [](const char* value) {
    ::setenv("SCALEMIX_MAX_LAYERS", value, 1);
    return limit(Limit::layers);
  };
  EXPECT_EQ(with("7"), 7u);
  EXPECT_EQ(with("2K"), 2048u);
  EXPECT_EQ(with("3G"), std::uint64_t{3} << 30);
  EXPECT_EQ(with("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(with("18446744073709551615T"), UINT64_MAX);
  for (const char* bad : {"", "0", "-1", "x", "1.5", "1k", "2KB", "1e3", "18446744073709551616"}) {
    EXPECT_THROW(with(bad), ConfigError) << bad;
  }
  ::unsetenv("SCALEMIX_MAX_LAYERS");
  EXPECT_EQ(limit(Limit::layers), before);
}

TEST(Limits, TheLimitItselfIsAllowed) {
  ::setenv("SCALEMIX_MAX_WORK", "10", 1);
  EXPECT_NO_THROW(check_limit(Limit::work, "it", 10));
  try {
    check_limit(Limit::work, "it", 11);
    ADD_FAILURE();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "it asks for 11 multiplications, more than 10 multiplications; SCALEMIX_MAX_WORK allows more");
  }
  ::unsetenv("SCALEMIX_MAX_WORK");
}

TEST(Limits, SumsAndProductsStopAtTheLargestNumber) {
  EXPECT_EQ(times(6, 7), 42u);
  EXPECT_EQ(times(UINT64_MAX / 2, 3), UINT64_MAX);
  EXPECT_EQ(times(std::uint64_t{1} << 32, std::uint64_t{1} << 32), UINT64_MAX);
  EXPECT_EQ(times(UINT64_MAX, 0), 0u);
  EXPECT_EQ(plus(UINT64_MAX - 1, 1), UINT64_MAX);
  EXPECT_EQ(plus(UINT64_MAX, 1), UINT64_MAX);
}

TEST(Limits, WhatUnpacksIsBoundedByItsOwnSize) {
  ::setenv("SCALEMIX_MAX_UNPACKED", "1000", 1);
  ::setenv("SCALEMIX_MAX_INPUT", "10000", 1);
  EXPECT_EQ(most_unpacked(10), 1000u);
  EXPECT_EQ(most_unpacked(100), 3200u);
  EXPECT_EQ(most_unpacked(1000), 10000u);
  ::setenv("SCALEMIX_MAX_UNPACKED", "20000", 1);  // what is asked for outright counts
  EXPECT_EQ(most_unpacked(10), 20000u);
  ::unsetenv("SCALEMIX_MAX_UNPACKED");
  ::unsetenv("SCALEMIX_MAX_INPUT");
}

}  // namespace
}  // namespace scalemix
