#include "scalemix/model/read_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "scalemix/base/error.h"

namespace scalemix::inline v0::model {

std::string read_file(const std::string& path) {
  std::error_code ignored_when_exists;
  const auto status = std::filesystem::status(path, ignored_when_exists);
  if (!std::filesystem::exists(status)) throw FileError(path, "no such file", true);
  if (std::filesystem::is_directory(status)) throw FileError(path, "is a folder, expected a file");
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) throw FileError(path, std::string("cannot be opened: ") + std::strerror(errno));
  const std::streamoff size = in.tellg();
  if (size < 0) throw FileError(path, "cannot be read: it has no length");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  in.seekg(0);
  in.read(bytes.data(), size);
  if (in.gcount() != size) throw FileError(path, "cannot be read to its end");
  return bytes;
}

}  // namespace scalemix::inline v0::model
