#include "scalemix/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "scalemix/base/descriptor.h"
#include "scalemix/base/error.h"
#include "scalemix/base/output_place.h"

namespace scalemix::inline v0 {
namespace {

constexpr std::string_view kMark = ".tmp-", kDrawn = "XXXXXX";

[[noreturn]] void fail_with_errno(const std::string& path, const char* doing) {
  const int error = errno;
  throw FileError(path, std::string("cannot ") + doing + ": " + std::strerror(error));
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
  // A long name is cut, so that the temporary's fits as well.
  const std::size_t begin = path.rfind('/') + 1;  // npos + 1 is 0
  name = path.substr(0, begin + NAME_MAX - kMark.size() - kDrawn.size());
  name.append(kMark).append(kDrawn);
  return ::mkstemp(name.data());
}

/// mkstemp makes a file private; a plain one follows the process's mask, and one that takes the
/// place of another is as open to others as that was.
bool set_mode(int fd, const OutputPlace& place) {
  if (place.kind == OutputPlace::Kind::fresh) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(fd, 0666 & ~mask);  // some file systems have no modes
    return true;
  }
  if (::fchown(fd, place.owner, place.group) != 0 && ::fchown(fd, uid_t(-1), place.group) != 0) {
    // What a group was allowed is not for another one.
    struct stat status {};
    const bool kept = ::fstat(fd, &status) == 0 && status.st_gid == place.group;
    return ::fchmod(fd, kept ? place.mode : place.mode & ~mode_t(070)) == 0;
  }
  return ::fchmod(fd, place.mode) == 0;
}

void flush_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail_with_errno(folder, "open the folder");
  // Some file systems cannot flush a folder and say EINVAL; the rename stands all the same.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) fail_with_errno(folder, "flush the folder");
}

/// A new file with `bytes` in the place of the old one; false, with errno, if that failed.
bool replace(const OutputPlace& place, std::span<const std::byte> bytes) {
  std::string temporary;
  Descriptor fd(open_beside(place.path, temporary));
  if (!fd) return false;
  const bool written = set_mode(fd.get(), place) && write_all(fd.get(), bytes) &&
                       ::fsync(fd.get()) == 0 && fd.reset() &&
                       std::rename(temporary.c_str(), place.path.c_str()) == 0;
  if (written) return true;
  const int error = errno;
  ::unlink(temporary.c_str());
  errno = error;
  return false;
}

/// Whether a file can only be written in place: its folder is closed, or something is mounted on it.
bool takes_no_other(int error) {
  return error == EACCES || error == EPERM || error == EROFS || error == EBUSY;
}

/// Writes to what is there.
void write_into(const std::string& path, const OutputPlace& place, int flags,
                std::span<const std::byte> bytes) {
  Descriptor fd(::open(place.path.c_str(), flags | O_CLOEXEC));
  if (!fd || !write_all(fd.get(), bytes)) fail_with_errno(path, "write");
  // What is no file cannot be flushed and says EINVAL.
  if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS) {
    fail_with_errno(path, "write");
  }
  if (!fd.reset()) fail_with_errno(path, "write");
}

}  // namespace

void write_atomically(const std::string& path, std::span<const std::byte> bytes) {
  const OutputPlace place = output_place(path);
  switch (place.kind) {
    case OutputPlace::Kind::descriptor:
      if (!write_all(place.descriptor, bytes)) fail_with_errno(path, "write");
      return;
    case OutputPlace::Kind::stream:
      return write_into(path, place, O_WRONLY | O_NOCTTY, bytes);
    case OutputPlace::Kind::file:
      if (::faccessat(AT_FDCWD, place.path.c_str(), W_OK, AT_EACCESS) != 0) {
        fail_with_errno(path, "write");
      }
      [[fallthrough]];
    case OutputPlace::Kind::fresh:
      if (replace(place, bytes)) return flush_folder(place.path);
      if (place.kind == OutputPlace::Kind::fresh || !takes_no_other(errno)) {
        fail_with_errno(path, "write");
      }
      return write_into(path, place, O_WRONLY | O_TRUNC, bytes);
  }
}

void write_atomically(const std::string& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span(text.data(), text.size())));
}

bool is_left_temporary(std::string_view name) {
  const std::size_t tail = kMark.size() + kDrawn.size();
  return name.size() > tail && name.substr(name.size() - tail, kMark.size()) == kMark;
}

void rename_durably(const std::string& from, const std::string& to) {
  Descriptor fd(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail_with_errno(from, "open");
  if (::fsync(fd.get()) != 0) fail_with_errno(from, "flush");
  if (std::rename(from.c_str(), to.c_str()) != 0) fail_with_errno(to, "rename the finished file");
  flush_folder(to);
}

}  // namespace scalemix::inline v0
