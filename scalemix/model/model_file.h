// A model on disk: one safetensors file with the tensors, and in its metadata the spec, the
// preprocessing, `format`, `features` and a SHA-256 `checksum` over the tensor bytes and all other
// metadata.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scalemix/model/safetensors.h"
#include "scalemix/model/spec.h"
#include "scalemix/model/stored_tensor.h"

namespace scalemix::inline v0::model {

/// What held-out rows made of a trained network (metric/calibration.h).
struct Calibration {
  double temperature = 1;  // divides the outputs of a classification
  // Of conformal prediction: a new row's score is at most `quantile` with probability `level`. The score
  // of a regression is |y - mean| / sd, of a classification 1 - p of the label. Level 0: there is none.
  double level = 0, quantile = 0;

  bool operator==(const Calibration&) const = default;
};

/// What stands between the user's units and the network's.
struct Preprocessing {
  std::vector<float> mean, scale;  // (K): x' = (x - mean) / scale, 0 where x is NaN
  double target_mean = 0, target_scale = 1;
  std::vector<std::string> classes;   // class names as in the input
  std::string target;                 // name of the target column
  std::vector<std::string> features;  // names of the encoded columns
  std::string schema;  // JSON: how to code a table's columns; empty for images and arrays
  Calibration calibration = {};
  // Taken off x and y in double before they become floats: columns whose numbers lie far from zero and
  // near each other. x, mean, y and target_mean are less them; x + origin is in the user's units.
  std::vector<double> origin = {};  // (K); empty: all 0
  double target_origin = 0;
};

struct Model {
  Spec spec;
  Preprocessing preprocessing;
  /// "<layer name>.<tensor name>" for each of tensors(layer); for regression also
  /// "output.log_precision" (outputs): log of the noise precision, in standardised target units.
  std::map<std::string, Tensor> tensors;
  /// Variances of weights over the last steps of training (train/spread.h), under their tensors' names
  /// and in their shapes; empty where none were gathered. Not needed to predict.
  std::map<std::string, Tensor> spread = {};
  /// Free, a JSON object nested at most kMostJsonDepth deep, or empty: data set, seed, metrics, version; not needed to predict.
  std::string about;
};

/// Model::about, parsed; an empty object where it is none.
nlohmann::json about(const Model& model);
/// The whole number under a key of it; `otherwise` where there is none.
std::size_t about_number(const Model& model, const char* key, std::size_t otherwise);

inline constexpr int kFormat = 2;

/// Throws std::invalid_argument unless the spec is valid and numbered, the tensors are exactly
/// those the spec names, in F32 and in its shapes, and the preprocessing fits the spec.
void check_model(const Model& model);

/// SHA-256 over all metadata but "checksum" and all tensors, in the order of their names: for each
/// metadata entry key and value; for each tensor name, dtype, shape ("300,784") and bytes; each
/// piece preceded by its length in decimal and a colon.
std::string model_checksum(const Container& container);

/// Throws FileError (missing, unreadable) or DataError (damaged: which check failed, what was
/// expected and what came; a newer format; an unknown feature).
Model load_model(const std::string& path);

/// Atomic. Throws FileError; std::invalid_argument if tensors and spec do not match; std::domain_error
/// for weights that do not fit the type they are stored in.
void save_model(const std::string& path, const Model& model, const SaveOptions& options = {});

}  // namespace scalemix::inline v0::model
