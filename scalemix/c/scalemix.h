/* Running a model from any language: the library libscalemix_c.
 *
 *   scalemix_model* model;
 *   scalemix_context* context;
 *   scalemix_prediction out = {mean, 1, NULL, 0, NULL, 0};
 *   if (scalemix_model_load("model.safetensors", &model) ||
 *       scalemix_context_new(model, &context) ||
 *       scalemix_predict(context, x, width, 1, NULL, &out)) puts(scalemix_last_error());
 *
 * Every function that can fail returns a status: 0, or what went wrong, with a message in
 * scalemix_last_error(). No argument may be NULL unless it says so; one that is gives
 * SCALEMIX_BAD_ARGUMENT. After a failure nothing was written but NULL to a handle that was asked for.
 *
 * A model never changes and may be used by several threads at once. A context, one for each thread
 * that predicts, owns the memory of a prediction: after the first call with a given number of rows
 * nothing of ours is allocated. A context keeps what it needs of its model; either may be freed first.
 */
#ifndef SCALEMIX_C_SCALEMIX_H_
#define SCALEMIX_C_SCALEMIX_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SCALEMIX_API __attribute__((visibility("default")))
#else
#define SCALEMIX_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are the exit codes of the command, and stay. */
typedef enum scalemix_status {
  SCALEMIX_OK = 0,
  SCALEMIX_BAD_ARGUMENT = 64, /* NULL, a wrong size, a number out of its range */
  SCALEMIX_BAD_DATA = 65,     /* not a model file, a damaged one, one of a newer version */
  SCALEMIX_NO_INPUT = 66,     /* a file that is not there */
  SCALEMIX_INTERNAL = 70,     /* a bug */
  SCALEMIX_OUT_OF_MEMORY = 71,
  SCALEMIX_IO = 74,        /* a file that cannot be read */
  SCALEMIX_BAD_CONFIG = 78 /* a wrong value in an environment variable */
} scalemix_status;

typedef enum scalemix_task { SCALEMIX_REGRESSION = 0, SCALEMIX_CLASSIFICATION = 1 } scalemix_task;

typedef struct scalemix_model scalemix_model;
typedef struct scalemix_context scalemix_context;

/* The version of the library, "0.1.0". */
SCALEMIX_API const char* scalemix_version(void);

/* What a status means, in a few words; "unknown status" for a number that is none. */
SCALEMIX_API const char* scalemix_status_text(scalemix_status status);

/* The message of the last call that failed in this thread, the one that the command would print;
 * "" if none did. Good until the next failure in this thread. */
SCALEMIX_API const char* scalemix_last_error(void);

/* ---------------------------------------------------------------------------------- models */

/* A model from its file, or from the bytes of one, which are not needed afterwards. */
SCALEMIX_API scalemix_status scalemix_model_load(const char* path, scalemix_model** model);
SCALEMIX_API scalemix_status scalemix_model_load_bytes(const void* bytes, size_t size,
                                                       scalemix_model** model);

/* NULL does nothing. */
SCALEMIX_API void scalemix_model_free(scalemix_model* model);

/* Numbers in a row of x. */
SCALEMIX_API scalemix_status scalemix_model_inputs(const scalemix_model* model, size_t* inputs);

/* Numbers in a row of the mean: targets of a regression, classes of a classification. */
SCALEMIX_API scalemix_status scalemix_model_outputs(const scalemix_model* model, size_t* outputs);

/* Numbers in a row of each of the two uncertainties: one for each target, or one. */
SCALEMIX_API scalemix_status scalemix_model_uncertainties(const scalemix_model* model,
                                                          size_t* uncertainties);

SCALEMIX_API scalemix_status scalemix_model_task(const scalemix_model* model, scalemix_task* task);

/* 1 if the network draws noise, so that Monte-Carlo predictions differ from deterministic ones. */
SCALEMIX_API scalemix_status scalemix_model_stochastic(const scalemix_model* model,
                                                       int* stochastic);

/* The name of input i or of class i, UTF-8, which the model owns. SCALEMIX_BAD_ARGUMENT where there
 * is none: models of images have no names of inputs, regressions none of classes. */
SCALEMIX_API scalemix_status scalemix_model_input_name(const scalemix_model* model, size_t i,
                                                       const char** name);
SCALEMIX_API scalemix_status scalemix_model_class_name(const scalemix_model* model, size_t i,
                                                       const char** name);

/* ---------------------------------------------------------------------------------- predicting */

SCALEMIX_API scalemix_status scalemix_context_new(const scalemix_model* model,
                                                  scalemix_context** context);

/* NULL does nothing. */
SCALEMIX_API void scalemix_context_free(scalemix_context* context);

/* The threads that predictions with this context use: 0, as at the start, for what OMP_NUM_THREADS
 * says or else the cores of this process; 1 for the calling thread alone. The numbers of a prediction
 * may depend on it in their last bits, the noise never does. */
SCALEMIX_API scalemix_status scalemix_context_set_threads(scalemix_context* context, int threads);

/* How to predict. */
typedef struct scalemix_options {
  size_t samples; /* Monte-Carlo draws; 0: deterministic, every noise replaced by its mean */
  uint64_t seed;
  uint64_t row0; /* position of the first row, for the noise: rows in parts draw what all would */
} scalemix_options;

/* Where a prediction goes: arrays, each with the numbers it has room for. */
typedef struct scalemix_prediction {
  float* mean; /* (rows, outputs): predictive mean, in the target's units, or class probabilities */
  size_t mean_size;
  float*
      epistemic; /* NULL, or (rows, uncertainties): variance of the mean over the draws, or mutual
                       information in nats */
  size_t epistemic_size;
  float*
      aleatoric; /* NULL, or (rows, uncertainties): variance of the noise, or mean entropy in nats */
  size_t aleatoric_size;
} scalemix_prediction;

/* Predicts for x (rows, inputs), row-major, x_size numbers in all: in the units of the training data,
 * NaN where one is missing. At least one row. `options` may be NULL, for a deterministic prediction. */
SCALEMIX_API scalemix_status scalemix_predict(scalemix_context* context, const float* x,
                                              size_t x_size, size_t rows,
                                              const scalemix_options* options,
                                              const scalemix_prediction* prediction);

#ifdef __cplusplus
}
#endif

#endif /* SCALEMIX_C_SCALEMIX_H_ */
