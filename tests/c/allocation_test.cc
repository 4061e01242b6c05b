// What the library allocates, counted and refused by the operator new of this program, which the library takes
// too.
#include <thread>

#include "tests/base/counting_new.h"
#include "tests/c/fixtures.h"

namespace scalemix::c {
namespace {

using model::Folder;

/// Allocations that f makes.
template <class F>
std::size_t count(const F& f) {
  const std::size_t before = allocations;
  f();
  return allocations - before;
}

/// Runs f with its first `n` allocations alone; the others find no memory.
template <class F>
scalemix_status starved(std::size_t n, const F& f) {
  most_allocations = allocations + n;
  const scalemix_status status = f();
  most_allocations = std::numeric_limits<std::size_t>::max();
  return status;
}

/// f must say that it found no memory however few allocations succeed, until all of them do.
template <class F>
void expect_each_refusal_is_told(const F& f) {
  std::size_t n = 0;
  for (scalemix_status status; (status = starved(n, f)) != SCALEMIX_OK; ++n) {
    ASSERT_EQ(status, SCALEMIX_OUT_OF_MEMORY) << n << " allocations: " << scalemix_last_error();
    ASSERT_STREQ(scalemix_last_error(), "out of memory");
  }
  EXPECT_GT(n, 0u);
}

TEST(CInterfaceMemory, NothingIsAllocatedAfterTheFirstCall) {
  const Folder folder;
  for (const model::Model& m : {regression(), classification(), still()}) {
    const ModelHandle model = loaded(saved(folder, m));
    const ContextHandle context = context_of(model);
    // Loops of std::thread, which the thread sanitizer has, start their threads anew.
    ASSERT_EQ(scalemix_context_set_threads(context.get(), 1), SCALEMIX_OK);
    const std::vector<float> x = rows_of(5, model::elements(m.spec.input));
    Arrays arrays(model, 5);
    const scalemix_prediction to = arrays.all();
    const scalemix_options options = {3, 1, 0};
    const auto call = [&] {
      EXPECT_EQ(scalemix_predict(context.get(), x.data(), x.size(), 5, nullptr, &to), SCALEMIX_OK);
      EXPECT_EQ(scalemix_predict(context.get(), x.data(), x.size(), 5, &options, &to), SCALEMIX_OK);
    };
    EXPECT_GT(count(call), 0u);
    EXPECT_EQ(count(call), 0u);
  }
}

TEST(CInterfaceMemory, EveryAllocationThatIsRefusedIsAStatus) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "loops of std::thread end the program where a thread finds no memory";
#endif
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, regression()));
  const std::vector<float> x = rows_of(2, 7);
  Arrays arrays(model, 2);
  const scalemix_prediction to = arrays.all();
  const scalemix_options options = {3, 1, 0};
  expect_each_refusal_is_told([&] {
    scalemix_context* context = nullptr;
    scalemix_status status = scalemix_context_new(model.get(), &context);
    if (!status) status = scalemix_predict(context, x.data(), 14, 2, &options, &to);
    scalemix_context_free(context);
    return status;
  });
}

/// The large ones alone: nlohmann::json ends the program where it finds none for a few numbers.
TEST(CInterfaceMemory, AModelTooLargeIsAStatus) {
  const Folder folder;
  const std::string bytes = model::bytes_of(
      saved(folder, model::filled_model(model::made("mlp:300-200", model::table_problem()))));
  std::size_t refused = 0;
  for (std::size_t most = 1 << 20; most > 5000; most = most * 3 / 4) {
    scalemix_model* model = reinterpret_cast<scalemix_model*>(0x10);
    largest_allocation = most;
    const scalemix_status status = scalemix_model_load_bytes(bytes.data(), bytes.size(), &model);
    largest_allocation = std::numeric_limits<std::size_t>::max();
    if (status == SCALEMIX_OK) {
      EXPECT_EQ(refused, 0u) << most;
      scalemix_model_free(model);
      continue;
    }
    ++refused;
    EXPECT_EQ(status, SCALEMIX_OUT_OF_MEMORY) << most << " bytes: " << scalemix_last_error();
    EXPECT_STREQ(scalemix_last_error(), "out of memory");
    EXPECT_EQ(model, nullptr);
  }
  EXPECT_GT(refused, 3u);
}

TEST(CInterfaceMemory, AMessageThatFindsNoMemoryIsTheStatusInWords) {
  const Folder folder;
  const std::string path = folder.file(std::string(200, 'n')), whole = path + ": no such file";
  bool lost = false, kept = false;
  for (std::size_t n = 0; !kept; ++n) {
    std::thread([&] {  // one that has no memory for a message yet
      scalemix_model* model = nullptr;
      const scalemix_status status =
          starved(n, [&] { return scalemix_model_load(path.c_str(), &model); });
      const std::string message = scalemix_last_error();
      if (status == SCALEMIX_OUT_OF_MEMORY) {
        EXPECT_EQ(message, "out of memory") << n;
      } else {
        ASSERT_EQ(status, SCALEMIX_NO_INPUT) << n;
        (message == "no such file" ? lost : kept) = true;
        if (kept) {
          EXPECT_EQ(message, whole);
        }
      }
    })
        .join();
    ASSERT_LT(n, 1000u);
  }
  EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace scalemix::c
