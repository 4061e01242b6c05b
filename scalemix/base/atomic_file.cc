#include "scalemix/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "scalemix/base/error.h"

namespace scalemix::inline v0 {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

  /// Closes; false if the system reports a late write error.
  bool reset() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

[[noreturn]] void fail_with_errno(const std::string& path, const char* doing) {
  const int error = errno;
  throw FileError(path, std::string("cannot ") + doing + ": " + std::strerror(error));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// Creates a new file beside `path`; `name` receives its path.
int open_beside(const std::string& path, std::string& name) {
  name = path + ".tmp-XXXXXX";
  const int fd = ::mkstemp(name.data());
  if (fd < 0) return fd;
  // mkstemp makes the file private; a plain file follows the process's mask.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(fd, 0666 & ~mask);
  return fd;
}

void flush_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail_with_errno(folder, "open the folder");
  // Some file systems cannot flush a folder and say EINVAL; the rename stands all the same.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) fail_with_errno(folder, "flush the folder");
}

}  // namespace

void write_atomically(const std::string& path, std::span<const std::byte> bytes) {
  std::string temporary;
  Descriptor fd(open_beside(path, temporary));
  if (!fd) fail_with_errno(path, "write");
  const bool written = write_all(fd.get(), bytes) && ::fsync(fd.get()) == 0 && fd.reset() &&
                       std::rename(temporary.c_str(), path.c_str()) == 0;
  if (!written) {
    const int error = errno;
    ::unlink(temporary.c_str());
    errno = error;
    fail_with_errno(path, "write");
  }
  flush_folder(path);
}

void write_atomically(const std::string& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span(text.data(), text.size())));
}

void rename_durably(const std::string& from, const std::string& to) {
  Descriptor fd(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail_with_errno(from, "open");
  if (::fsync(fd.get()) != 0) fail_with_errno(from, "flush");
  if (std::rename(from.c_str(), to.c_str()) != 0) fail_with_errno(to, "rename the finished file");
  flush_folder(to);
}

}  // namespace scalemix::inline v0
