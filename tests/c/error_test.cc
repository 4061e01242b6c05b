// Every failure is a status and a message, and leaves what it was given alone.
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <thread>

#include "scalemix/base/error.h"
#include "scalemix/cli/exit_code.h"
#include "tests/c/fixtures.h"

namespace scalemix::c {
namespace {

using model::Folder;
using testing::HasSubstr;
using testing::StartsWith;

static_assert(int{SCALEMIX_OK} == cli::kSuccess);
static_assert(int{SCALEMIX_BAD_ARGUMENT} == cli::kUsage);
static_assert(int{SCALEMIX_BAD_DATA} == cli::kBadData);
static_assert(int{SCALEMIX_NO_INPUT} == cli::kNoInput);
static_assert(int{SCALEMIX_INTERNAL} == cli::kInternal);
static_assert(SCALEMIX_OUT_OF_MEMORY == 71);
static_assert(int{SCALEMIX_IO} == cli::kIo);
static_assert(int{SCALEMIX_BAD_CONFIG} == cli::kBadConfig);
static_assert(SCALEMIX_REGRESSION == 0 && SCALEMIX_CLASSIFICATION == 1);

scalemix_model* const kSomewhere = reinterpret_cast<scalemix_model*>(0x10);

/// The status of a load that fails, whose handle must become NULL.
scalemix_status failing_load(const std::string& path) {
  scalemix_model* model = kSomewhere;
  const scalemix_status status = scalemix_model_load(path.c_str(), &model);
  EXPECT_EQ(model, nullptr);
  return status;
}

scalemix_status failing_load_bytes(const std::string& bytes) {
  scalemix_model* model = kSomewhere;
  const scalemix_status status = scalemix_model_load_bytes(bytes.data(), bytes.size(), &model);
  EXPECT_EQ(model, nullptr);
  return status;
}

/// What the command would print of a file that it cannot load.
template <class E>
std::string message_of_load(const std::string& path) {
  return model::message_of<E>([&] { predict::Predictor p(model::load_model(path)); });
}

TEST(CInterfaceError, AFileThatIsNotThere) {
  const Folder folder;
  const std::string path = folder.file("none.safetensors");
  EXPECT_EQ(failing_load(path), SCALEMIX_NO_INPUT);
  EXPECT_EQ(scalemix_last_error(), message_of_load<FileError>(path));
  EXPECT_EQ(scalemix_last_error(), path + ": no such file");
}

TEST(CInterfaceError, AFolder) {
  const Folder folder;
  EXPECT_EQ(failing_load(folder.file("")), SCALEMIX_IO);
  EXPECT_EQ(scalemix_last_error(), message_of_load<FileError>(folder.file("")));
  EXPECT_THAT(scalemix_last_error(), HasSubstr("is a folder, expected a file"));
}

TEST(CInterfaceError, AFileCutShortAtEachPlace) {
  const Folder folder;
  const std::string path = saved(folder, still()), bytes = model::bytes_of(path);
  const std::string cut = folder.file("cut.safetensors");
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{8}, std::size_t{60},
                                 bytes.size() / 2, bytes.size() - 1}) {
    model::write_bytes(cut, bytes.substr(0, size));
    EXPECT_EQ(failing_load(cut), SCALEMIX_BAD_DATA) << size << " bytes";
    const std::string message = scalemix_last_error();
    EXPECT_EQ(message, message_of_load<DataError>(cut));
    // In memory it is the same but for the name.
    EXPECT_EQ(failing_load_bytes(bytes.substr(0, size)), SCALEMIX_BAD_DATA) << size << " bytes";
    EXPECT_EQ(scalemix_last_error(), "model in memory" + message.substr(cut.size()));
  }
}

TEST(CInterfaceError, ADamagedFile) {
  const Folder folder;
  std::string bytes = model::bytes_of(saved(folder, still()));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_EQ(failing_load_bytes(bytes), SCALEMIX_BAD_DATA);
  EXPECT_THAT(scalemix_last_error(), StartsWith("model in memory: damaged: its checksum is"));
}

/// The file with `from` in its spec replaced, and the checksum that then belongs to it.
std::string with_spec(const std::string& path, const std::string& from, const std::string& to) {
  model::Container container = model::read_safetensors(path);
  std::string& spec = container.metadata.at("spec");
  const std::size_t at = spec.find(from);
  EXPECT_NE(at, spec.npos) << spec;
  spec.replace(at, from.size(), to);
  container.metadata["checksum"] = model::model_checksum(container);
  model::write_safetensors(path, container);
  return path;
}

TEST(CInterfaceError, ASpecThatIsWrongIsBadDataAndNoArgumentsFault) {
  const Folder folder;
  const std::string path = saved(folder, regression());
  EXPECT_EQ(failing_load(with_spec(path, "p=0.3", "p=1.3")), SCALEMIX_BAD_DATA);
  EXPECT_THAT(scalemix_last_error(), StartsWith(path + ": "));
  EXPECT_THAT(scalemix_last_error(), HasSubstr("1.3"));
  EXPECT_EQ(failing_load(with_spec(path, "p=1.3", "q=0.3")), SCALEMIX_BAD_DATA);
  EXPECT_EQ(failing_load(with_spec(path, "\"linear\"", "\"lineal\"")), SCALEMIX_BAD_DATA);
}

TEST(CInterfaceError, AWrongNameInTheEnvironment) {
  // In a process of its own, since the environment is read once; the status is the exit code.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Folder folder;
  const auto load_and_exit = [&](bool bytes) {
    setenv("SCALEMIX_TARGET", "abacus", 1);
    const scalemix_status status =
        bytes ? failing_load_bytes("none") : failing_load(folder.file("none"));
    std::fputs(scalemix_last_error(), stderr);
    std::_Exit(status);
  };
  for (const bool bytes : {false, true}) {  // before the file is looked at, which is none
    EXPECT_EXIT(load_and_exit(bytes), testing::ExitedWithCode(SCALEMIX_BAD_CONFIG),
                "SIMD target 'abacus' is not available here");
  }
}

TEST(CInterfaceError, NullWhereSomethingIsNeeded) {
  const Folder folder;
  const std::string path = saved(folder, regression());
  const ModelHandle model = loaded(path);
  const ContextHandle context = context_of(model);
  const scalemix_model* m = model.get();
  scalemix_model* new_model = kSomewhere;
  scalemix_context* new_context = reinterpret_cast<scalemix_context*>(0x10);
  std::size_t n = 77;
  int flag = 77;
  scalemix_task task = SCALEMIX_CLASSIFICATION;
  const char* name = "as before";
  const std::vector<float> x(7);
  Arrays arrays(model, 1);
  const scalemix_prediction good = arrays.all();
  scalemix_prediction no_mean = good;
  no_mean.mean = nullptr;
  const auto expect = [](scalemix_status status, const std::string& message) {
    EXPECT_EQ(status, SCALEMIX_BAD_ARGUMENT) << message;
    EXPECT_EQ(scalemix_last_error(), message + " must not be NULL");
  };
  expect(scalemix_model_load(nullptr, &new_model), "scalemix_model_load: path");
  EXPECT_EQ(new_model, nullptr);
  expect(scalemix_model_load(path.c_str(), nullptr), "scalemix_model_load: model");
  new_model = kSomewhere;
  expect(scalemix_model_load_bytes(nullptr, 9, &new_model), "scalemix_model_load_bytes: bytes");
  EXPECT_EQ(new_model, nullptr);
  expect(scalemix_model_load_bytes("x", 1, nullptr), "scalemix_model_load_bytes: model");
  expect(scalemix_model_inputs(nullptr, &n), "scalemix_model_inputs: model");
  expect(scalemix_model_inputs(m, nullptr), "scalemix_model_inputs: inputs");
  expect(scalemix_model_outputs(nullptr, &n), "scalemix_model_outputs: model");
  expect(scalemix_model_outputs(m, nullptr), "scalemix_model_outputs: outputs");
  expect(scalemix_model_uncertainties(nullptr, &n), "scalemix_model_uncertainties: model");
  expect(scalemix_model_uncertainties(m, nullptr), "scalemix_model_uncertainties: uncertainties");
  expect(scalemix_model_task(nullptr, &task), "scalemix_model_task: model");
  expect(scalemix_model_task(m, nullptr), "scalemix_model_task: task");
  expect(scalemix_model_stochastic(nullptr, &flag), "scalemix_model_stochastic: model");
  expect(scalemix_model_stochastic(m, nullptr), "scalemix_model_stochastic: stochastic");
  expect(scalemix_model_input_name(nullptr, 0, &name), "scalemix_model_input_name: model");
  expect(scalemix_model_input_name(m, 0, nullptr), "scalemix_model_input_name: name");
  expect(scalemix_model_class_name(nullptr, 0, &name), "scalemix_model_class_name: model");
  expect(scalemix_model_class_name(m, 0, nullptr), "scalemix_model_class_name: name");
  expect(scalemix_context_new(nullptr, &new_context), "scalemix_context_new: model");
  EXPECT_EQ(new_context, nullptr);
  expect(scalemix_context_new(m, nullptr), "scalemix_context_new: context");
  expect(scalemix_context_set_threads(nullptr, 1), "scalemix_context_set_threads: context");
  expect(scalemix_predict(nullptr, x.data(), 7, 1, nullptr, &good), "scalemix_predict: context");
  expect(scalemix_predict(context.get(), nullptr, 7, 1, nullptr, &good), "scalemix_predict: x");
  expect(scalemix_predict(context.get(), x.data(), 7, 1, nullptr, nullptr),
         "scalemix_predict: prediction");
  expect(scalemix_predict(context.get(), x.data(), 7, 1, nullptr, &no_mean),
         "scalemix_predict: mean");
  EXPECT_EQ(n, 77u);
  EXPECT_EQ(flag, 77);
  EXPECT_EQ(task, SCALEMIX_CLASSIFICATION);
  EXPECT_STREQ(name, "as before");
  scalemix_model_free(nullptr);
  scalemix_context_free(nullptr);
}

TEST(CInterfaceError, NamesThatAreNotThere) {
  const Folder folder;
  const ModelHandle table = loaded(saved(folder, regression()));
  const ModelHandle images = loaded(saved(folder, classification()));
  const char* name = "as before";
  EXPECT_EQ(scalemix_model_class_name(images.get(), 3, &name), SCALEMIX_BAD_ARGUMENT);
  EXPECT_STREQ(scalemix_last_error(),
               "scalemix_model_class_name: the model has 3 such names, got number 3");
  EXPECT_EQ(scalemix_model_class_name(table.get(), 0, &name), SCALEMIX_BAD_ARGUMENT);
  EXPECT_STREQ(scalemix_last_error(),
               "scalemix_model_class_name: the model has 0 such names, got number 0");
  EXPECT_EQ(scalemix_model_input_name(table.get(), 7, &name), SCALEMIX_BAD_ARGUMENT);
  EXPECT_EQ(scalemix_model_input_name(images.get(), 0, &name), SCALEMIX_BAD_ARGUMENT);
  EXPECT_STREQ(name, "as before");
}

TEST(CInterfaceError, SizesThatDoNotFit) {
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, regression()));
  const ContextHandle context = context_of(model);
  const std::size_t most = std::numeric_limits<std::size_t>::max();
  const std::vector<float> x = rows_of(2, 7);
  Arrays arrays(model, 2);
  const scalemix_prediction good = arrays.all();
  const auto expect = [&](std::size_t x_size, std::size_t rows, const scalemix_prediction& to,
                          const std::string& message) {
    EXPECT_EQ(scalemix_predict(context.get(), x.data(), x_size, rows, nullptr, &to),
              SCALEMIX_BAD_ARGUMENT)
        << message;
    EXPECT_EQ(scalemix_last_error(), message);
  };
  expect(0, 0, good, "scalemix_predict: expected at least one row, got 0");
  expect(13, 2, good, "predict: expected 2 rows of 7 numbers, got 13 numbers");
  expect(15, 2, good, "predict: expected 2 rows of 7 numbers, got 15 numbers");
  expect(14, 1, good, "predict: expected 1 rows of 7 numbers, got 14 numbers");
  scalemix_prediction wrong = good;
  wrong.mean_size = 3;
  expect(14, 2, wrong,
         "scalemix_predict: mean needs room for 2 rows of 2 numbers, got room for 3 numbers");
  wrong = good, wrong.epistemic_size = 3;
  expect(14, 2, wrong,
         "scalemix_predict: epistemic needs room for 2 rows of 2 numbers, got room for 3 numbers");
  wrong = good, wrong.aleatoric_size = 0;
  expect(14, 2, wrong,
         "scalemix_predict: aleatoric needs room for 2 rows of 2 numbers, got room for 0 numbers");
  // 7 rows of 2^64 / 7 and a bit: the product of rows and width is 1 to the machine.
  const std::size_t rows = most / 7 * 3 + 2, wrapped = rows * 7;
  ASSERT_LT(wrapped, 14u);
  wrong = {arrays.mean.data(), most, nullptr, 0, nullptr, 0};
  expect(wrapped, rows, wrong,
         "predict: expected " + std::to_string(rows) + " rows of 7 numbers, got " +
             std::to_string(wrapped) + " numbers");
  // As many rows that twice their number is 2 to the machine.
  EXPECT_EQ(scalemix_predict(context.get(), x.data(), 14, most / 2 + 2, nullptr, &good),
            SCALEMIX_BAD_ARGUMENT);
  EXPECT_THAT(scalemix_last_error(), HasSubstr("mean needs room"));
  // More than any vector holds.
  const std::size_t many = std::size_t{1} << 60;
  EXPECT_EQ(scalemix_predict(context.get(), x.data(), many * 7, many, nullptr, &wrong),
            SCALEMIX_OUT_OF_MEMORY);
  EXPECT_STREQ(scalemix_last_error(), "out of memory");
  EXPECT_EQ(arrays.mean, std::vector<float>(4, -99));
  EXPECT_EQ(arrays.epistemic, std::vector<float>(4, -99));
  EXPECT_EQ(arrays.aleatoric, std::vector<float>(4, -99));
}

TEST(CInterfaceError, NumbersOutOfTheirRange) {
  const Folder folder;
  const ModelHandle model = loaded(saved(folder, regression()));
  const ContextHandle context = context_of(model);
  const std::vector<float> x = rows_of(1, 7);
  Arrays arrays(model, 1);
  const scalemix_prediction to = arrays.all();
  const scalemix_options options = {std::size_t{1} << 32, 0, 0};
  EXPECT_EQ(scalemix_predict(context.get(), x.data(), 7, 1, &options, &to), SCALEMIX_BAD_ARGUMENT);
  EXPECT_STREQ(scalemix_last_error(), "predict: at most 2^32 - 1 samples, got 4294967296");
  EXPECT_EQ(scalemix_context_set_threads(context.get(), -1), SCALEMIX_BAD_ARGUMENT);
  EXPECT_STREQ(scalemix_last_error(),
               "scalemix_context_set_threads: threads must be at least 0, got -1");
}

TEST(CInterfaceError, TheMessageIsTheThreadsAndStaysUntilTheNextFailure) {
  const Folder folder;
  const std::string path = saved(folder, regression());
  EXPECT_EQ(failing_load(folder.file("a")), SCALEMIX_NO_INPUT);
  const std::string here = scalemix_last_error();
  std::thread thread([&] {
    EXPECT_STREQ(scalemix_last_error(), "");
    EXPECT_EQ(failing_load(folder.file("b")), SCALEMIX_NO_INPUT);
    EXPECT_EQ(scalemix_last_error(), folder.file("b") + ": no such file");
  });
  thread.join();
  EXPECT_EQ(scalemix_last_error(), here);
  loaded(path);
  EXPECT_EQ(scalemix_last_error(), here);
  EXPECT_EQ(failing_load(folder.file("c")), SCALEMIX_NO_INPUT);
  EXPECT_EQ(scalemix_last_error(), folder.file("c") + ": no such file");
}

TEST(CInterfaceError, EveryStatusHasATextOfItsOwn) {
  const scalemix_status all[] = {SCALEMIX_OK,       SCALEMIX_BAD_ARGUMENT, SCALEMIX_BAD_DATA,
                                 SCALEMIX_NO_INPUT, SCALEMIX_INTERNAL,     SCALEMIX_OUT_OF_MEMORY,
                                 SCALEMIX_IO,       SCALEMIX_BAD_CONFIG,   scalemix_status(1)};
  std::set<std::string> texts;
  for (const scalemix_status status : all) texts.insert(scalemix_status_text(status));
  EXPECT_EQ(texts.size(), std::size(all));
  EXPECT_STREQ(scalemix_status_text(SCALEMIX_OK), "success");
  EXPECT_STREQ(scalemix_status_text(SCALEMIX_OUT_OF_MEMORY), "out of memory");
  EXPECT_STREQ(scalemix_status_text(scalemix_status(1)), "unknown status");
}

}  // namespace
}  // namespace scalemix::c
