#include "scalemix/torch/op/draws.h"

#include <ATen/TensorSubclassLikeUtils.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>

namespace scalemix::inline v0::op {
namespace {

constexpr std::int64_t kEnd = std::int64_t{1} << 32;

void check_draw(const char* op, std::int64_t draw) {
  TORCH_CHECK(draw >= 0 && draw < kEnd, op, ": draw must be in [0, 2^32), got ", draw);
}

}  // namespace

at::Tensor draw_tensor(const c10::SymInt& draw, const at::Tensor& seed) {
  return at::full({}, c10::Scalar(draw), seed.options());
}

at::Tensor Draw::beside(const at::Tensor& seed) const {
  return given_ ? tensor_ : draw_tensor(number_, seed);
}

void check_sources(const char* op, const at::Tensor& x, const at::Tensor& seed,
                   const at::Tensor& draw, const OptionalTensor& columns,
                   const c10::SymInt& count) {
  check_type(op, "seed", seed, at::kLong);
  check_shape(op, "seed", seed, {x.sym_size(0)});
  check_device(op, "seed", seed, x);
  check_type(op, "draw", draw, at::kLong);
  check_shape(op, "draw", draw, {});
  check_device(op, "draw", draw, x);
  if (!columns) return;
  check_type(op, "columns", *columns, at::kLong);
  check_shape(op, "columns", *columns, {count});
  check_device(op, "columns", *columns, x);
}

void Sources::check(const char* op) const {
  TORCH_CHECK(stream >= 0 && stream < kEnd, op, ": stream must be in [0, 2^32), got ", stream);
  TORCH_CHECK(row0 >= 0, op, ": row0 must not be negative, got ", row0);
  TORCH_CHECK(width >= 0, op, ": width must not be negative, got ", width);
  if (draw.device().is_cpu() && !at::isTensorSubclassLike(draw))
    check_draw(op, draw.item<std::int64_t>());
}

HostDraws::HostDraws(const char* op, const Sources& sources, kernel::Site site)
    : seed_(sources.seed.contiguous()), site_(site) {
  sources.check(op);
  stream_ = static_cast<std::uint32_t>(sources.stream);
  draw_ = static_cast<std::uint32_t>(sources.draw.item<std::int64_t>());
  site_.row0 = sources.row0;
  site_.width = sources.width ? sources.width : static_cast<std::int64_t>(site.columns);
  if (!sources.columns) {
    TORCH_CHECK(site_.width >= site_.columns, op, ": expected a width of at least ", site_.columns,
                " columns, got ", site_.width);
    return;
  }
  columns_ = sources.columns->contiguous();
  site_.logical = columns_.const_data_ptr<std::int64_t>();
  for (std::size_t c = 0; c < site_.columns; ++c) {
    const std::int64_t logical = site_.logical[c];
    TORCH_CHECK(logical >= 0 && logical < static_cast<std::int64_t>(site_.width), op,
                ": expected columns in [0, ", site_.width, "), got ", logical);
  }
}

Stream HostDraws::stream(std::int64_t replica) const {
  return {static_cast<std::uint64_t>(seed_.const_data_ptr<std::int64_t>()[replica]), stream_,
          draw_};
}

at::Tensor HostDraws::draws(const Samplers& samplers) const {
  const std::int64_t replicas = seed_.size(0);
  const auto rows = static_cast<std::int64_t>(site_.rows),
             columns = static_cast<std::int64_t>(site_.columns);
  const at::Tensor z = at::empty({replicas, rows, columns}, at::kFloat);
  const bool by_column = static_cast<std::int64_t>(samplers.size()) > replicas;
  for (std::int64_t r = 0; z.numel() && r < replicas; ++r) {
    float* mine = z.data_ptr<float>() + r * rows * columns;
    if (by_column) {
      draw_columns(&samplers[r * columns], stream(r), mine);
    } else {
      kernel::draws(*samplers[samplers.size() == 1 ? 0 : r], stream(r), site_, mine);
    }
  }
  return z;
}

void HostDraws::draw_columns(const law::Sampler* const* samplers, const Stream& stream,
                             float* z) const {
  std::vector<float> column(site_.rows);
  for (std::size_t c = 0; c < site_.columns; ++c) {
    const std::int64_t logical = site_.logical ? site_.logical[c] : static_cast<std::int64_t>(c);
    kernel::Site one = site_;
    one.columns = 1;
    one.logical = &logical;
    kernel::draws(*samplers[c], stream, one, column.data());
    for (std::size_t row = 0; row < site_.rows; ++row) z[row * site_.columns + c] = column[row];
  }
}

const law::Sampler& standard_normal() {
  static const law::AnyLaw normal = law::AnyLaw::make("normal", std::array{1.0});
  return normal.raw();
}

}  // namespace scalemix::inline v0::op
