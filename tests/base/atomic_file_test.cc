#include "scalemix/base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "scalemix/base/error.h"

namespace scalemix {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  AtomicFile() {
    std::string name = testing::TempDir() + "scalemix_atomic_XXXXXX";
    folder = ::mkdtemp(name.data());
    path = folder + "/file";
  }
  ~AtomicFile() override { fs::remove_all(folder); }

  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  std::string folder, path;
};

// The new file's descriptor is then 0.
TEST_F(AtomicFile, FollowsTheMaskWhereStandardInputIsClosed) {
  write_atomically(path, "open");
  const int kept = ::dup(STDIN_FILENO);
  ::close(STDIN_FILENO);
  write_atomically(path + "2", "closed");
  if (kept >= 0) {
    ::dup2(kept, STDIN_FILENO);
    ::close(kept);
  }
  EXPECT_EQ(read(path + "2"), "closed");
  EXPECT_EQ(fs::status(path + "2").permissions(), fs::status(path).permissions());
}

TEST_F(AtomicFile, ReplacesTheWholeFileAndLeavesNothingElse) {
  write_atomically(path, "a longer first text");
  write_atomically(path, std::string_view("a\0b", 3));
  EXPECT_EQ(read(path), std::string("a\0b", 3));
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, WritesAnEmptyFile) {
  write_atomically(path, "");
  EXPECT_TRUE(fs::exists(path));
  EXPECT_EQ(fs::file_size(path), 0u);
}

TEST_F(AtomicFile, SaysWhichFileCouldNotBeWritten) {
  const std::string lost = folder + "/no/such/file";
  try {
    write_atomically(lost, "x");
    FAIL() << "wrote into a folder that is not there";
  } catch (const FileError& e) {
    EXPECT_EQ(e.path, lost);
    EXPECT_NE(std::string(e.what()).find("No such file"), std::string::npos) << e.what();
  }
}

TEST_F(AtomicFile, AFailedWriteKeepsTheOldFileAndRemovesTheTemporary) {
  write_atomically(path, "old");
  // A limit on the size of files fails the write half-way, as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_atomically(path, std::string(5000, 'x')), FileError);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read(path), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, ARenameThatFailsKeepsTheSource) {
  write_atomically(path, "part");
  fs::create_directory(folder + "/taken");
  EXPECT_THROW(rename_durably(path, folder + "/taken"), FileError);
  EXPECT_EQ(read(path), "part");
  rename_durably(path, folder + "/final");
  EXPECT_EQ(read(folder + "/final"), "part");
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace scalemix
