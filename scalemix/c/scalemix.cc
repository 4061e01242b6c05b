#include "scalemix/c/scalemix.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "scalemix/base/check.h"
#include "scalemix/base/error.h"
#include "scalemix/base/parallel.h"
#include "scalemix/base/version.h"
#include "scalemix/kernel/target.h"
#include "scalemix/model/model_bytes.h"
#include "scalemix/model/preprocessing.h"
#include "scalemix/predict/predictor.h"

using namespace scalemix;

struct scalemix_model {
  predict::Predictor predictor;
};

namespace {

/// Numbers in a row of an uncertainty.
std::size_t uncertainties(const predict::Predictor& predictor) {
  return predictor.spec().task == Task::classification ? 1 : predictor.outputs();
}

}  // namespace

struct scalemix_context {
  explicit scalemix_context(const predict::Predictor& predictor)
      : context(predictor),
        outputs(predictor.outputs()),
        uncertainties(::uncertainties(predictor)) {}

  predict::Context context;
  predict::Prediction prediction;      // of the last call: its memory is reused
  std::size_t outputs, uncertainties;  // numbers in a row of it
  int threads = 0;
};

namespace {

/// The last failure of a thread. A message that finds no memory is its status' text.
thread_local std::string last_message;
thread_local const char* last_error = "";

scalemix_status failed(scalemix_status status, const char* message) noexcept {
  try {
    last_message = message;
    last_error = last_message.c_str();
  } catch (const std::exception&) {
    last_error = scalemix_status_text(status);
  }
  return status;
}

/// Runs `action`; an exception becomes a status and a message. As guarded() of cli/cli.cc, but that the
/// caller is a program: a wrong shape is its argument's fault.
template <class F>
scalemix_status guarded(const F& action) noexcept {
  try {
    action();
    return SCALEMIX_OK;
  } catch (const DataError& error) {
    return failed(SCALEMIX_BAD_DATA, error.what());
  } catch (const FileError& error) {
    return failed(error.missing ? SCALEMIX_NO_INPUT : SCALEMIX_IO, error.what());
  } catch (const ConfigError& error) {
    return failed(SCALEMIX_BAD_CONFIG, error.what());
  } catch (const std::domain_error& error) {
    return failed(SCALEMIX_BAD_ARGUMENT, error.what());
  } catch (const std::invalid_argument& error) {
    return failed(SCALEMIX_BAD_ARGUMENT, error.what());
  } catch (const std::bad_alloc&) {
    return failed(SCALEMIX_OUT_OF_MEMORY, scalemix_status_text(SCALEMIX_OUT_OF_MEMORY));
  } catch (const std::length_error&) {
    return failed(SCALEMIX_OUT_OF_MEMORY, scalemix_status_text(SCALEMIX_OUT_OF_MEMORY));
  } catch (const std::exception& error) {
    return failed(SCALEMIX_INTERNAL, error.what());
  } catch (...) {
    return failed(SCALEMIX_INTERNAL, "an exception of an unknown type");
  }
}

template <class T>
T& given(const char* who, const char* name, T* pointer) {
  if (!pointer) throw std::invalid_argument(fmt::format("{}: {} must not be NULL", who, name));
  return *pointer;
}

/// Gives `out`, which the caller calls `name`, what value() says of a model's predictor.
template <class T, class Value>
scalemix_status about(const char* who, const scalemix_model* model, const char* name, T* out,
                      const Value& value) {
  return guarded([&] {
    const predict::Predictor& predictor = given(who, "model", model).predictor;
    T& to = given(who, name, out);
    to = value(predictor);
  });
}

const char* nth(const char* who, const std::vector<std::string>& names, std::size_t i) {
  if (i < names.size()) return names[i].c_str();
  throw std::domain_error(
      fmt::format("{}: the model has {} such names, got number {}", who, names.size(), i));
}

/// Throws unless an array of a prediction has room for `rows` rows of `per` numbers.
void check_room(const char* name, std::size_t size, std::size_t rows, std::size_t per) {
  if (rows <= size / per) return;
  throw std::invalid_argument(fmt::format(
      "scalemix_predict: {} needs room for {} rows of {} numbers, got room for {} numbers", name,
      rows, per, size));
}

/// While it lives, loops that this thread starts use `n` threads; 0: as before.
class ThreadsScope {
 public:
  explicit ThreadsScope(int n) : before_(n > 0 ? threads() : 0) {
    if (n > 0) set_threads(n);
  }
  ~ThreadsScope() {
    if (before_ > 0) set_threads(before_);
  }
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;

 private:
  int before_;
};

predict::PredictOptions options_of(const scalemix_options* options) {
  if (!options) return {};
  return {.samples = options->samples, .seed = options->seed, .row0 = options->row0, .block = 0};
}

}  // namespace

const char* scalemix_version(void) { return kVersion; }

const char* scalemix_last_error(void) { return last_error; }

const char* scalemix_status_text(scalemix_status status) {
  switch (status) {
    case SCALEMIX_OK:
      return "success";
    case SCALEMIX_BAD_ARGUMENT:
      return "bad argument";
    case SCALEMIX_BAD_DATA:
      return "bad data";
    case SCALEMIX_NO_INPUT:
      return "no such file";
    case SCALEMIX_INTERNAL:
      return "internal error";
    case SCALEMIX_OUT_OF_MEMORY:
      return "out of memory";
    case SCALEMIX_IO:
      return "a file cannot be read";
    case SCALEMIX_BAD_CONFIG:
      return "bad value in the environment";
  }
  return "unknown status";
}

namespace {

/// Inputs and answers are floats here.
predict::Predictor predictor(const char* who, const model::Model& model) {
  model::refuse_origin(model.preprocessing, who);
  return predict::Predictor(model);
}

}  // namespace

scalemix_status scalemix_model_load(const char* path, scalemix_model** model) {
  const char* who = __func__;
  return guarded([&] {
    scalemix_model*& out = given(who, "model", model);
    out = nullptr;
    given(who, "path", path);
    kernel::init_target();  // a bad SCALEMIX_TARGET is told before any work
    out = new scalemix_model{predictor(who, model::load_model(path))};
  });
}

scalemix_status scalemix_model_load_bytes(const void* bytes, size_t size, scalemix_model** model) {
  const char* who = __func__;
  return guarded([&] {
    scalemix_model*& out = given(who, "model", model);
    out = nullptr;
    const char* text = &given(who, "bytes", static_cast<const char*>(bytes));
    kernel::init_target();
    out = new scalemix_model{predictor(who, model::parse_model({text, size}, "model in memory"))};
  });
}

void scalemix_model_free(scalemix_model* model) { delete model; }

scalemix_status scalemix_model_inputs(const scalemix_model* model, size_t* inputs) {
  return about(__func__, model, "inputs", inputs, [](const auto& p) { return p.width(); });
}

scalemix_status scalemix_model_outputs(const scalemix_model* model, size_t* outputs) {
  return about(__func__, model, "outputs", outputs, [](const auto& p) { return p.outputs(); });
}

scalemix_status scalemix_model_uncertainties(const scalemix_model* model, size_t* numbers) {
  return about(__func__, model, "uncertainties", numbers, uncertainties);
}

scalemix_status scalemix_model_task(const scalemix_model* model, scalemix_task* task) {
  return about(__func__, model, "task", task, [](const auto& p) {
    return p.spec().task == Task::classification ? SCALEMIX_CLASSIFICATION : SCALEMIX_REGRESSION;
  });
}

scalemix_status scalemix_model_stochastic(const scalemix_model* model, int* stochastic) {
  return about(__func__, model, "stochastic", stochastic,
               [](const auto& p) { return p.stochastic() ? 1 : 0; });
}

scalemix_status scalemix_model_input_name(const scalemix_model* model, size_t i,
                                          const char** name) {
  const char* who = __func__;
  return about(who, model, "name", name,
               [&](const auto& p) { return nth(who, p.preprocessing().features, i); });
}

scalemix_status scalemix_model_class_name(const scalemix_model* model, size_t i,
                                          const char** name) {
  const char* who = __func__;
  return about(who, model, "name", name,
               [&](const auto& p) { return nth(who, p.preprocessing().classes, i); });
}

scalemix_status scalemix_context_new(const scalemix_model* model, scalemix_context** context) {
  const char* who = __func__;
  return guarded([&] {
    scalemix_context*& out = given(who, "context", context);
    out = nullptr;
    out = new scalemix_context(given(who, "model", model).predictor);
  });
}

void scalemix_context_free(scalemix_context* context) { delete context; }

scalemix_status scalemix_context_set_threads(scalemix_context* context, int threads) {
  const char* who = __func__;
  return guarded([&] {
    scalemix_context& c = given(who, "context", context);
    if (threads < 0) fail<std::domain_error>(who, "threads must be at least 0", threads);
    c.threads = threads;
  });
}

scalemix_status scalemix_predict(scalemix_context* context, const float* x, size_t x_size,
                                 size_t rows, const scalemix_options* options,
                                 const scalemix_prediction* prediction) {
  const char* who = __func__;
  return guarded([&] {
    scalemix_context& c = given(who, "context", context);
    given(who, "x", x);
    const scalemix_prediction& to = given(who, "prediction", prediction);
    given(who, "mean", to.mean);
    if (rows == 0) fail<std::invalid_argument>(who, "expected at least one row", rows);
    check_room("mean", to.mean_size, rows, c.outputs);
    if (to.epistemic) check_room("epistemic", to.epistemic_size, rows, c.uncertainties);
    if (to.aleatoric) check_room("aleatoric", to.aleatoric_size, rows, c.uncertainties);
    const ThreadsScope threads(c.threads);
    predict::predict(c.context, {x, x_size}, rows, options_of(options), c.prediction);
    std::copy(c.prediction.mean.begin(), c.prediction.mean.end(), to.mean);
    if (to.epistemic) {
      std::copy(c.prediction.epistemic.begin(), c.prediction.epistemic.end(), to.epistemic);
    }
    if (to.aleatoric) {
      std::copy(c.prediction.aleatoric.begin(), c.prediction.aleatoric.end(), to.aleatoric);
    }
  });
}
