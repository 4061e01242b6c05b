/* scalemix::c: a row of zeros through the model of the command line, from C. */
#include <stdio.h>

#include "scalemix/c/scalemix.h"

int main(int argc, char** argv) {
  const float x[100] = {0};
  float mean[100];
  const scalemix_prediction p = {mean, 100, NULL, 0, NULL, 0};
  scalemix_model* model;
  scalemix_context* context;
  size_t inputs;
  if (argc != 2 || scalemix_model_load("no such file", &model) != SCALEMIX_NO_INPUT) return 1;
  if (scalemix_model_load(argv[1], &model) || scalemix_model_inputs(model, &inputs) ||
      scalemix_context_new(model, &context) ||
      scalemix_predict(context, x, inputs < 100 ? inputs : 0, 1, NULL, &p)) {
    fprintf(stderr, "use_c: %s\n", scalemix_last_error());
    return 1;
  }
  printf("scalemix %s: %g\n", scalemix_version(), mean[0]);
  scalemix_context_free(context);
  scalemix_model_free(model);
  return 0;
}
