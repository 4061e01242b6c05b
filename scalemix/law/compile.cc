#include "scalemix/law/compile.h"

#include <cmath>
#include <map>
#include <mutex>
#include <vector>

namespace scalemix::inline v0::law {
namespace {

/// The tables of one kind: those in use, and the last used.
template <class Table>
class Tables {
 public:
  template <class Make>
  std::shared_ptr<const Table> get(const std::string& key, const Make& make) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<const Table> table = held_[key].lock();
    if (!table) held_[key] = table = std::make_shared<const Table>(make());
    std::erase(last_, table);
    last_.push_back(table);
    if (last_.size() > kKeptTables) last_.erase(last_.begin());
    std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
    return table;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const Table>> held_;
  std::vector<std::shared_ptr<const Table>> last_;  // the last used at the end
};

}  // namespace

std::shared_ptr<const CubicTable> shared_table(const std::string& key, const Quantile& quantile) {
  static Tables<CubicTable> tables;
  return tables.get(key, [&] { return cubic_table(quantile); });
}

std::shared_ptr<const StepTable> shared_steps(const std::string& key, const Quantile& quantile) {
  static Tables<StepTable> tables;
  return tables.get(key, [&] { return step_table(quantile); });
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
