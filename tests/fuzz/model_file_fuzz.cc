// Damaged model files with a right checksum: a reader refuses them in words or reads them, and never
// crashes, reads outside or takes a gigabyte.
//
//   cmake --preset asan && cmake --build --preset asan --target scalemix_model_file_fuzz
//   build/asan/scalemix_model_file_fuzz 1000000 [SEED]
//
// A run changes a small model - dense, sparse, float16, int8, with a posterior, convolutional - in a few
// places: bytes of the header, its numbers, bytes of the data, its end.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "scalemix/base/error.h"
#include "scalemix/compress/prune.h"
#include "scalemix/model/model_bytes.h"
#include "scalemix/predict/predictor.h"
#include "tests/model/fixtures.h"

namespace scalemix {
namespace {

using Bytes = std::string;

Bytes read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Files to begin with.
std::vector<Bytes> seeds(const std::string& path) {
  std::vector<Bytes> out;
  const auto add = [&](const model::Model& m, const model::SaveOptions& options = {}) {
    model::save_model(path, m, options);
    out.push_back(read(path));
  };
  const model::Problem table = model::table_problem(), image{{1, 16, 16}, Task::classification, 3};
  const model::Model dense =
      model::filled_model(model::made("mlp:20-10", table, {"bernoulli:p=0.2"}));
  const model::Model sparse =
      compress::Pruner(dense, compress::weights_of(dense), {}).at_sparsity(0.9);
  add(dense);
  for (const model::Store store :
       {model::Store::float32, model::Store::float16, model::Store::int8}) {
    add(sparse, {.store = store});
    add(dense, {.store = store});
  }
  model::Model moved = sparse;
  for (const char* name : {"linear1.weight", "linear2.weight", "linear3.weight"}) {
    moved.spread.emplace(name, sparse.tensors.at(name));
  }
  add(moved);
  add(model::filled_model(model::made("mlp:5", table, {"svdo"})));
  add(model::filled_model(model::made("skipmlp:4x2", table, {})));
  const model::Model images = model::filled_model(model::made("resnet:1", image, {}));
  add(images);
  add(compress::Pruner(images, compress::weights_of(images), {}).at_sparsity(0.95),
      {.store = model::Store::int8});
  return out;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Bytes operator()(Bytes bytes) {
    for (int changes = 1 + below(3); changes > 0; --changes) change(bytes);
    return below(8) == 0 ? bytes : sealed(std::move(bytes));
  }
  int below(std::size_t n) {
    return static_cast<int>(std::uniform_int_distribution<std::size_t>(0, n - 1)(random_));
  }

 private:
  static std::uint64_t header_length(const Bytes& bytes) {
    std::uint64_t n = 0;
    if (bytes.size() >= 8) std::memcpy(&n, bytes.data(), 8);
    return n;
  }

  void change(Bytes& bytes) {
    if (bytes.size() < 16) return;
    const std::size_t header = std::min<std::uint64_t>(header_length(bytes), bytes.size() - 8);
    switch (below(6)) {
      case 0:  // a bit anywhere
        bytes[static_cast<std::size_t>(below(bytes.size()))] ^= static_cast<char>(1 << below(8));
        return;
      case 1:  // a bit of the data
        if (8 + header < bytes.size()) {
          bytes[8 + header + static_cast<std::size_t>(below(bytes.size() - 8 - header))] ^=
              static_cast<char>(1 << below(8));
        }
        return;
      case 2:
        bytes.resize(static_cast<std::size_t>(below(bytes.size())));
        return;
      case 3:
        bytes.append(static_cast<std::size_t>(1 + below(300)), static_cast<char>(below(256)));
        return;
      default:  // a digit of the header becomes another, or several
        for (int tries = 0; tries < 50 && header > 0; ++tries) {
          char& c = bytes[8 + static_cast<std::size_t>(below(header))];
          if (c < '0' || c > '9') continue;
          c = static_cast<char>('0' + below(10));
          if (below(3) != 0) return;
        }
    }
  }

  /// With the checksum that its contents ask for, where they can be parsed at all.
  static Bytes sealed(Bytes bytes) {
    try {
      model::Container container = model::parse_safetensors(bytes, "damaged");
      const std::string had = container.metadata["checksum"],
                        wanted = model::model_checksum(container);
      const std::size_t at = had.empty() ? Bytes::npos : bytes.find(had);
      if (at != Bytes::npos && had.size() == wanted.size()) {
        bytes.replace(at, had.size(), wanted);
      }
    } catch (const DataError&) {  // damaged beyond the container: the reader shall say so
    }
    return bytes;
  }

  std::mt19937_64 random_;
};

/// Whether the file was read. Anything but a DataError or an invalid_argument ends the program.
bool try_one(const Bytes& bytes) {
  try {
    const predict::Predictor predictor(model::parse_model(bytes, "damaged"), {0.5, 0.5, 0.5});
    if (predictor.width() > 4096) return true;
    predict::Context context(predictor);
    predict::predict(context, std::vector<float>(predictor.width(), 0.5f), 1);
    return true;
  } catch (const DataError&) {
  } catch (const std::invalid_argument&) {
  }
  return false;
}

int run(std::size_t runs, std::uint64_t seed) {
  const std::string path = std::filesystem::temp_directory_path() /
                           ("scalemix-fuzz-" + std::to_string(::getpid()) + ".safetensors");
  const std::vector<Bytes> from = seeds(path);
  Mutator mutate(seed);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < runs; ++i) {
    const Bytes bytes = mutate(from[static_cast<std::size_t>(mutate.below(from.size()))]);
    try {
      taken += try_one(bytes);
    } catch (const std::exception& error) {
      write(path, bytes);
      std::fprintf(stderr, "run %zu of seed %llu: %s; the file is %s\n", i,
                   static_cast<unsigned long long>(seed), error.what(), path.c_str());
      return 1;
    }
  }
  std::filesystem::remove(path);
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  std::printf("%zu runs, %zu files read, the others refused; at most %ld MiB\n", runs, taken,
              use.ru_maxrss / 1024);
  return use.ru_maxrss > 1024 * 1024 ? 1 : 0;
}

}  // namespace
}  // namespace scalemix

int main(int argc, char** argv) {
  const std::size_t runs = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  return scalemix::run(runs, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
}
