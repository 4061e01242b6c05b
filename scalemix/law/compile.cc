#include "scalemix/law/compile.h"

#include <cmath>
#include <map>
#include <mutex>

namespace scalemix::inline v0::law {
namespace {

struct Tables {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<const CubicTable>> held;
};

Tables& tables() {
  static Tables all;
  return all;
}

}  // namespace

std::shared_ptr<const CubicTable> shared_table(const std::string& key, const Quantile& quantile) {
  Tables& all = tables();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.held, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = all.held.find(key); found != all.held.end()) {
    if (auto table = found->second.lock()) return table;
  }
  auto table = std::make_shared<const CubicTable>(cubic_table(quantile));
  all.held[key] = table;
  return table;
}

std::string table_key(std::string_view name, std::span<const double> values) {
  std::string key(name);
  for (const double v : values) key.append(reinterpret_cast<const char*>(&v), sizeof v);
  return key;
}

Sampler affine_sampler(double shift, double scale) {
  Sampler s;
  s.kind = Sampler::Kind::affine;
  s.shift = static_cast<float>(shift);
  s.scale = static_cast<float>(scale);
  return s;
}

Sampler table_sampler(const CubicTable& table, double shift, double scale) {
  Sampler s = affine_sampler(shift, scale);
  s.kind = Sampler::Kind::table;
  s.table = table.coefficients.data();
  s.split = table.split;
  return s;
}

Sampler step_sampler(const StepTable& table, double scale) {
  Sampler s;
  s.kind = Sampler::Kind::steps;
  s.shift = 0;
  s.scale = static_cast<float>(scale);
  s.thresholds = table.thresholds.data();
  s.start = table.start.data();
  return s;
}

Sampler bernoulli_sampler(double p, double keep) {
  Sampler s;
  s.kind = Sampler::Kind::bernoulli;
  s.cut = static_cast<std::uint32_t>(std::floor(p * 0x1p23 + 0.5));
  s.keep = static_cast<float>(keep);
  return s;
}

}  // namespace scalemix::inline v0::law
