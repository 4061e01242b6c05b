#include "scalemix/base/output_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <string_view>

#include "scalemix/base/error.h"

namespace scalemix::inline v0 {
namespace {

constexpr int kMostLinks = 40;  // as the kernel

[[noreturn]] void refuse(const std::string& path, int error) {
  throw FileError(path, std::string("cannot write: ") + std::strerror(error));
}

/// N of /dev/fd/N and of what the system calls it; -1 of any other path.
int descriptor_of(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const char* end = path.data() + path.size();
    const auto [stop, error] = std::from_chars(path.data() + folder.size(), end, number);
    return error == std::errc{} && stop == end ? number : -1;
  }
  return -1;
}

std::string target_of(const std::string& link) {
  std::array<char, PATH_MAX> text;
  const ssize_t size = ::readlink(link.c_str(), text.data(), text.size());
  if (size < 0) refuse(link, errno);
  const std::string target(text.data(), static_cast<std::size_t>(size));
  return target.starts_with('/') ? target : folder_of(link) + "/" + target;
}

OutputPlace place_of(const std::string& asked, const std::string& path, const struct stat& status) {
  OutputPlace place{.path = path};
  if (S_ISDIR(status.st_mode)) throw FileError(asked, "is a folder, expected a file");
  place.kind = S_ISREG(status.st_mode) ? OutputPlace::Kind::file : OutputPlace::Kind::stream;
  place.mode = status.st_mode & 0777;
  place.owner = status.st_uid;
  place.group = status.st_gid;
  return place;
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

OutputPlace output_place(const std::string& path) {
  if (path.empty()) throw FileError("''", "is no file name");
  std::string at = path;
  for (int links = 0; links <= kMostLinks; ++links) {
    struct stat status {};
    if (const int number = descriptor_of(at); number >= 0) {
      if (::fstat(number, &status) != 0) refuse(path, errno);
      return {.kind = OutputPlace::Kind::descriptor, .path = at, .descriptor = number};
    }
    if (::lstat(at.c_str(), &status) != 0) {
      if (errno != ENOENT) refuse(path, errno);
      if (at.back() == '/') throw FileError(path, "names a folder, expected a file");
      return {.kind = OutputPlace::Kind::fresh, .path = at};
    }
    if (!S_ISLNK(status.st_mode)) return place_of(path, at, status);
    at = target_of(at);
  }
  refuse(path, ELOOP);
}

void check_output(const std::string& path) {
  const OutputPlace place = output_place(path);
  if (place.kind == OutputPlace::Kind::descriptor) return;
  if (place.kind != OutputPlace::Kind::fresh) {
    if (::faccessat(AT_FDCWD, place.path.c_str(), W_OK, AT_EACCESS) != 0) refuse(path, errno);
    return;
  }
  struct stat status {};
  const std::string folder = folder_of(place.path);
  if (::stat(folder.c_str(), &status) != 0) refuse(path, errno);
  if (!S_ISDIR(status.st_mode)) refuse(path, ENOTDIR);
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) refuse(path, errno);
}

}  // namespace scalemix::inline v0
