#include "scalemix/torch/op/laws.h"

#include <torch/torch.h>

namespace scalemix::inline v0::op {

void check_params(const char* op, const at::Tensor& params, const c10::SymInt& replicas,
                  const c10::SymInt& columns) {
  const at::ScalarType type = params.scalar_type();
  TORCH_CHECK_TYPE(type == at::kDouble || type == at::kFloat, op,
                   ": expected params of type float64 or float32, got ", type_name(type));
  const std::int64_t dims = params.dim();
  TORCH_CHECK(dims >= 1 && dims <= 3, op,
              ": expected params of shape (P), (R, P) or (R, columns, P), got ",
              params.sym_sizes());
  if (dims == 2) check_shape(op, "params", params, {replicas, params.sym_size(1)});
  if (dims == 3) check_shape(op, "params", params, {replicas, columns, params.sym_size(2)});
}

void check_learned(const char* op, const std::string& law) {
  std::string learned;
  for (const law::LawRow& row : law::laws()) {
    std::vector<double> values;
    for (const Parameter& p : row.parameters) values.push_back(p.value);
    if (!law::AnyLaw::make(row.name, values).pathwise()) continue;
    if (row.name == law) return;
    learned.append(learned.empty() ? "" : ", ").append(row.name);
  }
  TORCH_CHECK(false, op, ": the params of ", law,
              " have no gradient and must not require one; those of these laws have: ", learned);
}

std::vector<law::AnyLaw> laws_of(const std::string& name, const at::Tensor& params) {
  const at::Tensor host = params.detach().to(at::kCPU, at::kDouble).contiguous();
  const auto count = static_cast<std::size_t>(host.size(-1));
  const std::size_t laws = count ? static_cast<std::size_t>(host.numel()) / count : 0;
  std::vector<law::AnyLaw> result;
  result.reserve(laws);
  for (std::size_t k = 0; k < laws; ++k) {
    result.push_back(law::AnyLaw::make(name, {host.const_data_ptr<double>() + k * count, count}));
  }
  return result;
}

Samplers samplers_of(const std::vector<law::AnyLaw>& laws, bool multiply) {
  Samplers result;
  for (const law::AnyLaw& law : laws) result.push_back(multiply ? &law.multiplier() : &law.raw());
  return result;
}

Samplers slopes_of(const std::vector<law::AnyLaw>& laws, std::size_t i, bool multiply) {
  Samplers result;
  for (const law::AnyLaw& law : laws) {
    result.push_back(multiply ? &law.multiplier_slopes(i) : &law.raw_slopes(i));
  }
  return result;
}

}  // namespace scalemix::inline v0::op
