// After the first call nothing is allocated: counted by replacing operator new for the whole
// program.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/predict/predictor.h"
#include "tests/base/counting_new.h"
#include "tests/model/fixtures.h"

namespace scalemix::predict {
namespace {

using namespace model;  // specs and models to predict with

template <class F>
std::size_t count(const F& f) {
  const std::size_t before = allocations;
  f();
  return allocations - before;
}

/// Allocations of a second call.
std::size_t steady(const Spec& spec, std::size_t rows, const PredictOptions& options) {
  const Predictor predictor(filled_model(spec));
  Context context(predictor);
  const std::vector<float> x = values(rows * predictor.width(), 1);
  Prediction out;
  const auto call = [&] { predict(context, x, rows, options, out); };
  EXPECT_GT(count(call), 0u);
  return count(call);
}

TEST(Allocation, StepsWithoutProductsAllocateNothingAfterTheFirstCall) {
  const Spec spec = spec_from_json(nlohmann::json::parse(R"({
    "input": [2, 6, 6], "task": "classification", "outputs": 2, "layers": [
      {"type": "batch_norm", "in": 2}, {"type": "gelu"},
      {"type": "noise", "law": "laplace", "at": "channel", "width": 2},
      {"type": "residual", "branch": [{"type": "tanh"}, {"type": "noise", "law": "gaussian", "width": 72}]},
      {"type": "max_pool", "kernel": 2, "stride": 2}, {"type": "avg_pool", "kernel": 0, "stride": 1},
      {"type": "flatten"}]})"));
  const int before = threads();
#ifdef __SANITIZE_THREAD__
  set_threads(1);  // loops of std::thread start their threads anew, which allocates
#endif
  EXPECT_EQ(steady(spec, 9, {}), 0u);
  EXPECT_EQ(steady(spec, 9, {.samples = 3, .block = 4}), 0u);
  set_threads(before);
}

TEST(Allocation, AWholeNetworkAllocatesNoMoreThanItsProducts) {
  const int before = threads();
  set_threads(1);
  const std::size_t rows = 8, samples = 3;
  const std::size_t got =
      steady(made("mlp:6", table_problem(), {"bernoulli:p=0.5"}), rows, {.samples = samples});
  // The products of the same shapes, alone: the library's own allocations.
  const std::vector<float> x(64), w(64);
  std::vector<float> y(64);
  const auto product = [&](std::size_t out, std::size_t in) {
    kernel::gemm(kernel::Trans::no, kernel::Trans::yes, rows, out, in, x.data(), in, w.data(), in,
                 0, y.data(), out);
  };
  const auto products = [&] {
    product(6, 7);
    for (std::size_t s = 0; s < samples; ++s) product(2, 6);
  };
  products();
  EXPECT_EQ(got, count(products));
  set_threads(before);
}

}  // namespace
}  // namespace scalemix::predict
