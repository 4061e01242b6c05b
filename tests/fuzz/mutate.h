// Inputs made of others.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace scalemix::fuzz {

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  /// One of the corpus after a few changes: bits, bytes, numbers in text, pieces cut, doubled or moved here
  /// from another.
  std::string operator()(const std::vector<std::string>& corpus);
  /// Below n. Requires: n > 0.
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

 private:
  void change(std::string& bytes, const std::string& other);
  void change_number(std::string& bytes);

  std::mt19937_64 random_;
};

}  // namespace scalemix::fuzz
