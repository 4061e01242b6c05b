#include "scalemix/torch/op/noise.h"

#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/torch/op/draws.h"
#include "scalemix/torch/op/noise_bits.h"

namespace scalemix::inline v0::op {
namespace {

using c10::SymInt;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr const char* kOp = "noise";

bool multiplies(const std::string& mode) {
  TORCH_CHECK(mode == "multiply" || mode == "add", kOp, ": expected mode multiply or add, got ",
              mode);
  return mode == "multiply";
}

/// How many columns x (R, N, ...) has at a site, in traced sizes.
SymInt columns_at(const std::string& site, const at::Tensor& x) {
  if (site == "layer") return 1;
  if (site == "channel") {
    check_dims(kOp, "x", x, 3);
    return x.sym_size(2);
  }
  TORCH_CHECK(site == "unit" || site == "weight", kOp,
              ": expected site unit, channel, layer or weight, got ", site);
  SymInt count = 1;
  for (std::int64_t i = site == "unit" ? 2 : 1; i < x.dim(); ++i) count = count * x.sym_size(i);
  return count;
}

void check_arguments(const at::Tensor& x, const at::Tensor& seed, const at::Tensor& params,
                     const std::string& site, const std::string& mode,
                     const OptionalTensor& columns) {
  check_floating(kOp, "x", x);
  check_dims(kOp, "x", x, 2);
  multiplies(mode);
  check_sources(kOp, x, seed, columns, columns_at(site, x));
  check_type(kOp, "params", params, at::kDouble);
  TORCH_CHECK(params.dim() == 1 || params.dim() == 2, kOp,
              ": expected params of shape (P) or (R, P), got ", params.sym_sizes());
  if (params.dim() == 2) check_shape(kOp, "params", params, {x.sym_size(0), params.sym_size(1)});
}

kernel::Site site_of(const std::string& site, const at::Tensor& x) {
  const std::size_t columns = columns_at(site, x).guard_int(__FILE__, __LINE__);
  const std::size_t rows = site == "weight" ? 1 : x.size(1);
  const std::size_t entries = x.size(0) * rows * columns;
  return {.rows = rows, .columns = columns, .inner = entries ? x.numel() / entries : 0};
}

const law::Sampler& sampler_of(const law::AnyLaw& law, bool multiply) {
  return multiply ? law.multiplier() : law.raw();
}

Draws draws_at(const std::string& site, std::int64_t stream, std::int64_t draw, std::int64_t row0,
               std::int64_t width) {
  return {stream, draw, site == "weight" ? 0 : row0, width};
}

void run(const law::Sampler& sampler, const Stream& stream, const kernel::Site& site,
         kernel::Mode mode, const float* x, float* y) {
  kernel::noise(sampler, stream, site, mode, x, y);
}
void run(const law::Sampler& sampler, const Stream& stream, const kernel::Site& site,
         kernel::Mode mode, const double* x, double* y) {
  kernel::ref::noise(sampler, stream, site, mode, x, y);
}

at::Tensor noise_cpu(const at::Tensor& x, const at::Tensor& seed, std::string law,
                     const at::Tensor& params, std::string site, std::string mode,
                     std::int64_t stream, std::int64_t draw, std::int64_t row0, std::int64_t width,
                     const OptionalTensor& columns) {
  check_arguments(x, seed, params, site, mode, columns);
  const bool multiply = multiplies(mode);
  const std::int64_t replicas = x.size(0), n = replicas ? x.numel() / replicas : 0;
  const std::vector<law::AnyLaw> laws = laws_of(law, params, replicas);
  const HostDraws draws(kOp, seed, draws_at(site, stream, draw, row0, width), columns,
                        site_of(site, x));
  const at::Tensor in = operand(x);
  const at::Tensor out = at::empty_like(in);
  AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), kOp, [&] {
    for (std::int64_t r = 0; n && r < replicas; ++r) {
      run(sampler_of(laws[laws.size() == 1 ? 0 : r], multiply), draws.stream(r), draws.site(),
          multiply ? kernel::Mode::multiply : kernel::Mode::add, in.data_ptr<scalar_t>() + r * n,
          out.data_ptr<scalar_t>() + r * n);
    }
  });
  return out.to(x.scalar_type());
}

at::Tensor noise_meta(const at::Tensor& x, const at::Tensor& seed, std::string,
                      const at::Tensor& params, std::string site, std::string mode, SymInt, SymInt,
                      SymInt, SymInt, const OptionalTensor& columns) {
  check_arguments(x, seed, params, site, mode, columns);
  return at::empty_like(x, x.options(), at::MemoryFormat::Contiguous);
}

/// (R, rows, columns) to a shape that multiplies x entry by entry.
at::Tensor spread(const at::Tensor& z, const std::string& site, const at::Tensor& x) {
  if (site == "unit" || site == "weight") return z.reshape(x.sizes());
  std::vector<std::int64_t> shape(x.dim(), 1);
  std::copy_n(x.sizes().begin(), site == "channel" ? 3 : 2, shape.begin());
  return z.reshape(shape);
}

at::Tensor noise_composed(const at::Tensor& x, const at::Tensor& seed, std::string law,
                          const at::Tensor& params, std::string site, std::string mode,
                          std::int64_t stream, std::int64_t draw, std::int64_t row0,
                          std::int64_t width, const OptionalTensor& columns) {
  check_arguments(x, seed, params, site, mode, columns);
  const bool multiply = multiplies(mode);
  const std::vector<law::AnyLaw> laws = laws_of(law, params, x.size(0));
  std::vector<const law::Sampler*> samplers;
  for (const law::AnyLaw& l : laws) samplers.push_back(&sampler_of(l, multiply));
  const kernel::Site at = site_of(site, x);
  const Draws which = draws_at(site, stream, draw, row0, width);
  which.check(kOp);
  const at::Tensor z =
      spread(composition::draws(samplers, seed, which, at.rows, at.columns, columns), site, x);
  const at::Tensor in = operand(x);
  return (multiply ? in * z.to(in.scalar_type()) : in + z.to(in.scalar_type())).to(x.scalar_type());
}

at::Tensor call(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                const at::Tensor& params, const std::string& site, const std::string& mode,
                const SymInt& stream, const SymInt& draw, const SymInt& row0, const SymInt& width,
                const OptionalTensor& columns) {
  using Call =
      at::Tensor(const at::Tensor&, const at::Tensor&, std::string, const at::Tensor&, std::string,
                 std::string, SymInt, SymInt, SymInt, SymInt, const OptionalTensor&);
  static const auto op = find_op<Call>("scalemix::noise");
  return op.call(x, seed, law, params, site, mode, stream, draw, row0, width, columns);
}

/// Nothing where the bits of x cannot be kept, or of dy were not: then the op draws again.
std::optional<NoiseBits> bits_of(const at::Tensor& x, const at::Tensor& seed,
                                 const at::Tensor& params, const std::string& site,
                                 const SymInt& stream, const SymInt& draw, const SymInt& row0,
                                 const SymInt& width) {
  const auto number = [](const SymInt& value) { return value.guard_int(__FILE__, __LINE__); };
  const Draws draws = draws_at(site, number(stream), number(draw), number(row0), number(width));
  return NoiseBits::make(seed, params, draws, site_of(site, x), x);
}

struct Noise : torch::autograd::Function<Noise> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& seed,
                            const std::string& law, const at::Tensor& params,
                            const std::string& site, const std::string& mode, const SymInt& stream,
                            const SymInt& draw, const SymInt& row0, const SymInt& width,
                            const OptionalTensor& columns) {
    at::Tensor y, bits;
    if (law == "bernoulli" && mode == "multiply" && !columns && x.requires_grad() && is_plain(x)) {
      check_arguments(x, seed, params, site, mode, columns);
      if (const auto way = bits_of(x, seed, params, site, stream, draw, row0, width)) {
        std::tie(y, bits) = way->forward(x);
      }
    }
    ctx->save_for_backward({seed, params, value_or_undefined(columns), bits});
    ctx->saved_data["law"] = law;
    ctx->saved_data["site"] = site;
    ctx->saved_data["mode"] = mode;
    ctx->saved_data["stream"] = stream;
    ctx->saved_data["draw"] = draw;
    ctx->saved_data["row0"] = row0;
    ctx->saved_data["width"] = width;
    if (y.defined()) return y;
    const at::AutoDispatchBelowADInplaceOrView below;
    return call(x, seed, law, params, site, mode, stream, draw, row0, width, columns);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dy) {
    const auto& data = ctx->saved_data;
    const std::string mode = data.at("mode").toStringRef();
    variable_list grads(11);
    if (mode == "add") {
      grads[0] = dy[0];
      return grads;
    }
    const variable_list saved = ctx->get_saved_variables();
    const std::string site = data.at("site").toStringRef();
    const SymInt stream = data.at("stream").toSymInt(), draw = data.at("draw").toSymInt(),
                 row0 = data.at("row0").toSymInt(), width = data.at("width").toSymInt();
    if (saved[3].defined() && is_plain(dy[0]) && !records_graph({dy[0]})) {
      const auto way = bits_of(dy[0], saved[0], saved[1], site, stream, draw, row0, width);
      grads[0] = way->backward(dy[0], saved[3]);
      return grads;
    }
    grads[0] = call(dy[0], saved[0], data.at("law").toStringRef(), saved[1], site, mode, stream,
                    draw, row0, width, optional_of(saved[2]));
    return grads;
  }
};

at::Tensor noise_autograd(const at::Tensor& x, const at::Tensor& seed, std::string law,
                          const at::Tensor& params, std::string site, std::string mode,
                          SymInt stream, SymInt draw, SymInt row0, SymInt width,
                          const OptionalTensor& columns) {
  TORCH_CHECK(!params.requires_grad(), "noise: params has no gradient and must not require one");
  return Noise::apply(x, seed, law, params, site, mode, stream, draw, row0, width, columns);
}

}  // namespace

at::Tensor noise(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                 const at::Tensor& params, const std::string& site, const std::string& mode,
                 std::int64_t stream, std::int64_t draw, std::int64_t row0, std::int64_t width,
                 const at::Tensor& columns) {
  return call(x, seed, law, params, site, mode, stream, draw, row0, width, optional_of(columns));
}

at::Tensor composition::noise(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                              const at::Tensor& params, const std::string& site,
                              const std::string& mode, std::int64_t stream, std::int64_t draw,
                              std::int64_t row0, std::int64_t width, const at::Tensor& columns) {
  return noise_composed(x, seed, law, params, site, mode, stream, draw, row0, width,
                        optional_of(columns));
}

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def(
      "noise(Tensor x, Tensor seed, str law, Tensor params, str site, str mode, SymInt stream, "
      "SymInt draw, SymInt row0, SymInt width, Tensor? columns) -> Tensor");
}
TORCH_LIBRARY_IMPL(scalemix, CPU, m) { m.impl("noise", noise_cpu); }
TORCH_LIBRARY_IMPL(scalemix, Meta, m) { m.impl("noise", noise_meta); }
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) { m.impl("noise", noise_composed); }
TORCH_LIBRARY_IMPL(scalemix, Autograd, m) { m.impl("noise", noise_autograd); }

}  // namespace scalemix::inline v0::op
