// Predictions as text: what `scalemix predict` writes.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::cli {

/// Predictions of all rows, in the user's units and class names.
struct Predictions {
  const predict::Predictor* network = nullptr;  // task, outputs, names
  predict::Prediction values;
  std::size_t rows = 0, samples = 0, networks = 1;
  std::uint64_t seed = 0;
  double interval = 0.9;  // regression: mass of the central interval of N(mean, total variance)
  // Of a calibrated network: its conformal intervals and sets instead.
  model::Calibration calibration = {};
  std::vector<std::string> ids =
      {};  // (rows) of the column `id`, behind the row's number; or empty
  std::string id = {};
};

/// One line per row, with a header. Numbers have the fewest digits that read back the same.
///
///   classification  row,prediction,p_CLASS...,total,aleatoric,epistemic      (nats)
///   regression      row,prediction,sd,epistemic_sd,aleatoric_sd,lower,upper  (target's units)
///
/// A calibrated network's lower and upper are its conformal interval; a classification has a last column `set`,
/// the classes of its conformal set, joined by '|'.
///
/// A regression with several targets has the columns of each, numbered from 1: prediction_1, sd_1,
/// ...
std::string to_csv(const Predictions& predictions);

nlohmann::ordered_json to_json(const Predictions& predictions);

}  // namespace scalemix::inline v0::cli
