#include "scalemix/base/message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace scalemix {
namespace {

/// Standard error leads elsewhere while one lives; -1: nowhere, it is closed.
class StandardError {
 public:
  explicit StandardError(int fd) : saved_(::dup(STDERR_FILENO)) {
    std::fflush(stderr);
    if (fd >= 0) ::dup2(fd, STDERR_FILENO);
    if (fd < 0) ::close(STDERR_FILENO);
  }
  ~StandardError() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

TEST(Message, ArrivesAsItIs) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    const StandardError there(ends[1]);
    message("a {} %s\n");
    message("b");
  }
  char got[32] = {};
  EXPECT_EQ(::read(ends[0], got, sizeof got), 9);
  EXPECT_STREQ(got, "a {} %s\nb");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Message, IsDroppedWhereItCannotArriveAndTheNextOneArrives) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  for (const int fd : {full, -1}) {
    const StandardError nowhere(fd);
    message("lost\n");
  }
  ::close(full);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    const StandardError there(ends[1]);
    message("found");
  }
  char got[16] = {};
  EXPECT_EQ(::read(ends[0], got, sizeof got), 5);
  EXPECT_STREQ(got, "found");
  ::close(ends[0]);
  ::close(ends[1]);
}

/// In a child without these descriptors: the number that the next file gets, and whether writing to the
/// first of them fails.
int next_file_without(int first, int last) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = first; fd <= last; ++fd) ::close(fd);
    reserve_standard_files();
    const int next = ::open("/dev/null", O_WRONLY);
    const bool writes = first != STDIN_FILENO && ::write(first, "x", 1) == 1;
    ::_exit(writes ? 100 : next);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(StandardFiles, AreNeverTheNumberOfAnotherFile) {
  const int next = next_file_without(0, -1);  // all are there
  EXPECT_GT(next, STDERR_FILENO);
  constexpr int kClosed[][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}};
  for (const auto& closed : kClosed) {
    EXPECT_EQ(next_file_without(closed[0], closed[1]), next) << closed[0] << " to " << closed[1];
  }
}

}  // namespace
}  // namespace scalemix
