#include "scalemix/run/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"

namespace scalemix::run {
namespace {

using testing::HasSubstr;

std::string file(const std::string& text) {
  const std::string path = testing::TempDir() + "scalemix-config.toml";
  std::ofstream(path) << text;
  return path;
}

template <class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Config, SurvivesTheWayToTomlAndBack) {
  TrainConfig c;
  c.data = "a \"quoted\" \\ name.csv";
  c.method = {"svdo:threshold=2.5", "spatial:p=0.1"};
  c.lr = 1e-3 / 3;
  c.seed = 123456789012345;
  c.warmup_start = 2.5;
  TrainConfig back;
  read_toml(file(to_toml(c)), back);
  EXPECT_EQ(c, back);
}

TEST(Config, IsAnObjectOfItsKeysAsJson) {
  TrainConfig c;
  c.method = {"svdo", "spatial:p=0.1"};
  c.lr = 0.25;
  c.seed = 123456789012345;
  const nlohmann::ordered_json json = to_json(c);
  EXPECT_EQ(json.size(), train_fields().size());
  EXPECT_EQ(json["data"], "glyphs");
  EXPECT_EQ(json["method"].dump(), R"(["svdo","spatial:p=0.1"])");
  EXPECT_EQ(json["lr"], 0.25);
  EXPECT_EQ(json["split"], -1);
  EXPECT_EQ(json["seed"], 123456789012345);
}

TEST(Config, EveryKeyCanBeSetFromTextAndHasHelp) {
  for (const Field& field : train_fields()) {
    EXPECT_FALSE(field.help.empty()) << field.key;
    TrainConfig c;
    EXPECT_NO_THROW(set_from_text(c, field, "1", "test")) << field.key;
  }
}

TEST(Config, EveryUpdateRuleIsInTheHelp) {
  const auto field = [](std::string_view key) {
    return *std::find_if(train_fields().begin(), train_fields().end(),
                         [&](const Field& f) { return f.key == key; });
  };
  EXPECT_EQ(field("optimiser").metavar, "adam|adamw|sgd|rmsprop|novograd");
  EXPECT_THAT(std::string(field("optimiser").help), HasSubstr("sgd: gradient descent"));
  EXPECT_THAT(std::string(field("lr").help), HasSubstr("0.001 for adamw, 0.01 for sgd"));
}

TEST(Config, AnUnknownKeyNamesFileLineAndNearest) {
  TrainConfig c;
  const std::string path = file("epochs = 3\nepoch = 4\n");
  EXPECT_THAT(message([&] { read_toml(path, c); }),
              testing::AllOf(HasSubstr(path + ":2"), HasSubstr("'epoch'"), HasSubstr("epochs")));
  EXPECT_THAT(message([&] { read_toml(file("zzzzzz = 3\n"), c); }),
              HasSubstr("unknown key 'zzzzzz' (known: data, target"));
}

TEST(Config, AValueOfTheWrongTypeNamesItsKey) {
  TrainConfig c;
  EXPECT_THAT(message([&] { read_toml(file("epochs = \"many\"\n"), c); }),
              HasSubstr("epochs must be a whole number"));
  EXPECT_THAT(message([&] { read_toml(file("lr = [1, 2]\n"), c); }),
              HasSubstr("lr takes one value"));
  EXPECT_THAT(message([&] { read_toml(file("lr = true\n"), c); }), HasSubstr("lr must be"));
  EXPECT_THAT(message([&] { read_toml(file("lr = = 1\n"), c); }), HasSubstr(":1"));
}

TEST(Config, AMissingFileIsNoInput) {
  TrainConfig c;
  try {
    read_toml("/nonexistent/train.toml", c);
    FAIL();
  } catch (const FileError& error) {
    EXPECT_TRUE(error.missing);
  }
}

TEST(Config, AFolderAndAnUnreadableFileAreNoConfig) {
  const std::string loop = testing::TempDir() + "scalemix-loop.toml";
  std::filesystem::remove(loop);
  std::filesystem::create_symlink("scalemix-loop.toml", loop);
  for (const std::string& path :
       {testing::TempDir(), loop, testing::TempDir() + std::string(300, 'n')}) {
    TrainConfig c;
    try {
      read_toml(path, c);
      FAIL() << path;
    } catch (const FileError& error) {
      EXPECT_FALSE(error.missing) << path;
    }
  }
  std::filesystem::remove(loop);
}

TEST(Config, AVariableOfNoKeyIsRefusedWithTheNearest) {
  setenv("SCALEMIX_TRAIN_EPOCSH", "3", 1);
  TrainConfig c;
  EXPECT_THAT(message([&] { read_environment(c); }),
              HasSubstr("'SCALEMIX_TRAIN_EPOCSH', did you mean 'SCALEMIX_TRAIN_EPOCHS'?"));
  unsetenv("SCALEMIX_TRAIN_EPOCSH");
  setenv("SCALEMIX_TRAIN_lr", "3", 1);
  EXPECT_THAT(message([&] { read_environment(c); }), HasSubstr("SCALEMIX_TRAIN_LR"));
  unsetenv("SCALEMIX_TRAIN_lr");
  setenv("SCALEMIX_TRAINER", "of others", 1);
  EXPECT_EQ(message([&] { read_environment(c); }), "no error");
  unsetenv("SCALEMIX_TRAINER");
}

TEST(Config, AnEmptyVariableOfAPathIsRefused) {
  std::size_t paths = 0;
  for (const Field& field : train_fields()) {
    std::string name = "SCALEMIX_TRAIN_";
    for (const char c : field.key) name += static_cast<char>(std::toupper(c));
    if (!takes_path(field.metavar)) continue;
    ++paths;
    setenv(name.c_str(), "", 1);
    TrainConfig c;
    EXPECT_THAT(message([&] { read_environment(c); }), HasSubstr(name + ": expected a path"));
    unsetenv(name.c_str());
  }
  EXPECT_EQ(paths, 6u);  // data, test, model, from, teacher, out
}

TEST(Config, TheEnvironmentWinsOverTheFile) {
  TrainConfig c;
  read_toml(file("epochs = 3\nlr = 0.5\nmethod = [\"none\"]\n"), c);
  setenv("SCALEMIX_TRAIN_EPOCHS", "7", 1);
  setenv("SCALEMIX_TRAIN_METHOD", "svdo", 1);
  read_environment(c);
  unsetenv("SCALEMIX_TRAIN_EPOCHS");
  unsetenv("SCALEMIX_TRAIN_METHOD");
  EXPECT_EQ(c.epochs, 7);
  EXPECT_EQ(c.lr, 0.5);
  EXPECT_EQ(c.method, std::vector<std::string>{"svdo"});
}

TEST(Config, DefaultsAreValidAndEachBadValueIsRefusedByName) {
  EXPECT_NO_THROW(validate({}));
  const std::vector<std::pair<std::string, std::string>> bad = {{"task", "clasification"},
                                                                {"missing", "guess"},
                                                                {"header", "maybe"},
                                                                {"optimiser", "adm"},
                                                                {"schedule", "cosin"},
                                                                {"split", "-2"},
                                                                {"folds", "1"},
                                                                {"test_fraction", "1"},
                                                                {"epochs", "-1"},
                                                                {"batch", "-5"},
                                                                {"lr", "-0.1"},
                                                                {"lr", "nan"},
                                                                {"optimiser", "sgd:momentum=1"},
                                                                {"clip", "-1"},
                                                                {"patience", "3"},
                                                                {"seeds", "0"},
                                                                {"samples", "-2"},
                                                                {"threads", "-1"},
                                                                {"threads", "1025"},
                                                                {"schedule", "step:factor=0"}};
  for (const auto& [key, value] : bad) {
    TrainConfig c;
    for (const Field& field : train_fields()) {
      if (field.key == key) set_from_text(c, field, value, "test");
    }
    const std::string expected = key == "patience" ? "validation_fraction" : key;
    EXPECT_THAT(message([&] { validate(c); }), HasSubstr(expected)) << value;
  }
}

}  // namespace
}  // namespace scalemix::run
