#include "scalemix/base/read_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "scalemix/base/error.h"

namespace scalemix {
namespace {

using testing::HasSubstr;

class ReadFile : public testing::Test {
 protected:
  ReadFile()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("scalemix_read_file_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~ReadFile() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return (folder_ / name).string(); }
  std::string write(const char* name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  /// The message, and that it is no "missing".
  std::string refusal(const std::string& file) const {
    try {
      read_file(file);
    } catch (const FileError& error) {
      EXPECT_FALSE(error.missing);
      return error.what();
    }
    ADD_FAILURE() << file << " was read";
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(ReadFile, ReadsEveryByte) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{65536}, std::size_t{300001}}) {
    std::string bytes(size, 'x');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 256);
    EXPECT_EQ(read_file(write("f", bytes)), bytes) << size;
    EXPECT_EQ(read_front(path("f"), 8), bytes.substr(0, 8));
  }
  EXPECT_GT(read_file("/proc/self/status").size(), 100u);  // whose length is said to be 0
}

TEST_F(ReadFile, ReadsAPipeToItsEnd) {
  ASSERT_EQ(::mkfifo(path("p").c_str(), 0600), 0);
  const std::string bytes(200000, 'y');
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::ofstream out(path("p"), std::ios::binary);
    out << bytes.substr(0, 100000) << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    out << bytes.substr(100000);
  });
  EXPECT_EQ(read_file(path("p")), bytes);
  writer.join();
}

TEST_F(ReadFile, APipeThatNothingWritesToIsAnError) {
  ASSERT_EQ(::mkfifo(path("p").c_str(), 0600), 0);
  EXPECT_THAT(refusal(path("p")), HasSubstr("is a pipe that nothing writes to"));
}

TEST_F(ReadFile, ADeviceAndAFolderAreNoFiles) {
  EXPECT_THAT(refusal("/dev/zero"), HasSubstr("/dev/zero: is a device"));
  EXPECT_THAT(refusal(folder_.string()), HasSubstr("is a folder"));
  EXPECT_EQ(read_file("/dev/null"), "");
}

TEST_F(ReadFile, LinksInACircleAreAnErrorAndNothingIsMissing) {
  std::filesystem::create_symlink("b", folder_ / "a");
  std::filesystem::create_symlink("a", folder_ / "b");
  EXPECT_THAT(refusal(path("a")), HasSubstr("symbolic links"));
}

TEST_F(ReadFile, WhatMayNotBeReadIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  std::filesystem::permissions(write("f", "x"), std::filesystem::perms::none);
  EXPECT_THAT(refusal(path("f")), HasSubstr("Permission denied"));
}

TEST_F(ReadFile, AMissingFileIsMissing) {
  std::filesystem::create_symlink("nowhere", folder_ / "link");
  write("f", "x");
  for (const char* name : {"none", "link", "f/below"}) {
    try {
      read_file(path(name));
      ADD_FAILURE() << name;
    } catch (const FileError& error) {
      EXPECT_TRUE(error.missing) << name;
    }
  }
}

TEST_F(ReadFile, LimitsHoldForFilesAndForPipes) {
  ::setenv("SCALEMIX_MAX_INPUT", "10", 1);
  ::setenv("SCALEMIX_MAX_STREAM", "20", 1);
  EXPECT_EQ(read_file(write("f", std::string(10, 'x'))).size(), 10u);
  EXPECT_THROW(read_file(write("f", std::string(11, 'x'))), DataError);
  ASSERT_EQ(::mkfifo(path("p").c_str(), 0600), 0);
  for (const std::size_t size : {20, 21}) {
    std::thread writer(
        [&] { std::ofstream(path("p"), std::ios::binary) << std::string(size, 'y'); });
    if (size == 20) {
      EXPECT_EQ(read_file(path("p")).size(), 20u);
    } else {
      EXPECT_THROW(read_file(path("p")), DataError);
    }
    writer.join();
  }
  ::unsetenv("SCALEMIX_MAX_INPUT");
  ::unsetenv("SCALEMIX_MAX_STREAM");
}

}  // namespace
}  // namespace scalemix
