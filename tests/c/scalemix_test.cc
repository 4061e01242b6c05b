#include "scalemix/c/scalemix.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <thread>

#include "scalemix/base/parallel.h"
#include "scalemix/base/version.h"
#include "tests/c/fixtures.h"

extern "C" int predict_zeros(const char* path, size_t samples, float* mean, size_t mean_size);

namespace scalemix::c {
namespace {

using model::Folder;
using model::Model;

/// The library's numbers are the predictor's, bit for bit.
void expect_same(const Model& m, const scalemix_options& options, int threads = 0) {
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, m));
  const ContextHandle context = context_of(model);
  ASSERT_EQ(scalemix_context_set_threads(context.get(), threads), SCALEMIX_OK);
  const predict::Predictor predictor(m);
  predict::Context own(predictor);
  for (const std::size_t rows : {5, 1, 8}) {
    const std::vector<float> x = rows_of(rows, predictor.width());
    Arrays got(model, rows);
    const scalemix_prediction all = got.all();
    ASSERT_EQ(scalemix_predict(context.get(), x.data(), x.size(), rows, &options, &all),
              SCALEMIX_OK)
        << scalemix_last_error();
    const predict::Prediction expected = predict::predict(
        own, x, rows,
        {.samples = options.samples, .seed = options.seed, .row0 = options.row0, .block = 0});
    EXPECT_EQ(got.mean, expected.mean) << rows << " rows";
    EXPECT_EQ(got.epistemic, expected.epistemic) << rows << " rows";
    EXPECT_EQ(got.aleatoric, expected.aleatoric) << rows << " rows";
  }
}

TEST(CInterface, DeterministicPredictionsAreThePredictors) {
  for (const Model& m : {regression(), classification(), still(), pruned()})
    expect_same(m, {0, 0, 0});
}

TEST(CInterface, MonteCarloPredictionsAreThePredictorsForASeedAndAPlace) {
  for (const Model& m : {regression(), classification(), still(), pruned()}) {
    expect_same(m, {7, 0, 0});
    expect_same(m, {3, 0x123456789abcdef0, 1000});
  }
}

TEST(CInterface, WithoutOptionsAPredictionIsDeterministic) {
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, regression()));
  const ContextHandle context = context_of(model);
  const std::vector<float> x = rows_of(4, 7);
  Arrays none(model, 4), zero(model, 4);
  const scalemix_prediction to_none = none.all(), to_zero = zero.all();
  const scalemix_options options = {0, 9, 9};
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 28, 4, nullptr, &to_none), SCALEMIX_OK);
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 28, 4, &options, &to_zero), SCALEMIX_OK);
  EXPECT_EQ(none.mean, zero.mean);
  EXPECT_EQ(none.epistemic, std::vector<float>(8, 0));
  EXPECT_NE(none.mean[0], none.mean[1]);
}

TEST(CInterface, UncertaintiesMayBeLeftOutAndMoreRoomIsNotWrittenTo) {
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, regression()));
  const ContextHandle context = context_of(model);
  const std::vector<float> x = rows_of(2, 7);
  const scalemix_options options = {4, 1, 0};
  Arrays all(model, 2), some(model, 3);
  const scalemix_prediction to_all = all.all();
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 14, 2, &options, &to_all), SCALEMIX_OK);
  const scalemix_prediction mean = {some.mean.data(), 6, nullptr, 6, nullptr, 6},
                            epistemic = {some.mean.data(), 6, some.epistemic.data(), 6, nullptr, 0},
                            aleatoric = {some.mean.data(), 6, nullptr, 0, some.aleatoric.data(), 6};
  const auto begins_with = [](std::vector<float> of, const std::vector<float>& begin) {
    const std::vector<float> left(of.begin() + begin.size(), of.end());
    of.resize(begin.size());
    return of == begin && left == std::vector<float>(left.size(), -99);
  };
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 14, 2, &options, &mean), SCALEMIX_OK);
  EXPECT_TRUE(begins_with(some.mean, all.mean));
  EXPECT_TRUE(begins_with(some.epistemic, {}));
  EXPECT_TRUE(begins_with(some.aleatoric, {}));
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 14, 2, &options, &epistemic), SCALEMIX_OK);
  EXPECT_TRUE(begins_with(some.epistemic, all.epistemic));
  EXPECT_TRUE(begins_with(some.aleatoric, {}));
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 14, 2, &options, &aleatoric), SCALEMIX_OK);
  EXPECT_TRUE(begins_with(some.aleatoric, all.aleatoric));
}

struct Facts {
  std::size_t inputs = 0, outputs = 0, uncertainties = 0;
  scalemix_task task = SCALEMIX_REGRESSION;
  int stochastic = -1;
};

Facts facts_of(const ModelHandle& model) {
  Facts f;
  EXPECT_EQ(scalemix_model_inputs(model.get(), &f.inputs), SCALEMIX_OK);
  EXPECT_EQ(scalemix_model_outputs(model.get(), &f.outputs), SCALEMIX_OK);
  EXPECT_EQ(scalemix_model_uncertainties(model.get(), &f.uncertainties), SCALEMIX_OK);
  EXPECT_EQ(scalemix_model_task(model.get(), &f.task), SCALEMIX_OK);
  EXPECT_EQ(scalemix_model_stochastic(model.get(), &f.stochastic), SCALEMIX_OK);
  return f;
}

TEST(CInterface, AModelSaysWhatItIs) {
  const Folder folder;
  const ModelHandle table = loaded(saved(folder, regression()));
  const Facts t = facts_of(table);
  EXPECT_EQ(t.inputs, 7u);
  EXPECT_EQ(t.outputs, 2u);
  EXPECT_EQ(t.uncertainties, 2u);
  EXPECT_EQ(t.task, SCALEMIX_REGRESSION);
  EXPECT_EQ(t.stochastic, 1);
  const char* name = nullptr;
  ASSERT_EQ(scalemix_model_input_name(table.get(), 6, &name), SCALEMIX_OK);
  EXPECT_STREQ(name, "x6");
  const ModelHandle images = loaded(saved(folder, classification()));
  const Facts i = facts_of(images);
  EXPECT_EQ(i.inputs, 256u);
  EXPECT_EQ(i.outputs, 3u);
  EXPECT_EQ(i.uncertainties, 1u);
  EXPECT_EQ(i.task, SCALEMIX_CLASSIFICATION);
  EXPECT_EQ(i.stochastic, 1);
  ASSERT_EQ(scalemix_model_class_name(images.get(), 0, &name), SCALEMIX_OK);
  EXPECT_STREQ(name, "cat");
  ASSERT_EQ(scalemix_model_class_name(images.get(), 2, &name), SCALEMIX_OK);
  EXPECT_STREQ(name, "\xc3\xa9toile");
  EXPECT_EQ(facts_of(loaded(saved(folder, still()))).stochastic, 0);
}

TEST(CInterface, AModelInMemoryIsTheModelInTheFile) {
  const Folder folder;
  const std::string path = saved(folder, classification());
  std::string bytes = model::bytes_of(path);
  scalemix_model* from_bytes = nullptr;
  ASSERT_EQ(scalemix_model_load_bytes(bytes.data(), bytes.size(), &from_bytes), SCALEMIX_OK)
      << scalemix_last_error();
  const ModelHandle memory(from_bytes), file = loaded(path);
  std::fill(bytes.begin(), bytes.end(), 'x');
  const std::vector<float> x = rows_of(3, 256);
  const scalemix_options options = {5, 2, 0};
  Arrays a(memory, 3), b(file, 3);
  const scalemix_prediction to_a = a.all(), to_b = b.all();
  ASSERT_EQ(scalemix_predict(context_of(memory).get(), x.data(), x.size(), 3, &options, &to_a),
            SCALEMIX_OK);
  ASSERT_EQ(scalemix_predict(context_of(file).get(), x.data(), x.size(), 3, &options, &to_b),
            SCALEMIX_OK);
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.epistemic, b.epistemic);
  EXPECT_EQ(a.aleatoric, b.aleatoric);
}

TEST(CInterface, AContextOutlivesItsModel) {
  const Folder folder;
  ModelHandle model = loaded(saved(folder, regression()));
  const ContextHandle context = context_of(model);
  const std::vector<float> x = rows_of(2, 7);
  Arrays before(model, 2), after(model, 2);
  const scalemix_prediction to_before = before.all(), to_after = after.all();
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 14, 2, nullptr, &to_before), SCALEMIX_OK);
  model.reset();
  ASSERT_EQ(scalemix_predict(context.get(), x.data(), 14, 2, nullptr, &to_after), SCALEMIX_OK);
  EXPECT_EQ(before.mean, after.mean);
}

TEST(CInterface, ContextsOfOneModelPredictInThreadsAtOnce) {
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, classification()));
  const std::vector<float> x = rows_of(6, 256);
  const auto answers = [&](std::uint64_t seed, int times) {
    const ContextHandle context = context_of(model);
    const scalemix_options options = {4, seed, 0};
    std::vector<Arrays> all;
    for (int i = 0; i < times; ++i) {
      const scalemix_prediction to = all.emplace_back(model, 6).all();
      EXPECT_EQ(scalemix_predict(context.get(), x.data(), x.size(), 6, &options, &to), SCALEMIX_OK);
    }
    return all;
  };
  const Arrays first = answers(1, 1)[0], second = answers(2, 1)[0];
  ASSERT_NE(first.mean, second.mean);
  std::vector<Arrays> a, b;
  std::thread thread([&] { a = answers(1, 20); });
  b = answers(2, 20);
  thread.join();
  for (const Arrays& each : a) EXPECT_EQ(each.mean, first.mean);
  for (const Arrays& each : b) EXPECT_EQ(each.epistemic, second.epistemic);
}

TEST(CInterface, ThreadsAreTheContextsAndLeaveTheCallersAlone) {
  // One pool serves the test program and the library: the number of this thread is seen by both.
  const int before = threads();
  set_threads(3);
  for (const int n : {1, 2, 0}) {
    expect_same(regression(), {5, 1, 0}, n);
    EXPECT_EQ(threads(), 3) << n;
  }
  set_threads(before);
}

#ifndef __SANITIZE_THREAD__  // loops of std::thread keep none
/// Threads that this process has.
std::ptrdiff_t running() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST(CInterface, AsManyThreadsPredictAsTheContextSays) {
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, classification()));
  const std::vector<float> x = rows_of(300, 256);
  const auto predict = [&](int threads) {
    const ContextHandle context = context_of(model);
    Arrays arrays(model, 300);
    const scalemix_prediction to = arrays.all();
    EXPECT_EQ(scalemix_context_set_threads(context.get(), threads), SCALEMIX_OK);
    EXPECT_EQ(scalemix_predict(context.get(), x.data(), x.size(), 300, nullptr, &to), SCALEMIX_OK);
  };
  std::thread([&] {  // one that has no team yet
    const std::ptrdiff_t before = running();
    predict(1);
    EXPECT_EQ(running(), before);
    predict(16);
    EXPECT_GE(running(), 16);
  })
      .join();
}
#endif

TEST(CInterface, TheVersionIsTheLibrarys) { EXPECT_STREQ(scalemix_version(), kVersion); }

TEST(CInterface, TheHeaderWorksInC) {
  const Folder folder;
  const Model m = regression();
  const std::string path = saved(folder, m);
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  const std::vector<float> x(7, 0.0f);
  std::vector<float> mean(2);
  ASSERT_EQ(predict_zeros(path.c_str(), 3, mean.data(), 2), 0) << scalemix_last_error();
  EXPECT_EQ(mean, predict::predict(context, x, 1, {.samples = 3, .seed = 5}).mean);
  EXPECT_EQ(predict_zeros(path.c_str(), 3, mean.data(), 1), SCALEMIX_BAD_ARGUMENT);
}

}  // namespace
}  // namespace scalemix::c
