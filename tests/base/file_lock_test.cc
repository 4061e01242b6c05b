#include "scalemix/base/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "scalemix/base/error.h"

namespace scalemix {
namespace {

namespace fs = std::filesystem;

class FileLockTest : public testing::Test {
 protected:
  FileLockTest() {
    std::string name = testing::TempDir() + "scalemix_lock_XXXXXX";
    folder = ::mkdtemp(name.data());
    path = folder + "/lock";
  }
  ~FileLockTest() override { fs::remove_all(folder); }

  std::string folder, path;
};

TEST_F(FileLockTest, IsHeldByOneAtATime) {
  auto first = FileLock::take(path);
  ASSERT_TRUE(first);
  EXPECT_FALSE(FileLock::take(path));
  EXPECT_EQ(FileLock::holder(path).rfind("process " + std::to_string(::getpid()) + " on ", 0), 0u);
  first.reset();
  EXPECT_TRUE(FileLock::take(path));
}

TEST_F(FileLockTest, EndsWithItsProcessHoweverThatEnds) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::take(path);
    const char said = lock ? 'y' : 'n';
    if (::write(ready[1], &said, 1) == 1) ::pause();
    ::_exit(1);
  }
  char said = 0;
  ASSERT_EQ(::read(ready[0], &said, 1), 1);
  EXPECT_EQ(said, 'y');
  EXPECT_FALSE(FileLock::take(path));
  EXPECT_EQ(FileLock::holder(path).rfind("process " + std::to_string(child) + " on ", 0), 0u);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::take(path));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(FileLockTest, SaysWhereItCannotBe) {
  EXPECT_THROW(FileLock::take(folder), FileError);
  EXPECT_THROW(FileLock::take(folder + "/no/lock"), FileError);
  EXPECT_EQ(FileLock::holder(folder + "/none"), "another process");
}

}  // namespace
}  // namespace scalemix
