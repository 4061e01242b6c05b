// Linear regression with inputs that do not matter: y = x . w + noise, x normal, w = 1 ... 6 on the
// relevant inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scalemix::inline v0::cli::reproduce {

struct LinearTask {
  static constexpr std::size_t kRows = 60, kInputs = 40, kRelevant = 6;
  static constexpr double kNoise = 0.5;  // standard deviation

  explicit LinearTask(std::uint64_t seed);

  std::vector<double> x, y;  // (kRows, kInputs), (kRows)
};

}  // namespace scalemix::inline v0::cli::reproduce
