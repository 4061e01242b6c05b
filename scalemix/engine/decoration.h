// The noise of a layer in a program: a row of model/noise.h with the places of its tensors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scalemix/engine/frame.h"
#include "scalemix/engine/layout.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::engine {

struct Decoration {
  model::NoiseUse use;
  std::string layer;
  struct Own {
    std::size_t offset;  // in values, or in state
    bool trained;
  };
  std::vector<Own> own;
  std::optional<std::size_t> w;               // of the weights it decorates
  std::size_t prepared_at = 0, marks_at = 0;  // in the frame's
  std::size_t instruction = 0;                // of the program: the last one that works with it

  Decoration(const model::Noise& noise, const model::Layer& layer, const model::Shape& in,
             const Layout& layout, bool train);

  const model::NoiseKind& kind() const { return *use.kind; }
  std::size_t prepared() const { return kind().prepared ? kind().prepared(use) : 0; }
  /// Of batches of at most `rows` rows.
  std::size_t marks(std::size_t rows) const { return kind().marks ? kind().marks(use, rows) : 0; }
  /// Whether one of its tensors is trained.
  bool trained() const;
  /// A gradient of what it prepares, in the memory of a training program.
  std::size_t d_prepared() const {
    if (use.where == model::Where::columns) return prepared();
    return use.where == model::Where::moments ? use.weights * (use.means ? 2 : 1) : 0;
  }
  model::At at(const Frame& frame) const;
};

}  // namespace scalemix::inline v0::engine
