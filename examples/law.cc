// Draws of a noise law, and its moments: what multiplies a unit has mean 1.
#include <cstdio>
#include <vector>

#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"

using namespace scalemix;

int main() {
  const auto law = law::AnyLaw::parse("laplace:alpha=0.3");
  std::vector<float> z(100000);
  kernel::draws(law.multiplier(), {.seed = 7}, {.rows = 1, .columns = z.size()}, z.data());
  double mean = 0, mu2 = 0;
  for (const float v : z) mean += v / 1e5, mu2 += double(v) * v / 1e5;
  std::printf("%s\nmean %.3f, of the law %.3f\nmu2  %.3f, of the law %.3f\n", law.spec().c_str(),
              mean, law.mean(), mu2, law.mu2());
}
