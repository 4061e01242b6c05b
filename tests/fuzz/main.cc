// The plain driver, and libFuzzer's entry points over the same targets.
//
//   scalemix_fuzz NAME|all [RUNS [SEED]]
//
// Fails where a reader throws what it does not document, or the process takes more than a GiB (four under the address sanitizer). The input
// that did it is left beside.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"

namespace scalemix::fuzz {
namespace {

const Target* find(const char* name) {
  for (const Target* target : targets()) {
    if (target->name == name) return target;
  }
  std::fprintf(stderr, "no target '%s'; there are:", name);
  for (const Target* target : targets()) std::fprintf(stderr, " %s", target->name.data());
  std::fprintf(stderr, "\n");
  std::exit(64);
}

void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

#ifndef SCALEMIX_LIBFUZZER

// No input may take more. The address sanitizer's own: what is freed is kept, and has margins.
#ifdef __SANITIZE_ADDRESS__
constexpr long kMostMib = 4096;
#else
constexpr long kMostMib = 1024;
#endif

long peak_mib() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss / 1024;
}

// What is being read, for a handler of signals.
const std::string* reading = nullptr;
std::string kept;  // the file that it is kept in

void keep(int signal) {
  const int file = ::open(kept.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (file < 0 || ::write(file, reading->data(), reading->size()) < 0) std::_Exit(2);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Whether the target answered; else the input is kept.
bool try_one(const Target& target, const std::string& input) {
  reading = &input;
  try {
    target.one(input);
    return true;
  } catch (const std::exception& error) {
    write(kept, input);
    std::fprintf(stderr, "%s: %s; the input is %s\n", target.name.data(), error.what(),
                 kept.c_str());
    return false;
  }
}

bool run(const Target& target, std::size_t runs, std::uint64_t seed) {
  kept = (std::filesystem::temp_directory_path() /
          ("scalemix-fuzz-" + std::string(target.name) + ".input"))
             .string();
  for (const int signal : {SIGFPE, SIGSEGV, SIGABRT, SIGILL, SIGBUS}) std::signal(signal, keep);
  const std::vector<std::string> corpus = target.corpus();
  bool well = true;
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& input : corpus) well &= try_one(target, input);
  Mutator mutate(seed);
  double slowest = 0;
  for (std::size_t i = 0; i < runs && well; ++i) {
    std::string input = mutate(corpus);
    if (target.seal && mutate.below(8) != 0) input = target.seal(std::move(input));
    const auto start = std::chrono::steady_clock::now();
    well = try_one(target, input);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    slowest = std::max(slowest, took.count());
  }
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
  std::printf(
      "%-10s %zu inputs and %zu made of them in %.1f s, the slowest in %.0f ms; %ld MiB so far\n",
      target.name.data(), corpus.size(), runs, all.count(), 1000 * slowest, peak_mib());
  return well && peak_mib() < kMostMib;
}

#endif

}  // namespace
}  // namespace scalemix::fuzz

#ifdef SCALEMIX_LIBFUZZER

namespace {
const scalemix::fuzz::Target& chosen() {
  const char* name = std::getenv("SCALEMIX_FUZZ");
  static const scalemix::fuzz::Target& target =
      *scalemix::fuzz::find(name ? name : "(SCALEMIX_FUZZ)");
  return target;
}
}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* folder = std::getenv("SCALEMIX_FUZZ_CORPUS");
  if (!folder) return 0;
  std::size_t number = 0;
  for (const std::string& input : chosen().corpus()) {
    scalemix::fuzz::write(std::string(folder) + "/begin-" + std::to_string(number++), input);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned) {
  size = LLVMFuzzerMutate(data, size, most);
  if (!chosen().seal) return size;
  const std::string sealed = chosen().seal(std::string(reinterpret_cast<char*>(data), size));
  if (sealed.size() > most) return size;
  std::memcpy(data, sealed.data(), sealed.size());
  return sealed.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An exception that is no answer ends the program: libFuzzer keeps the input.
  chosen().one({reinterpret_cast<const char*>(data), size});
  return 0;
}

#else

int main(int argc, char** argv) {
  using namespace scalemix::fuzz;
  const char* name = argc > 1 ? argv[1] : "all";
  const std::size_t runs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000;
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  bool well = true;
  for (const Target* target : targets()) {
    if (std::strcmp(name, "all") == 0 || find(name) == target) well &= run(*target, runs, seed);
  }
  return well ? 0 : 1;
}

#endif
