#include "scalemix/run/resume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "scalemix/base/error.h"
#include "scalemix/run/trainer.h"

namespace scalemix::run {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kRows =
    "a,b,y\n1,2,3\n2,1,4\n3,5,1\n4,4,2\n5,1,5\n6,2,4\n7,3,1\n8,1,3\n9,2,2\n10,4,5\n";

/// A run on a table of its own, stopped after its first step.
class Resume : public testing::Test {
 protected:
  Resume() {
    fs::remove_all(base_);
    fs::create_directories(base_);
    std::ofstream(data_) << kRows;
    begin(config());
  }
  ~Resume() override { fs::remove_all(base_); }

  TrainConfig config() const {
    TrainConfig c;
    c.data = data_;
    c.model = "mlp:4";
    c.method = {"none"};
    c.epochs = 3;
    c.batch = 4;
    c.threads = 1;
    return c;
  }

  /// In the place of the run that is there.
  void begin(TrainConfig c) {
    fs::remove_all(run_);
    c.out = run_;
    const Plan plan = make_plan(c);
    const Folder folder = Folder::create(run_);
    record_data(folder, c.data);
    std::ofstream(folder.config()) << to_toml(plan.config);
    const std::atomic<bool> stop{true};
    RunOptions options{.quiet = true, .stop = &stop};
    if (train(plan, folder, options)) ADD_FAILURE() << "was not stopped";
  }

  /// What going on says; "E: what" of an error that ends it.
  std::string go_on(bool to_the_end = true) {
    std::string said;
    const std::atomic<bool> stop{!to_the_end};
    const RunOptions options{
        .quiet = true, .stop = &stop, .say = [&](const std::string& what) { said += what + "\n"; }};
    try {
      const Folder folder = Folder::resume(run_);
      TrainConfig c;
      read_toml(folder.config(), c);
      train(make_plan(c), folder, options);
    } catch (const ConfigError& error) {
      return std::string("config: ") + error.what();
    } catch (const DataError& error) {
      return std::string("data: ") + error.what();
    } catch (const FileError& error) {
      return (error.missing ? "missing: " : "file: ") + std::string(error.what());
    }
    return said;
  }

  void edit_config(const std::string& from, const std::string& to) {
    std::ifstream in(run_ + "/config.toml");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::size_t at = text.find("\n" + from + " = ");
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at + 1, text.find('\n', at + 1) - at - 1, to);
    std::ofstream(run_ + "/config.toml") << text;
  }

  const std::string base_ = testing::TempDir() + "scalemix-resume", run_ = base_ + "/run",
                    data_ = base_ + "/rows.csv",
                    checkpoint_ = run_ + "/checkpoint/state.safetensors";
};

TEST_F(Resume, GoesOnInSilenceWhereNothingDiffers) {
  EXPECT_EQ(go_on(), "");
  EXPECT_TRUE(fs::exists(run_ + "/model.safetensors"));
}

TEST_F(Resume, OnOtherDataIsRefused) {
  std::string rows = kRows;
  rows.replace(rows.find("9,2,2"), 5, "9,2,7");
  std::ofstream(data_) << rows;
  EXPECT_THAT(go_on(),
              AllOf(testing::StartsWith("data: "), HasSubstr("rows.csv"), HasSubstr("targets")));
  std::ofstream(data_) << kRows << "11,1,1\n";
  EXPECT_THAT(go_on(), AllOf(testing::StartsWith("data: "), HasSubstr("11 rows, were 10")));
  std::ofstream(data_) << std::string(kRows).replace(0, 1, "c");
  EXPECT_THAT(go_on(), AllOf(testing::StartsWith("data: "), HasSubstr("columns")));
}

TEST_F(Resume, OnTheSameDataInAnotherFileIsSaid) {
  std::ofstream(data_) << kRows << "\n";
  EXPECT_THAT(go_on(false),
              HasSubstr("rows.csv: another file than at first, with the same content"));
  EXPECT_EQ(go_on(), "");  // the file is known now
}

TEST_F(Resume, WithAnEditedConfigNamesEveryKey) {
  edit_config("epochs", "epochs = 7");
  edit_config("seed", "seed = 5");
  EXPECT_THAT(go_on(), AllOf(testing::StartsWith("config: "), HasSubstr("epochs is 7, was 3"),
                             HasSubstr("seed is 5, was 0")));
  EXPECT_FALSE(fs::exists(run_ + "/model.safetensors"));
}

TEST_F(Resume, WithAKeyThatCannotMatterSaysIt) {
  edit_config("checkpoint_steps", "checkpoint_steps = 2");
  EXPECT_THAT(go_on(), HasSubstr("checkpoint_steps is 2, was 0"));
  EXPECT_TRUE(fs::exists(run_ + "/model.safetensors"));
}

TEST_F(Resume, WithoutTheCheckpointOfATrainingThatHadBegunIsRefused) {
  std::ofstream(run_ + "/metrics.jsonl") << "{\"epoch\": 1}\n";
  fs::remove(checkpoint_);
  EXPECT_THAT(go_on(), AllOf(testing::StartsWith("missing: "), HasSubstr("state.safetensors"),
                             HasSubstr("training had begun")));
  fs::remove_all(run_ + "/checkpoint");
  EXPECT_THAT(go_on(), testing::StartsWith("missing: "));
}

TEST_F(Resume, WithoutTheLogThatACheckpointContinuesIsRefused) {
  while (fs::file_size(run_ + "/metrics.jsonl") == 0) ASSERT_EQ(go_on(false), "");
  fs::rename(run_ + "/metrics.jsonl", run_ + "/moved");
  // The checkpoint of the step after an epoch's end.
  ASSERT_THAT(go_on(false), AllOf(testing::StartsWith("missing: "), HasSubstr("metrics.jsonl")));
  fs::rename(run_ + "/moved", run_ + "/metrics.jsonl");
  EXPECT_EQ(go_on(), "");
}

TEST_F(Resume, BeforeTheFirstCheckpointNeedsTheSameFile) {
  fs::remove(checkpoint_);
  fs::remove(run_ + "/metrics.jsonl");
  std::ofstream(data_) << kRows << "11,1,1\n";
  EXPECT_THAT(go_on(), AllOf(testing::StartsWith("data: "), HasSubstr("is not the file")));
  std::ofstream(data_) << kRows;
  EXPECT_EQ(go_on(), "");
}

TEST_F(Resume, OfAFinishedRunMissesItsModels) {
  EXPECT_EQ(go_on(), "");
  std::vector<std::string> said;
  const auto say = [&](const std::string& what) { said.push_back(what); };
  const Folder folder = Folder::open(run_);
  check_finished(folder, 1, say);
  EXPECT_THAT(said, testing::IsEmpty());
  fs::remove(folder.metrics_log());
  check_finished(folder, 1, say);
  EXPECT_THAT(said, testing::ElementsAre(HasSubstr("metrics.jsonl is missing")));
  fs::remove(folder.model_path(0, 1));
  EXPECT_THROW(check_finished(folder, 1, say), FileError);
}

TEST_F(Resume, OfATrainedModelNeedsThatModel) {
  ASSERT_EQ(go_on(), "");
  const std::string from = base_ + "/from.safetensors";
  for (std::string TrainConfig::*key : {&TrainConfig::from_model, &TrainConfig::teacher}) {
    fs::copy_file(run_ + "/model.safetensors", from, fs::copy_options::overwrite_existing);
    TrainConfig c = config();
    c.*key = from;
    if (key == &TrainConfig::teacher) c.objective = "distil";
    begin(c);
    EXPECT_EQ(go_on(false), "");
    TrainConfig other = config();
    other.seed = 8;
    fs::rename(run_, base_ + "/kept");
    begin(other);
    ASSERT_EQ(go_on(), "");
    fs::copy_file(run_ + "/model.safetensors", from, fs::copy_options::overwrite_existing);
    fs::remove_all(run_);
    fs::rename(base_ + "/kept", run_);
    EXPECT_THAT(go_on(), AllOf(testing::StartsWith("data: "), HasSubstr("is not the model")))
        << c.from_model << " " << c.teacher;
    begin(config());
    ASSERT_EQ(go_on(), "");
  }
}

TEST_F(Resume, NeedsTheModelsOfReplicasThatAreDone) {
  TrainConfig c = config();
  c.folds = 3;  // of 10 rows: two stacks
  begin(c);
  const auto done = [&] { return Folder::open(run_).models(); };
  while (done().empty()) ASSERT_EQ(go_on(false), "");
  ASSERT_LT(done().size(), 3u);
  const std::string model = done().front();
  fs::rename(model, base_ + "/moved");
  EXPECT_THAT(go_on(), AllOf(testing::StartsWith("missing: "), HasSubstr("model.safetensors")));
  fs::rename(base_ + "/moved", model);
  EXPECT_EQ(go_on(), "");
  EXPECT_EQ(done().size(), 3u);
}

}  // namespace
}  // namespace scalemix::run
