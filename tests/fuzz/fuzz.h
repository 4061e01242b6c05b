// What targets share: which errors are answers, and a folder for readers that want files.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "scalemix/base/error.h"

namespace scalemix::fuzz {

/// Calls f; whether it took the input. The errors that a reader documents are answers.
template <class F>
bool answers(const F& f) {
  try {
    f();
    return true;
  } catch (const DataError&) {
  } catch (const FileError&) {
  } catch (const ConfigError&) {
  } catch (const std::domain_error&) {
  } catch (const std::invalid_argument&) {
  }
  return false;
}

/// A folder of this process, removed at its end.
class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("scalemix-fuzz-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path() const { return path_.string(); }
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string file = (path_ / name).string();
    std::ofstream(file, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace scalemix::fuzz
