// A process that has predicted, and so has OpenMP's threads, forks: its child predicts the same.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "scalemix/base/parallel.h"
#include "tests/predict/fixtures.h"

namespace scalemix::predict {
namespace {

/// The exit status of a child that runs f; an alarm ends one that hangs.
template <class F>
int child(const F& f) {
  const pid_t id = ::fork();
  if (id == 0) {
    ::alarm(20);
    ::_exit(f());
  }
  int status = -1;
  ::waitpid(id, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(Fork, AChildPredictsWhatItsParentDid) {
  const int before = threads();
  set_threads(2);
  const model::Model model = model::filled_model(
      model::made("mlp:400-300", {{64}, Task::classification, 10}, {"bernoulli:p=0.3"}));
  const Predictor predictor(model);
  Context context(predictor);
  const std::vector<float> x = model::values(512 * 64, 3);
  const Prediction parent = predict(context, x, 512, {.samples = 4});
  EXPECT_EQ(child([&] {
              // The context that the parent made, and one of its own.
              Context own(predictor);
              const bool same =
                  predict(context, x, 512, {.samples = 4}).mean.size() == parent.mean.size();
              const Prediction again = predict(own, x, 512, {.samples = 4});
              const bool close =
                  std::equal(again.mean.begin(), again.mean.end(), parent.mean.begin(),
                             [](float a, float b) { return std::abs(a - b) < 1e-5f; });
              return same && close ? 7 : 8;
            }),
            7);
  EXPECT_EQ(child([] {
              set_threads(4);
              return threads();
            }),
            1);
  // The parent goes on with its threads.
  EXPECT_EQ(threads(), 2);
  EXPECT_EQ(predict(context, x, 512, {.samples = 4}).mean, parent.mean);
  set_threads(before);
}

TEST(Fork, AChildOfAChildWorksToo) {
  set_threads(2);
  std::vector<int> done(1000);
  parallel_tiles(1000, [&](std::size_t tile) { done[tile] = 1; });
  const auto count = [&] {
    std::fill(done.begin(), done.end(), 0);
    parallel_tiles(1000, [&](std::size_t tile) { done[tile] = 1; });
    return static_cast<int>(std::count(done.begin(), done.end(), 1)) == 1000 ? 7 : 8;
  };
  EXPECT_EQ(child([&] { return child(count) == 7 ? count() : 9; }), 7);
}

}  // namespace
}  // namespace scalemix::predict
