/* predict_c MODEL: two rows through a saved model, with uncertainty, from C99. */
#include <stdio.h>
#include <stdlib.h>

#include "scalemix/c/scalemix.h"

static int fail(void) {
  fprintf(stderr, "predict_c: %s\n", scalemix_last_error());
  return 1;
}

int main(int argc, char** argv) {
  const size_t rows = 2;
  const scalemix_options options = {100, 0, 0}; /* samples, seed, row0 */
  scalemix_model* model;
  scalemix_context* context; /* one per thread */
  size_t width, outputs, parts, i;
  (void)argc;
  if (scalemix_model_load(argv[1], &model)) return fail();
  if (scalemix_model_inputs(model, &width) || scalemix_model_outputs(model, &outputs) ||
      scalemix_model_uncertainties(model, &parts) || scalemix_context_new(model, &context)) {
    return fail();
  }
  float* x = malloc(rows * width * sizeof(float));
  float* y = malloc(rows * (outputs + 2 * parts) * sizeof(float));
  float *epistemic = y + rows * outputs, *aleatoric = epistemic + rows * parts;
  scalemix_prediction p = {y, rows * outputs, epistemic, rows * parts, aleatoric, rows * parts};
  for (i = 0; i < rows * width; ++i) x[i] = 0.5f; /* NAN where a number is missing */
  if (scalemix_predict(context, x, rows * width, rows, &options, &p)) return fail();
  for (i = 0; i < rows; ++i) {
    printf("%.3f, variance %.4f of the noise and %.4f of what is not known\n", y[i * outputs],
           aleatoric[i * parts], epistemic[i * parts]);
  }
  free(x), free(y);
  scalemix_context_free(context), scalemix_model_free(model);
  return 0;
}
