// The networks that a word on the command line names: a model file, or a run folder with its
// replicas.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "scalemix/data/rows.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::cli {

struct Models {
  std::vector<std::string> files;
  std::vector<std::unique_ptr<predict::Predictor>> predictors;  // (files), at least one

  const predict::Predictor& first() const { return *predictors.front(); }
  std::vector<const predict::Predictor*> all() const;
  bool stochastic() const;
};

/// All replicas of a run, or the one numbered `replica` (from 0; -1: all). Throws FileError or
/// DataError as loading does, ConfigError for a replica that is not there, DataError for replicas
/// of different tasks or shapes.
Models load_models(const std::string& path, int replica, const predict::Crossover& crossover = {});

/// The files alone, chosen in the same way.
std::vector<std::string> model_files(const std::string& path, int replica);

/// What the rows for this network must look like.
data::Format format_of(const model::Model& model);

/// 100 draws for a network with noise, none for one without; `asked` (if not negative) wins.
std::size_t samples_for(const Models& models, int asked);

/// The name of output c: its class name, or its number from 0.
std::string class_name(const model::Preprocessing& preprocessing, std::size_t c);

}  // namespace scalemix::inline v0::cli
