#include "scalemix/base/read_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "scalemix/base/descriptor.h"
#include "scalemix/base/error.h"
#include "scalemix/base/limits.h"

namespace scalemix::inline v0 {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

[[noreturn]] void cannot_read(const std::string& name) {
  throw FileError(name, std::string("cannot be read: ") + std::strerror(errno));
}

int open_for_reading(const std::string& path) {
  // A pipe without a writer must not hold the program up here.
  const int number = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (number >= 0) return number;
  if (errno == ENOENT || errno == ENOTDIR) throw FileError(path, "no such file", true);
  cannot_read(path);
}

bool is_null_device(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

/// Refuses what has no end or no bytes.
void check_kind(const std::string& name, int number, const struct stat& status) {
  if (S_ISDIR(status.st_mode)) throw FileError(name, "is a folder, expected a file");
  const bool device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
  if (!device || ::isatty(number) || is_null_device(status)) return;
  throw FileError(name, "is a device, expected a file or a pipe");
}

/// Reads on; 0 at the end. Waits for a writer, though not for ever for the first one.
class Source {
 public:
  Source(const std::string& name, int number) : name_(name), number_(number) {}

  std::size_t read(char* to, std::size_t most) {
    for (;;) {
      const ssize_t n = ::read(number_, to, most);
      if (n > 0) return met_ = true, static_cast<std::size_t>(n);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != EAGAIN) cannot_read(name_);
      met_ |= n < 0;  // someone holds the other end and has nothing to say yet
      pollfd wait{number_, POLLIN, 0};
      ::poll(&wait, 1, n < 0 ? -1 : 20);
      // A writer may have come, written and gone meanwhile: what it wrote is still to be read.
      const bool gone = (wait.revents & (POLLIN | POLLHUP)) == POLLHUP;
      const bool ended = n == 0 && (met_ || gone);
      if (ended || (n == 0 && !is_pipe())) return 0;
      if (!met_ && std::chrono::steady_clock::now() > last_) {
        throw FileError(name_, "is a pipe that nothing writes to");
      }
    }
  }

 private:
  bool is_pipe() const {
    struct stat status {};
    return ::fstat(number_, &status) == 0 && S_ISFIFO(status.st_mode);
  }

  const std::string& name_;
  int number_;
  bool met_ = false;
  std::chrono::steady_clock::time_point last_ =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          std::chrono::duration<double>(kPipeSeconds));
};

[[noreturn]] void too_much(const std::string& name, Limit which) {
  throw DataError(name, 0, 0, "holds " + beyond(which));
}

std::string read_all(const std::string& name, int number, std::size_t expected, Limit which) {
  const std::uint64_t most = limit(which);
  if (expected > most) too_much(name, which);
  Source source(name, number);
  std::string bytes;
  bytes.reserve(expected + 1);
  for (std::size_t size = 0;;) {
    // One byte more than there should be tells that there are not more.
    const std::size_t room = size <= expected && expected > 0 ? expected + 1 - size : kPiece;
    bytes.resize(size + room);
    const std::size_t n = source.read(bytes.data() + size, room);
    bytes.resize(size += n);
    if (n == 0) return bytes;
    if (size > most) too_much(name, which);
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : path;
  const Descriptor opened(standard ? -1 : open_for_reading(path));
  const int number = standard ? STDIN_FILENO : opened.get();
  struct stat status {};
  if (::fstat(number, &status) != 0) cannot_read(name);
  check_kind(name, number, status);
  const bool regular = S_ISREG(status.st_mode);
  return read_all(name, number, regular ? static_cast<std::size_t>(status.st_size) : 0,
                  regular ? Limit::input : Limit::stream);
}

std::string read_front(const std::string& path, std::size_t most) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return "";
  std::string bytes(most, '\0');
  const ssize_t n = ::read(file.get(), bytes.data(), most);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

}  // namespace scalemix::inline v0
