#include "scalemix/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>

#include "scalemix/base/error.h"

namespace scalemix::inline v0 {
namespace {

int open_again(const std::string& path) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

/// Leaves a line for whoever finds the file locked; that it fits is not essential.
void sign(int fd) {
  char host[HOST_NAME_MAX + 1] = {};
  ::gethostname(host, sizeof host - 1);
  const std::string line = "process " + std::to_string(::getpid()) + " on " + host + "\n";
  if (::ftruncate(fd, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(fd, line.data(), line.size(), 0);
}

}  // namespace

std::unique_ptr<FileLock> FileLock::take(const std::string& path) {
  const int fd = open_again(path);
  if (fd < 0) throw FileError(path, std::string("cannot be locked: ") + std::strerror(errno));
  std::unique_ptr<FileLock> lock(new FileLock(fd));
  int failed = 0;
  do {
    failed = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  if (failed != 0 && errno == EWOULDBLOCK) return nullptr;
  sign(fd);
  return lock;
}

std::string FileLock::holder(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  return std::getline(in, line) && !line.empty() ? line : "another process";
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace scalemix::inline v0
