// A kernel that became half as slow again fails here. Its time is divided by that of a matrix
// product of oneDNN in the same run, which takes the machine's clock out of it; of both the least
// of many short rounds is taken, which neighbours on the machine can only lengthen together.
//
// The quotients belong to a SIMD target: those of avx2 were measured on an AMD EPYC, those of avx3 on
// an Intel Xeon, those of weights at zero both on an AMD EPYC. A target that is not in the table is measured and reported, and the test skipped.
// SCALEMIX_TARGET=avx2 looks at that column on a newer machine.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "scalemix/base/parallel.h"
#include "scalemix/cli/bench.h"
#include "scalemix/kernel/target.h"

namespace scalemix::cli {
namespace {

constexpr const char* kFloor = "kernel gemm 256^3";
// Of the quotient: a change by 1.5 is caught with avx2. With avx3 processors differ more, in how fast
// they gather and how wide they multiply: one by 1.7 is.
constexpr double kSlack = 1.4, kSlackAvx3 = 1.6;
constexpr int kRounds = 12;

/// A kernel's time over the floor's, one thread.
struct Expected {
  const char* name;
  double avx2, avx3;
};

const Expected kExpected[] = {
    {"kernel noise bernoulli", 2.1, 2.55},
    {"kernel noise gaussian", 4.6, 6.6},
    {"kernel noise poisson", 3.9, 6.5},
    {"kernel reparam", 4.75, 7.1},
    {"kernel svdo_terms", 1.22, 1.15},
    {"kernel svdo_adam", 1.1, 1.21},
    {"kernel adam", 0.155, 0.225},
    {"kernel bernoulli both ways", 3.0, 4.8},
    {"kernel gemv 300 x 784", 0.044, 0.036},
    {"kernel sparse moments both ways, 784 to 300", 3.2, 5.0},
    {"kernel gradients before a pool, 20 x 12 x 12 to 50", 25, 29.2},
    {"sparse 1000 x 1000, 98 % zeros, 1 row", 0.0175, 0.018},
    {"sparse 1000 x 1000, 98 % zeros, 128 rows", 0.43, 0.42},
    {"sparse lenet5 pruned 280 times, 16 rows", 0.95, 0.95},
};

/// The least time of a call of each row for which `wanted` is true, one thread.
std::map<std::string, double> least_seconds(const std::function<bool(const std::string&)>& wanted) {
  kernel::init_target();
  const SerialScope serial;
  std::map<std::string, double> least;
  for (int round = 0; round < kRounds; ++round) {
    for (const BenchCase& c : bench_cases()) {
      const std::string name = c.group + " " + c.name;
      if (!wanted(name)) continue;
      const auto at = least.try_emplace(name, std::numeric_limits<double>::infinity()).first;
      at->second = std::min(at->second, c.measure({0.002, 3}).time.least);
    }
  }
  return least;
}

TEST(Speed, OfNoKernelHasFallen) {
  const auto least = least_seconds([](const std::string& name) {
    return name == kFloor || std::any_of(std::begin(kExpected), std::end(kExpected),
                                         [&](const Expected& e) { return e.name == name; });
  });
  const double floor = least.at(kFloor);
  const bool wide = kernel::active_target().starts_with("avx3");
  const bool known = wide || kernel::active_target() == "avx2";
  for (const Expected& e : kExpected) {
    const double quotient = least.at(e.name) / floor;
    const double expected = wide ? e.avx3 : e.avx2;
    std::printf("%-24s %.3f of %s, expected %.3f\n", e.name, quotient, kFloor, expected);
    if (known) {
      EXPECT_LT(quotient, (wide ? kSlackAvx3 : kSlack) * expected)
          << e.name << " is slower than it was";
    }
  }
  if (!known) GTEST_SKIP() << "no quotients for " << kernel::active_target();
}

TEST(Speed, OfEveryLawIsAThirdOfBernoulli) {
  const std::string noise = "kernel noise ";
  const auto least =
      least_seconds([&](const std::string& name) { return name.starts_with(noise); });
  const double bernoulli = least.at(noise + "bernoulli");
  for (const auto& [name, seconds] : least) {
    std::printf("%-30s %.2f of bernoulli\n", name.c_str(), seconds / bernoulli);
    EXPECT_LT(seconds, 3 * bernoulli) << name;
  }
}

}  // namespace
}  // namespace scalemix::cli
