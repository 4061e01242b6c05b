#include "scalemix/base/cores.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace scalemix {
namespace {

namespace fs = std::filesystem;

TEST(CpuQuota, OfVersionTwoIsQuotaOverPeriod) {
  EXPECT_EQ(cpu_quota("150000 100000\n"), 1.5);
  EXPECT_EQ(cpu_quota("50000 100000"), 0.5);
  EXPECT_EQ(cpu_quota("max 100000\n"), std::nullopt);
}

TEST(CpuQuota, OfVersionOneIsQuotaOverPeriod) {
  EXPECT_EQ(cpu_quota("400000\n", "100000\n"), 4);
  EXPECT_EQ(cpu_quota("-1\n", "100000\n"), std::nullopt);
}

TEST(CpuQuota, WhatIsNoQuotaLimitsNothing) {
  for (const char* text : {"", "100000", "0 100000", "100000 0", "-5 100000", "a b"}) {
    EXPECT_EQ(cpu_quota(text), std::nullopt) << text;
  }
}

class CgroupQuota : public testing::Test {
 protected:
  CgroupQuota() {
    std::string name = testing::TempDir() + "scalemix_cgroup_XXXXXX";
    mount = ::mkdtemp(name.data());
  }
  ~CgroupQuota() override { fs::remove_all(mount); }

  void write(const std::string& file, const std::string& text) {
    fs::create_directories(fs::path(mount + file).parent_path());
    std::ofstream(mount + file) << text;
  }

  std::string mount;
};

TEST_F(CgroupQuota, OfVersionTwoIsTheLeastOnTheWayUp) {
  write("/a/cpu.max", "300000 100000");
  write("/a/b/cpu.max", "max 100000");
  write("/c/cpu.max", "100000 100000");
  EXPECT_EQ(cgroup_quota("0::/a/b\n", mount), 3);
  EXPECT_EQ(cgroup_quota("0::/a/b/c\n", mount), 3);
  EXPECT_EQ(cgroup_quota("0::/\n", mount), std::nullopt);
}

TEST_F(CgroupQuota, OfAContainerStandsAtItsRoot) {
  write("/cpu.max", "200000 100000");
  EXPECT_EQ(cgroup_quota("0::/\n", mount), 2);
  EXPECT_EQ(cgroup_quota("0::/docker/0123\n", mount), 2);
}

TEST_F(CgroupQuota, OfVersionOneIsThatOfTheCpuController) {
  write("/cpu,cpuacct/box/cpu.cfs_quota_us", "250000\n");
  write("/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  write("/memory/box/cpu.cfs_quota_us", "100000\n");
  write("/memory/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_quota("9:memory:/box\n4:cpu,cpuacct:/box\n0::/\n", mount), 2.5);
  EXPECT_EQ(cgroup_quota("9:memory:/box\n3:cpuset:/box\n", mount), std::nullopt);
}

TEST_F(CgroupQuota, OfVersionOneMayLieUnderTheShortName) {
  write("/cpu/cpu.cfs_quota_us", "100000\n");
  write("/cpu/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(cgroup_quota("4:cpu,cpuacct:/docker/0123\n", mount), 2);
}

TEST_F(CgroupQuota, LinesOfNoUseAreLeftOut) {
  EXPECT_EQ(cgroup_quota("", mount), std::nullopt);
  EXPECT_EQ(cgroup_quota("nonsense\n0::\n0:\n::\n0::relative\n", mount), std::nullopt);
}

TEST(LimitedCores, AreTheQuotaRoundedUpAndAtLeastOne) {
  EXPECT_EQ(limited_cores(8, std::nullopt), 8);
  EXPECT_EQ(limited_cores(8, 1.5), 2);
  EXPECT_EQ(limited_cores(8, 0.1), 1);
  EXPECT_EQ(limited_cores(2, 64), 2);
  EXPECT_EQ(limited_cores(2, 1e30), 2);
  EXPECT_EQ(limited_cores(0, std::nullopt), 1);
}

TEST(UsableCores, AreAtMostThoseOfTheAffinity) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), CPU_COUNT(&set));
}

}  // namespace
}  // namespace scalemix
