// What is fuzzed: a row for each reader of files and words.
//
//   scalemix_fuzz NAME|all [RUNS [SEED]]     the corpus, then RUNS inputs made of it (tests/fuzz/main.cc)
//   scripts/fuzz.sh                          the same under libFuzzer and the sanitizers
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::fuzz {

struct Target {
  std::string_view name;
  /// Reads the input. What a reader may throw is an Expected error (fuzz.h); anything else ends the program.
  void (*one)(std::string_view input);
  /// Small inputs to begin with, right ones and those that once went wrong.
  std::vector<std::string> (*corpus)();
  /// Puts right what a reader checks first, so that what lies behind it is met; or null.
  std::string (*seal)(std::string input) = nullptr;
};

extern const Target kModel, kSpec, kCheckpoint, kCsv, kNpy, kNpz, kIdx, kCifar, kUci, kConfig,
    kWords, kOnnx, kGzip, kSchema;

inline const std::vector<const Target*>& targets() {
  static const std::vector<const Target*> all{&kModel, &kSpec, &kCheckpoint, &kCsv,   &kNpy,
                                              &kNpz,   &kIdx,  &kCifar,      &kUci,   &kConfig,
                                              &kWords, &kOnnx, &kGzip,       &kSchema};
  return all;
}

}  // namespace scalemix::fuzz
