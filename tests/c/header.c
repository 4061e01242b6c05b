/* The header is C99: this file is compiled as that, and pedantically. Every function has the type that a caller in C sees. */
#include "scalemix/c/scalemix.h"

const char* (*const version)(void) = scalemix_version;
const char* (*const status_text)(scalemix_status) = scalemix_status_text;
void (*const model_free)(scalemix_model*) = scalemix_model_free;

/* Loads, predicts a row of zeros with `samples` draws, frees; 0 or the first status that is not. */
int predict_zeros(const char* path, size_t samples, float* mean, size_t mean_size) {
  const float x[64] = {0};
  const scalemix_options options = {samples, 5, 0};
  scalemix_prediction prediction = {NULL, 0, NULL, 0, NULL, 0};
  scalemix_model* model = NULL;
  scalemix_context* context = NULL;
  size_t inputs = 0;
  scalemix_status status = scalemix_model_load(path, &model);
  prediction.mean = mean;
  prediction.mean_size = mean_size;
  if (!status) status = scalemix_model_inputs(model, &inputs);
  if (!status && inputs > sizeof x / sizeof x[0]) status = SCALEMIX_INTERNAL;
  if (!status) status = scalemix_context_new(model, &context);
  if (!status) status = scalemix_predict(context, x, inputs, 1, &options, &prediction);
  scalemix_context_free(context);
  scalemix_model_free(model);
  return (int)status;
}
