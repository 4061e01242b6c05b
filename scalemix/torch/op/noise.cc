#include "scalemix/torch/op/noise.h"

#include <ATen/TensorSubclassLikeUtils.h>
#include <torch/library.h>
#include <torch/torch.h>

#include "scalemix/torch/op/kept_draw.h"
#include "scalemix/torch/op/noise_bits.h"
#include "scalemix/torch/op/noise_linked.h"
#include "scalemix/torch/op/noise_params.h"
#include "scalemix/torch/op/noise_site.h"

namespace scalemix::inline v0::op {
namespace {

using c10::SymInt;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr const char* kOp = "noise";

void run(const law::Sampler& sampler, const Stream& stream, const kernel::Site& site,
         kernel::Combine mode, const float* x, float* y) {
  kernel::noise(sampler, stream, site, mode, x, y);
}
void run(const law::Sampler& sampler, const Stream& stream, const kernel::Site& site,
         kernel::Combine mode, const double* x, double* y) {
  kernel::ref::noise(sampler, stream, site, mode, x, y);
}

at::Tensor noise_cpu(const at::Tensor& x, const at::Tensor& seed, std::string law,
                     const at::Tensor& params, std::string site, std::string mode,
                     std::int64_t stream, const at::Tensor& draw, std::int64_t row0,
                     std::int64_t width, const OptionalTensor& columns) {
  check_noise(x, seed, draw, params, site, mode, columns);
  const bool multiply = multiplies(mode);
  const std::int64_t replicas = x.size(0), n = replicas ? x.numel() / replicas : 0;
  const std::vector<law::AnyLaw> laws = laws_of(law, params);
  const Samplers samplers = samplers_of(laws, multiply);
  const HostDraws draws(kOp, {seed, stream, draw, row0_of(site, row0), width, columns},
                        site_of(site, x));
  if (params.dim() == 3) return applied(x, draws.draws(samplers), site, multiply);
  const at::Tensor in = operand(x);
  const at::Tensor out = at::empty_like(in);
  AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), kOp, [&] {
    for (std::int64_t r = 0; n && r < replicas; ++r) {
      run(*samplers[samplers.size() == 1 ? 0 : r], draws.stream(r), draws.site(),
          multiply ? kernel::Combine::multiply : kernel::Combine::add,
          in.const_data_ptr<scalar_t>() + r * n, out.data_ptr<scalar_t>() + r * n);
    }
  });
  return out.to(x.scalar_type());
}

at::Tensor noise_meta(const at::Tensor& x, const at::Tensor& seed, std::string,
                      const at::Tensor& params, std::string site, std::string mode, SymInt,
                      const at::Tensor& draw, SymInt, SymInt, const OptionalTensor& columns) {
  check_noise(x, seed, draw, params, site, mode, columns);
  return at::empty_like(x, x.options(), at::MemoryFormat::Contiguous);
}

at::Tensor noise_composed(const at::Tensor& x, const at::Tensor& seed, std::string law,
                          const at::Tensor& params, std::string site, std::string mode,
                          std::int64_t stream, const at::Tensor& draw, std::int64_t row0,
                          std::int64_t width, const OptionalTensor& columns) {
  check_noise(x, seed, draw, params, site, mode, columns);
  const bool multiply = multiplies(mode);
  const std::vector<law::AnyLaw> laws = laws_of(law, params);
  const kernel::Site at = site_of(site, x);
  const Sources sources{seed, stream, draw, row0_of(site, row0), width, columns};
  sources.check(kOp);
  const Samplers samplers = samplers_of(laws, multiply);
  return applied(x, composition::draws(samplers, sources, at.rows, at.columns), site, multiply);
}

using Call = at::Tensor(const at::Tensor&, const at::Tensor&, std::string, const at::Tensor&,
                        std::string, std::string, SymInt, const at::Tensor&, SymInt, SymInt,
                        const OptionalTensor&);

at::Tensor call(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                const at::Tensor& params, const std::string& site, const std::string& mode,
                const SymInt& stream, const at::Tensor& draw, const SymInt& row0,
                const SymInt& width, const OptionalTensor& columns) {
  static const auto op = find_op<Call>("scalemix::noise", "tensor_draw");
  return op.call(x, seed, law, params, site, mode, stream, draw, row0, width, columns);
}

/// The way that keeps bits, where there is one; x is plain, so that every number is one.
std::optional<NoiseBits> bits_of(const at::Tensor& x, const at::Tensor& seed,
                                 const at::Tensor& params, const std::string& site,
                                 const SymInt& stream, const at::Tensor& draw, const SymInt& row0,
                                 const SymInt& width) {
  const auto number = [](const SymInt& value) { return value.guard_int(__FILE__, __LINE__); };
  const Sources sources{seed, number(stream), draw, row0_of(site, number(row0)), number(width)};
  return NoiseBits::make(sources, params, site_of(site, x), x);
}

struct Noise : torch::autograd::Function<Noise> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& seed,
                            const std::string& law, const at::Tensor& params,
                            const std::string& site, const std::string& mode, const SymInt& stream,
                            const at::Tensor& draw, const SymInt& row0, const SymInt& width,
                            const OptionalTensor& columns) {
    const at::Tensor mine = kept_draw(draw);
    at::Tensor y, bits;
    if (law == "bernoulli" && mode == "multiply" && !columns && params.dim() < 3 &&
        x.requires_grad() && is_plain(x) && !at::isTensorSubclassLike(draw)) {
      check_noise(x, seed, draw, params, site, mode, columns);
      if (const auto way = bits_of(x, seed, params, site, stream, mine, row0, width)) {
        std::tie(y, bits) = way->forward(x);
      }
    }
    const bool keeps_x = params.requires_grad() && mode == "multiply";
    ctx->save_for_backward(
        {seed, params, mine, value_or_undefined(columns), bits, keeps_x ? x : at::Tensor()});
    ctx->saved_data["law"] = law;
    ctx->saved_data["site"] = site;
    ctx->saved_data["mode"] = mode;
    ctx->saved_data["stream"] = stream;
    ctx->saved_data["row0"] = row0;
    ctx->saved_data["width"] = width;
    if (y.defined()) return y;
    const at::AutoDispatchBelowADInplaceOrView below;
    return call(x, seed, law, params, site, mode, stream, mine, row0, width, columns);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dy) {
    constexpr std::size_t kX = 0, kParams = 2;  // places among the tensors of forward
    const auto& data = ctx->saved_data;
    const std::string law = data.at("law").toStringRef(), site = data.at("site").toStringRef(),
                      mode = data.at("mode").toStringRef();
    const SymInt stream = data.at("stream").toSymInt(), row0 = data.at("row0").toSymInt(),
                 width = data.at("width").toSymInt();
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &seed = saved[0], &params = saved[1], &draw = saved[2], &bits = saved[4];
    const OptionalTensor columns = optional_of(saved[3]);
    variable_list grads(11);
    if (ctx->needs_input_grad(kParams)) {
      grads[3] = noise_params_backward(dy[0], saved[5], seed, law, params, site, mode, stream, draw,
                                       row0, width, columns);
    }
    if (!ctx->needs_input_grad(kX)) return grads;
    if (mode == "add") {
      grads[0] = dy[0];
    } else if (bits.defined() && is_plain(dy[0]) && !records_graph({dy[0]})) {
      const auto way = bits_of(dy[0], seed, params, site, stream, draw, row0, width);
      grads[0] = way->backward(dy[0], bits);
    } else {
      grads[0] = call(dy[0], seed, law, params, site, mode, stream, draw, row0, width, columns);
    }
    return grads;
  }
};

at::Tensor noise_autograd(const at::Tensor& x, const at::Tensor& seed, std::string law,
                          const at::Tensor& params, std::string site, std::string mode,
                          SymInt stream, const at::Tensor& draw, SymInt row0, SymInt width,
                          const OptionalTensor& columns) {
  if (records_graph({params})) {
    check_learned(kOp, law);
    if (has_link(law)) {
      check_noise(x, seed, draw, params, site, mode, columns);
      const at::Tensor zero = at::zeros_like(operand(x.detach()));
      const at::Tensor one = at::ones({1}, params.options().requires_grad(false));
      const at::Tensor s =
          call(zero, seed, "normal", one, site, "add", stream, draw, row0, width, columns);
      return linked_noise(x, s, law, params, site, multiplies(mode));
    }
  }
  return Noise::apply(x, seed, law, params, site, mode, stream, draw, row0, width, columns);
}

/// The overload that takes a number.
at::Tensor noise_numbered(const at::Tensor& x, const at::Tensor& seed, std::string law,
                          const at::Tensor& params, std::string site, std::string mode,
                          SymInt stream, SymInt draw, SymInt row0, SymInt width,
                          const OptionalTensor& columns) {
  return call(x, seed, law, params, site, mode, stream, draw_tensor(draw, seed), row0, width,
              columns);
}

}  // namespace

at::Tensor noise(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                 const at::Tensor& params, const std::string& site, const std::string& mode,
                 std::int64_t stream, const Draw& draw, std::int64_t row0, std::int64_t width,
                 const at::Tensor& columns) {
  return call(x, seed, law, params, site, mode, stream, draw.beside(seed), row0, width,
              optional_of(columns));
}

at::Tensor composition::noise(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                              const at::Tensor& params, const std::string& site,
                              const std::string& mode, std::int64_t stream, const Draw& draw,
                              std::int64_t row0, std::int64_t width, const at::Tensor& columns) {
  TORCH_CHECK(!records_graph({params}), "noise: the composition has no gradient of params");
  return noise_composed(x, seed, law, params, site, mode, stream, draw.beside(seed), row0, width,
                        optional_of(columns));
}

TORCH_LIBRARY_FRAGMENT(scalemix, m) {
  m.def(
      "noise(Tensor x, Tensor seed, str law, Tensor params, str site, str mode, SymInt stream, "
      "SymInt draw, SymInt row0, SymInt width, Tensor? columns) -> Tensor");
  m.def(
      "noise.tensor_draw(Tensor x, Tensor seed, str law, Tensor params, str site, str mode, "
      "SymInt stream, Tensor draw, SymInt row0, SymInt width, Tensor? columns) -> Tensor");
}
TORCH_LIBRARY_IMPL(scalemix, CompositeImplicitAutograd, m) { m.impl("noise", noise_numbered); }
TORCH_LIBRARY_IMPL(scalemix, CPU, m) { m.impl("noise.tensor_draw", noise_cpu); }
TORCH_LIBRARY_IMPL(scalemix, Meta, m) { m.impl("noise.tensor_draw", noise_meta); }
TORCH_LIBRARY_IMPL(scalemix, CompositeExplicitAutograd, m) {
  m.impl("noise.tensor_draw", noise_composed);
}
TORCH_LIBRARY_IMPL(scalemix, Autograd, m) { m.impl("noise.tensor_draw", noise_autograd); }

}  // namespace scalemix::inline v0::op
