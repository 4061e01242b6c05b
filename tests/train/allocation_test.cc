// A training step allocates nothing after the first: counted by replacing operator new for the
// whole program.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scalemix/base/parallel.h"
#include "scalemix/data/dataset.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"
#include "scalemix/train/stack.h"
#include "tests/base/counting_new.h"

namespace scalemix::train {
namespace {

constexpr int kSteps = 5;
constexpr std::size_t kRows = 20, kHidden = 20;

/// Allocations of some steps after the first; `prune`: which of them chooses what is held at zero, and no
/// later one does.
std::size_t steady(const data::Dataset& data, const char* model, const char* method,
                   const char* optimiser, double clip, const char* prune = "none") {
  Plan plan;
  plan.spec = model::architecture(model, {data.shape, data.task, data.classes.size()});
  model::apply_method(plan.spec, method);
  plan.options = {.batch = kRows, .optimiser = optimiser, .prune = prune, .clip = clip};
  resolve(plan.options, data, plan.spec);
  for (std::uint64_t seed : {1, 2}) {
    Replica replica{.seed = seed, .settings = settings_of(plan.options, {})};
    for (std::uint32_t row = 0; row < 200; ++row) replica.split.train.push_back(row);
    prepare(replica, plan.options, data);
    plan.replicas.push_back(std::move(replica));
  }
  Stack stack(data, plan, {0, 1});
  stack.step();
  const std::size_t before = allocations;
  for (int i = 0; i < kSteps; ++i) stack.step();
  return allocations - before;
}

/// Allocations of the library inside the products of as many steps of mlp:20 with two replicas.
std::size_t of_products(const data::Dataset& data) {
  const std::size_t in = data.width(), out = data.classes.size();
  const std::vector<float> a(in * kHidden + kRows * in), b(in * kHidden + kRows * in);
  std::vector<float> c(in * kHidden + kRows * in);
  const auto product = [&](bool ta, bool tb, std::size_t m, std::size_t n, std::size_t k) {
    kernel::gemm(static_cast<kernel::Trans>(ta), static_cast<kernel::Trans>(tb), m, n, k, a.data(),
                 ta ? m : k, b.data(), tb ? k : n, 0, c.data(), n);
  };
  const auto step = [&] {
    product(false, true, kRows, kHidden, in);
    product(false, true, kRows, out, kHidden);
    product(true, false, out, kHidden, kRows);
    product(false, false, kRows, kHidden, out);
    product(true, false, kHidden, in, kRows);
  };
  step();
  const std::size_t before = allocations;
  for (int i = 0; i < 2 * kSteps; ++i) step();
  return allocations - before;
}

/// Of those of the last layer alone.
std::size_t of_last_products(const data::Dataset& data) {
  const std::size_t out = data.classes.size();
  const std::vector<float> a(kRows * kHidden + kHidden * out), b(kRows * kHidden + kHidden * out);
  std::vector<float> c(kRows * kHidden + kHidden * out);
  const auto step = [&] {
    using kernel::Trans;
    kernel::gemm(Trans::no, Trans::yes, kRows, out, kHidden, a.data(), kHidden, b.data(), kHidden,
                 0, c.data(), out);
    kernel::gemm(Trans::yes, Trans::no, out, kHidden, kRows, a.data(), out, b.data(), kHidden, 0,
                 c.data(), kHidden);
    kernel::gemm(Trans::no, Trans::no, kRows, kHidden, out, a.data(), out, b.data(), kHidden, 0,
                 c.data(), kHidden);
  };
  step();
  const std::size_t before = allocations;
  for (int i = 0; i < 2 * kSteps; ++i) step();
  return allocations - before;
}

TEST(Step, AllocatesNothingAfterTheFirst) {
  const int before = threads();
  set_threads(1);
  const data::Dataset data = data::open("glyphs");
  const std::size_t products = of_products(data);
  for (const char* method : {"none",
                             "bernoulli:p=0.3",
                             "poisson",
                             "dropconnect:p=0.2",
                             "svdo",
                             "vdo_a",
                             "vdo_b",
                             "vsd:depth=2,ard=on",
                             "vsd:depth=2,noise=column",
                             "fast:p=0.3",
                             "l0",
                             "sbp",
                             "gnj",
                             "advanced",
                             "information",
                             "soft",
                             "tabu",
                             "alpha",
                             "continuous",
                             "bernoulli:p=0.5@linear:start=0.1"}) {
    const std::string name(method);
    const bool moments = name == "svdo" || name == "vdo_b" || name == "gnj";
    const std::size_t times = moments ? 2 : 1;  // of means and of variances
    EXPECT_EQ(steady(data, "mlp:20", method, "adam", 0), times * products) << method;
    EXPECT_EQ(steady(data, "mlp:20", method, "sgd", 1), times * products) << method << ", clipped";
    for (const double clip : {0, 1}) {
      EXPECT_EQ(steady(data, "mlp:20", method, "novograd", clip), times * products) << method;
    }
  }
  // The one that lists what is left, of the first layer: its products go without the library, too.
  const char* prune = "magnitude:sparsity=0.95,start=0.00001,end=0.00002,every=1000000000";
  for (const char* optimiser : {"adam", "novograd"}) {
    EXPECT_EQ(steady(data, "mlp:20", "none", optimiser, 0, prune), of_last_products(data));
  }
  set_threads(before);
}

}  // namespace
}  // namespace scalemix::train
