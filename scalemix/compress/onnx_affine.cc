#include "scalemix/compress/onnx_affine.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::compress {

using model::elements;
using model::Shape;

std::optional<std::size_t> broadcast_size(std::vector<std::int64_t> dims, const Shape& shape) {
  while (!dims.empty() && dims.front() == 1 && dims.size() > shape.size()) dims.erase(dims.begin());
  if (std::all_of(dims.begin(), dims.end(), [](std::int64_t d) { return d == 1; })) return 1;
  if (dims.size() != shape.size()) return {};
  const auto same = [&](std::size_t i) { return dims[i] == static_cast<std::int64_t>(shape[i]); };
  bool channel = same(0), each = same(0);
  for (std::size_t i = 1; i < dims.size(); ++i) {
    channel = channel && dims[i] == 1;
    each = each && same(i);
  }
  if (channel) return shape[0];
  return each ? std::optional(elements(shape)) : std::nullopt;
}

std::vector<double> OnnxAffine::spread(const std::vector<double>& values, std::size_t n) {
  std::vector<double> out(n);
  const std::size_t share = n / values.size();
  for (std::size_t i = 0; i < n; ++i) out[i] = values[i / share];
  return out;
}

void OnnxAffine::take(const OnnxStep& step, const Shape& shape) {
  const std::optional<std::size_t> n = broadcast_size(step.dims, shape);
  if (!n || *n != step.values.size()) {
    refuse(*step.node, "expected one number, one a channel or one a number of {}, got ({})",
           model::shape_text(shape), fmt::join(step.dims, ", "));
  }
  if (!node_) node_ = step.node;
  if (*n > scale_.size()) {
    scale_ = spread(scale_, *n);
    shift_ = spread(shift_, *n);
  }
  const std::size_t share = scale_.size() / *n;
  for (std::size_t i = 0; i < scale_.size(); ++i) {
    const double value = step.values[i / share];
    if (step.kind == OnnxStep::Kind::shift) {
      shift_[i] += step.inverse ? -value : value;
    } else {
      scale_[i] = step.inverse ? scale_[i] / value : scale_[i] * value;
      shift_[i] = step.inverse ? shift_[i] / value : shift_[i] * value;
    }
  }
}

bool OnnxAffine::is_identity() const {
  return std::all_of(scale_.begin(), scale_.end(), [](double s) { return s == 1; }) &&
         std::all_of(shift_.begin(), shift_.end(), [](double s) { return s == 0; });
}

bool OnnxAffine::of_each(const Shape& shape) const {
  return !of_all() && scale_.size() != shape[0];
}

}  // namespace scalemix::inline v0::compress
