#include "scalemix/run/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/run/progress.h"

namespace scalemix::run {
namespace {

namespace fs = std::filesystem;

std::string fresh(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / ("scalemix-folder-" + name);
  fs::remove_all(path);
  return path.string();
}

TEST(Folder, ASecondRunDoesNotOverwriteTheFirst) {
  const std::string path = fresh("twice");
  std::ofstream(Folder::create(path).config()) << "epochs = 1\n";
  EXPECT_THROW(Folder::create(path), ConfigError);
}

TEST(Folder, BelongsToOneProcessAtATime) {
  const std::string path = fresh("taken");
  {
    const Folder folder = Folder::create(path);
    const Folder copy = folder;
    EXPECT_THROW(Folder::create(path), ConfigError);
    std::ofstream(folder.config()) << "";
    try {
      Folder::resume(path);
      FAIL() << "two have it";
    } catch (const FileError& error) {
      EXPECT_FALSE(error.missing);
      EXPECT_THAT(error.what(), testing::HasSubstr("trains this run now"));
    }
    EXPECT_NO_THROW(Folder::open(path));  // reading is free
  }
  EXPECT_NO_THROW(Folder::resume(path));
}

TEST(Folder, IsNotMadeAmongOtherFiles) {
  for (const char* name : {"notes.txt", "model.safetensors", ".hidden",
                           "checkpoint/state.safetensors", "replica-000/model.safetensors"}) {
    const fs::path path(fresh("other")), file = path / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file.string()) << "mine";
    EXPECT_THROW(Folder::create(path.string()), ConfigError) << name;
    EXPECT_TRUE(fs::exists(file));
    EXPECT_FALSE(fs::exists(path / ".lock")) << "a folder of others was changed";
  }
  EXPECT_NO_THROW(Folder::create(fresh("none")));
  const std::string empty = fresh("empty-before");
  fs::create_directories(empty);
  EXPECT_NO_THROW(Folder::create(empty));
}

TEST(Folder, OfARunThatWasKilledBeforeItHadAConfigIsTakenAgain) {
  const std::string path = fresh("killed");
  { const Folder folder = Folder::create(path); }
  for (const char* name : {"data.sha256", "config.toml.tmp-abcdef", "data.sha256.tmp-abcdef"}) {
    std::ofstream(path + "/" + name) << "";
  }
  EXPECT_NO_THROW(Folder::create(path));
  EXPECT_FALSE(fs::exists(path + "/config.toml.tmp-abcdef"));
}

TEST(Folder, IsClearedOfKilledWritesOnResumeAndOfNothingElse) {
  const std::string path = fresh("left");
  {
    const Folder folder = Folder::create(path);
    std::ofstream(folder.config()) << "";
    std::ofstream(folder.model(1, 2)) << "";
  }
  const std::vector<std::string> left = {"metrics.json.tmp-a1B2c3",
                                         "checkpoint/state.safetensors.tmp-a1B2c3",
                                         "replica-001/model.safetensors.tmp-a1B2c3"};
  const std::vector<std::string> kept = {"notes.tmp", "report.tmp-1", "mine/x.tmp-a1B2c3"};
  fs::create_directories(path + "/mine");
  for (const auto* names : {&left, &kept}) {
    for (const std::string& name : *names) std::ofstream(path + "/" + name) << "x";
  }
  Folder::resume(path);
  for (const std::string& name : left) EXPECT_FALSE(fs::exists(path + "/" + name)) << name;
  for (const std::string& name : kept) EXPECT_TRUE(fs::exists(path + "/" + name)) << name;
}

TEST(Folder, KnowsTheFilesThatARunKeeps) {
  const std::string path = fresh("kept");
  const Folder folder = Folder::create(path);
  EXPECT_FALSE(is_run(path));
  EXPECT_FALSE(is_kept_by_run(path + "/config.toml"));  // anybody's
  std::ofstream(folder.config()) << "";
  EXPECT_TRUE(is_run(path));
  fs::create_symlink("model.safetensors", path + "/link");
  fs::create_directory_symlink(path, path + "-link");
  for (const char* name : {"config.toml", "metrics.json", "model.safetensors", "metrics.jsonl",
                           "link", "data.sha256", "checkpoint/state.safetensors", "./metrics.json",
                           "replica-007/model.safetensors", "checkpoint/../model.safetensors"}) {
    EXPECT_TRUE(is_kept_by_run(path + "/" + name)) << name;
    EXPECT_TRUE(is_kept_by_run(path + "-link/" + name)) << name;
  }
  for (const char* name :
       {"predictions.csv", "smaller.safetensors", "checkpoint/mine.safetensors"}) {
    EXPECT_FALSE(is_kept_by_run(path + "/" + name)) << name;
  }
  fs::remove(path + "-link");
}

TEST(Folder, AFreshOneIsNumbered) {
  const std::string here = fs::current_path().string(), base = fresh("numbered");
  fs::create_directories(base);
  fs::current_path(base);
  const Folder first = Folder::create_fresh("a b"), second = Folder::create_fresh("a b");
  fs::current_path(here);
  EXPECT_EQ(first.path(), "runs/a-b");
  EXPECT_EQ(second.path(), "runs/a-b-2");
  EXPECT_TRUE(fs::exists(base + "/runs/a-b-2/checkpoint"));
}

TEST(Folder, CannotBeMadeBelowAFile) {
  const std::string path = fresh("file");
  std::ofstream(path) << "x";
  try {
    Folder::create(path + "/run");
    FAIL();
  } catch (const FileError& error) {
    EXPECT_FALSE(error.missing);
  }
}

TEST(Folder, OpeningWhatIsNoRunSaysSo) {
  EXPECT_THROW(Folder::open("/nonexistent"), FileError);
  const std::string path = fresh("empty");
  fs::create_directories(path);
  EXPECT_THROW(Folder::open(path), FileError);
}

TEST(Folder, FindsModelsByFileByRunAndByReplica) {
  const std::string path = fresh("models");
  const Folder folder = Folder::create(path);
  std::ofstream(folder.config()) << "";
  EXPECT_THROW(find_models(path), FileError);  // not trained yet
  std::ofstream(folder.model(1, 2)) << "b";
  std::ofstream(folder.model(0, 2)) << "a";
  EXPECT_THAT(find_models(path), testing::ElementsAre(path + "/replica-000/model.safetensors",
                                                      path + "/replica-001/model.safetensors"));
  const std::string file = path + "/replica-001/model.safetensors";
  EXPECT_THAT(find_models(file), testing::ElementsAre(file));
}

TEST(Folder, KnowsTheFileItWasTrainedOnByItsBytes) {
  const std::string path = fresh("digest"), data = path + "/train.csv", copy = path + "/copy.csv";
  const Folder folder = Folder::create(path);
  std::ofstream(data) << "a,b\n1,2\n";
  std::ofstream(copy) << "a,b\n1,2\n";
  EXPECT_FALSE(trained_on(path, data));
  record_data(folder, data);
  EXPECT_TRUE(trained_on(path, copy));
  EXPECT_TRUE(trained_on(folder.model(0, 1), copy));
  EXPECT_TRUE(trained_on(folder.model(3, 9), copy));
  std::ofstream(copy) << "a,b\n1,3\n";
  EXPECT_FALSE(trained_on(path, copy));
  for (const char* no_file : {"moons", "-", "nowhere.csv"}) {
    EXPECT_NO_THROW(record_data(folder, no_file));
    EXPECT_FALSE(trained_on(path, no_file)) << no_file;
  }
}

TEST(MetricsLog, IsCutBackToTheOffsetOfACheckpoint) {
  const std::string path = fresh("log") + ".jsonl";
  fs::remove(path);
  std::uint64_t kept = 0;
  {
    MetricsLog log(path, 0);
    log.append({{"epoch", 1}});
    kept = log.offset();
    log.append({{"epoch", 2}});
  }
  MetricsLog log(path, kept);
  log.append({{"epoch", 3}});
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text, "{\"epoch\":1}\n{\"epoch\":3}\n");
  EXPECT_THROW(MetricsLog(path, 10000), FileError);
  fs::remove(path);
  EXPECT_THROW(MetricsLog(path, kept), FileError);
  EXPECT_FALSE(fs::exists(path));
}

TEST(Progress, WritesTimesAsPeopleDo) {
  EXPECT_EQ(clock_text(65.2), "1 min 05 s");
  EXPECT_EQ(clock_text(0), "0 s");
  EXPECT_EQ(clock_text(59.4), "59 s");
  EXPECT_EQ(clock_text(59.6), "1 min 00 s");
  EXPECT_EQ(clock_text(2 * 3600 + 3 * 60), "2 h 03 min");
  EXPECT_EQ(clock_text(7199), "2 h 00 min");
  EXPECT_EQ(rate_text(76.64, "epoch"), "76.6 epochs per s");
  EXPECT_EQ(rate_text(0.3125, "epoch"), "3.2 s per epoch");
}

TEST(Progress, FitsAnyWidth) {
  const ProgressState state{"epoch", 10, 40, 2, 15, "nll 0.25"};
  EXPECT_EQ(progress_line(state, std::string::npos),
            "######.................. epoch 10 of 40, 2 epochs per s, 15 s left, nll 0.25");
  EXPECT_EQ(progress_line(state, 76), progress_line(state, std::string::npos));
  EXPECT_EQ(progress_line(state, 75),
            "######.................. epoch 10 of 40, 15 s left, nll 0.25");
  EXPECT_EQ(progress_line(state, 40), "epoch 10 of 40, 15 s left, nll 0.25");
  EXPECT_EQ(progress_line(state, 30), "epoch 10 of 40, 15 s left");
  EXPECT_EQ(progress_line(state, 9), "epoch 10 ");
  for (std::size_t width = 0; width < 90; ++width) {
    EXPECT_LE(progress_line(state, width).size(), width);
  }
  EXPECT_EQ(progress_line({"epoch", 0, 40}, 60),
            "........................ epoch 0 of 40, 0 epochs per s");
}

}  // namespace
}  // namespace scalemix::run
