#include "scalemix/cli/reproduce/linear_task.h"

#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::cli::reproduce {

LinearTask::LinearTask(std::uint64_t seed) : x(kRows * kInputs), y(kRows) {
  const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
  std::vector<float> draws(kRows * (kInputs + 1));
  kernel::draws(normal.raw(), {seed, stream_id(Purpose::generate, 1), 0},
                {.rows = kRows, .columns = kInputs + 1}, draws.data());
  for (std::size_t n = 0; n < kRows; ++n) {
    y[n] = kNoise * draws[n * (kInputs + 1) + kInputs];
    for (std::size_t i = 0; i < kInputs; ++i) {
      x[n * kInputs + i] = draws[n * (kInputs + 1) + i];
      if (i < kRelevant) y[n] += x[n * kInputs + i] * (1 + static_cast<double>(i));
    }
  }
}

}  // namespace scalemix::inline v0::cli::reproduce
