#include "scalemix/model/read_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "scalemix/base/error.h"

namespace scalemix::inline v0::model {

std::string read_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw FileError(path, "no such file", true);
    throw FileError(path, std::string("cannot be opened: ") + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) throw FileError(path, "is a folder, expected a file");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw FileError(path, std::string("cannot be opened: ") + std::strerror(errno));
  // A pipe has no length; it is read until it ends. One byte more shows the end of a file.
  const std::size_t length = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
  std::string bytes;
  std::size_t size = 0;
  do {
    bytes.resize(std::max(length + 1, 2 * size + 1));
    size += std::fread(bytes.data() + size, 1, bytes.size() - size, file.get());
  } while (size == bytes.size());
  if (std::ferror(file.get())) {
    throw FileError(path, std::string("cannot be read: ") + std::strerror(errno));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace scalemix::inline v0::model
