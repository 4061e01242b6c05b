// predict MODEL: two rows through a saved model, with uncertainty. Links scalemix::runtime alone.
#include <cstdio>
#include <vector>

#include "scalemix/predict/predictor.h"

using namespace scalemix;

int main(int, char** argv) {
  const predict::Predictor predictor(model::load_model(argv[1]));
  predict::Context context(predictor);  // one per thread
  const std::vector<float> x(2 * predictor.width(), 0.5f);
  const auto p = predict::predict(context, x, 2, {.samples = 100});
  for (int row = 0; row < 2; ++row) {
    std::printf("%.3f, variance %.4f of the noise and %.4f of what is not known\n", p.mean[row],
                p.aleatoric[row], p.epistemic[row]);
  }
}
