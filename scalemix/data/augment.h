// Changes of training images that leave their class: drawn anew for every row and epoch.
//
//   pad_crop:pixels=4   shifted by up to so many pixels either way, black where nothing is left
//   flip:p=0.5          left and right exchanged with probability p
//   cutout:size=8       a black square of that side around a random pixel (DeVries & Taylor 2017)
//
// Draws are the stream's of purpose augment, one site per change, draw = epoch, four elements for each row of
// the data set: so they depend on neither batch nor threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::data {

struct AugmentRow {
  std::string_view name, summary, source;
  std::vector<Parameter> parameters;
  /// y (C, H, W) from x; `element`: of the first draw of the row.
  void (*apply)(const std::vector<double>& own, const Stream& stream, std::uint64_t element,
                const std::vector<std::size_t>& shape, const float* x, float* y);
};

const std::vector<AugmentRow>& augments();

class Augment {
 public:
  Augment() = default;
  /// Words in the order in which they act. Throws ConfigError or std::domain_error, as words do.
  explicit Augment(const std::vector<std::string>& words);

  bool any() const { return !steps_.empty(); }
  /// Row number `row` of the data set in an epoch, in place; `room` as large as x.
  void operator()(std::uint64_t seed, std::uint32_t epoch, std::uint64_t row,
                  const std::vector<std::size_t>& shape, float* x, float* room) const;

 private:
  struct Step {
    const AugmentRow* row;
    std::vector<double> own;
  };
  std::vector<Step> steps_;
};

}  // namespace scalemix::inline v0::data
