// A model's C file, compiled by the machine's C compiler and loaded.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "scalemix/compress/export_c.h"
#include "tests/model/fixtures.h"

namespace scalemix::compress {

/// A model's C file as a library; all warnings are errors.
class Compiled {
 public:
  explicit Compiled(const model::Model& m) {
    const CSource c = export_c(m, "net");
    write(folder_.file("net.h"), c.header);
    write(folder_.file("net.c"), c.source);
    const std::string library = folder_.file("net.so");
    const std::string command =
        "cc -std=c99 -O1 -Wall -Wextra -Werror -pedantic -shared -fPIC -o " + library + " " +
        folder_.file("net.c") + " -lm";
    if (std::system(command.c_str()) != 0) {
      ADD_FAILURE() << c.source;
      return;
    }
    handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_) call_ = reinterpret_cast<Call>(dlsym(handle_, "net_predict"));
    const std::string key = "#define NET_WORK ";
    work_.assign(std::stoul(c.header.substr(c.header.find(key) + key.size())), NAN);
  }
  ~Compiled() {
    if (handle_) dlclose(handle_);
  }

  std::vector<float> operator()(const std::vector<float>& x, std::size_t rows,
                                std::size_t outputs) {
    std::vector<float> y(rows * outputs, NAN);
    if (!call_) return y;
    for (std::size_t n = 0; n < rows; ++n) {
      call_(x.data() + n * (x.size() / rows), y.data() + n * outputs, work_.data());
    }
    return y;
  }

 private:
  using Call = void (*)(const float*, float*, float*);
  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  model::Folder folder_;
  void* handle_ = nullptr;
  Call call_ = nullptr;
  std::vector<float> work_;
};

}  // namespace scalemix::compress
