// scalemix::core: data and metrics. Predicting every target by their mean gives
// R^2 = 0.
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "scalemix/data/dataset.h"
#include "scalemix/metric/regression.h"

int main() {
  scalemix::data::OpenOptions options;
  options.rows = 100;
  const scalemix::data::Dataset set = scalemix::data::open("friedman1", options);
  const std::vector<double> y(set.y.begin(), set.y.end());
  const double mean = std::accumulate(y.begin(), y.end(), 0.0) / y.size();
  const double r2 = scalemix::metric::r2(y, std::vector<double>(y.size(), mean));
  std::printf("%zu rows of %zu, R^2 of the mean %g\n", set.rows(), set.width(), r2);
  return set.rows() == 100 && std::abs(r2) < 1e-12 ? 0 : 1;
}
