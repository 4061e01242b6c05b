// Plain architectures from a short form or a JSON file: one row of a table each.
//
//   mlp:300-100     linear layers with ReLU between
//   resmlp:50x3     linear to 50, three residual blocks of relu-linear-relu-linear, linear out
//   skipmlp:50x1    linear to 50, relu, one block x + relu(W x + b) of one matrix, linear out
//   lenet5          LeNet-5-Caffe: conv 20 5x5, pool, conv 50 5x5, pool, 500, out
//   vgg:0.5         VGG-like with batch normalisation, widths times 0.5
//   resnet:3        CIFAR ResNet with 3 blocks a stage (6 * 3 + 2 layers)
//   FILE.json       a spec written out; input, task and outputs may be left open in it
//   FILE.safetensors  the network of a model, as of a pruned one that trains on
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

struct Problem {
  Shape input = {};
  Task task = Task::classification;
  std::size_t outputs = 0;
};

struct ArchitectureRow {
  std::string_view name;     // "mlp"
  std::string_view example;  // "mlp:300-100"
  std::string_view summary;
  std::string_view source;
  std::function<Spec(std::string_view argument, const Problem& problem)> make;
};

const std::vector<ArchitectureRow>& architectures();

/// Makes, numbers and validates the spec that `word` names for a problem. Throws ConfigError for an
/// unknown word (with the nearest known) or a bad argument, std::invalid_argument where the data's
/// shape does not fit (lenet5 on a table), FileError or DataError for a JSON file.
Spec architecture(std::string_view word, const Problem& problem);

}  // namespace scalemix::inline v0::model
