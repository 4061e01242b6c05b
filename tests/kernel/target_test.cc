#include "scalemix/kernel/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "scalemix/base/error.h"

namespace scalemix::kernel {
namespace {

using testing::HasSubstr;

TEST(Target, TheFastestIsTakenUnlessOneIsForced) {
  force_target("");
  EXPECT_EQ(active_target(), available_targets().front());
}

TEST(Target, ForcingOneTakesAndIsUndone) {
  for (const std::string& name : available_targets()) {
    force_target(name);
    EXPECT_EQ(active_target(), name);
    EXPECT_EQ(available_targets().size(), (force_target(""), available_targets().size()));
  }
  EXPECT_EQ(active_target(), available_targets().front());
}

TEST(Target, AnUnknownNameSaysWhichThereAre) {
  const std::string before = active_target();
  try {
    force_target("avx99");
    FAIL() << "avx99 was accepted";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("'avx99'"));
    for (const std::string& name : available_targets()) EXPECT_THAT(e.what(), HasSubstr(name));
  }
  EXPECT_EQ(active_target(), before);
}

// In a process of its own, since the variable is read once.
TEST(TargetDeathTest, TheEnvironmentForcesOne) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::string slowest = available_targets().back();
  EXPECT_EXIT(
      {
        setenv("SCALEMIX_TARGET", slowest.c_str(), 1);
        std::exit(active_target() == slowest ? 3 : 4);
      },
      testing::ExitedWithCode(3), "");
}

TEST(TargetDeathTest, AWrongEnvironmentIsAnError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("SCALEMIX_TARGET", "avx99", 1);
        try {
          init_target();
        } catch (const ConfigError&) {
          std::exit(3);
        }
      },
      testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace scalemix::kernel
