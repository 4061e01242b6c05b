// From a law to the samplers of its multiplier and of its raw draws.
//
// Tables depend on the law's shape alone and are shared by everything that needs the same one:
// gaussian:alpha=0.1, gaussian:alpha=0.2 and normal read one table and differ in shift and scale.
// To make one takes a millisecond or more, so the last kKeptTables outlive whoever used them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "scalemix/law/law.h"
#include "scalemix/law/sampler.h"
#include "scalemix/law/table.h"

namespace scalemix::inline v0::law {

struct Compiled {
  Sampler multiplier, raw;
  std::shared_ptr<const void> table;  // keeps what the samplers point at
};

/// Of each kind of table, how many are kept that nobody uses; 12 to 190 kB each.
inline constexpr std::size_t kKeptTables = 32;

/// The shared table of that key, built from `quantile` if there is none now. Thread-safe.
std::shared_ptr<const CubicTable> shared_table(const std::string& key, const Quantile& quantile);
std::shared_ptr<const StepTable> shared_steps(const std::string& key, const Quantile& quantile);

/// The key of a law's own table: its name and the exact values.
std::string table_key(std::string_view name, std::span<const double> values);

/// z = shift + scale * T.
Sampler affine_sampler(double shift, double scale);
Sampler table_sampler(const CubicTable& table, double shift, double scale);
Sampler step_sampler(const StepTable& table, double scale);
/// Drops with probability p, to the nearest 2^-23.
Sampler bernoulli_sampler(double p, double keep);

/// `values` are the parameters that `law` was made from.
template <NoiseLaw L>
Compiled compile(const L& law, std::span<const double> values) {
  const double divisor = normalised(law.mean()) ? law.mean() : 1;
  if constexpr (requires { law.drop(); }) {
    return {bernoulli_sampler(law.drop(), 1 / divisor), bernoulli_sampler(law.drop(), 1), nullptr};
  } else if constexpr (kIsDiscrete<L>) {
    auto table =
        shared_steps(table_key(L::kName, values), [&](double u) { return law.quantile(u); });
    return {step_sampler(*table, 1 / divisor), step_sampler(*table, 1), table};
  } else if constexpr (LocationScale<L>) {
    const double shift = law.shift(), spread = law.spread();
    if constexpr (L::kStandard == "uniform") {
      return {affine_sampler(shift / divisor, spread / divisor), affine_sampler(shift, spread),
              nullptr};
    } else {
      auto table = shared_table(std::string(L::kStandard), L::standard_quantile);
      return {table_sampler(*table, shift / divisor, spread / divisor),
              table_sampler(*table, shift, spread), table};
    }
  } else {
    auto table = shared_table(table_key(L::kName, values),
                              [&](double u) { return law.quantile(u) / divisor; });
    return {table_sampler(*table, 0, 1), table_sampler(*table, 0, divisor), table};
  }
}

/// Samplers of the law with other values from what `own` of the same law holds, without allocation:
/// false where its draws are not of one table shifted and scaled. Throws as the law's constructor
/// does.
template <NoiseLaw L>
bool move(const Compiled& own, std::span<const double> values, Sampler& multiplier, Sampler& raw) {
  const L law(values);
  const double divisor = normalised(law.mean()) ? law.mean() : 1;
  if constexpr (requires { law.drop(); }) {
    multiplier = bernoulli_sampler(law.drop(), 1 / divisor);
    raw = bernoulli_sampler(law.drop(), 1);
    return true;
  } else if constexpr (LocationScale<L> && !kIsDiscrete<L>) {
    multiplier = raw = own.raw;
    multiplier.shift = static_cast<float>(law.shift() / divisor);
    multiplier.scale = static_cast<float>(law.spread() / divisor);
    raw.shift = static_cast<float>(law.shift());
    raw.scale = static_cast<float>(law.spread());
    return true;
  } else {
    return false;
  }
}

}  // namespace scalemix::inline v0::law
