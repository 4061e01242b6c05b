#include "scalemix/cli/products.h"

#include <fmt/format.h>

#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/base/message.h"
#include "scalemix/cli/options.h"
#include "scalemix/data/registry.h"

namespace scalemix::inline v0::cli {
namespace {

std::string share(double s) { return s > 1 ? "never" : fmt::format("from {:.0f} %", 100 * s); }

predict::MeasuredCrossovers kept_in(const std::string& path, bool quiet) {
  try {
    return predict::load_crossovers(path);
  } catch (const DataError& error) {
    if (!quiet) warn(fmt::format("{}: --tune-products measures anew", error.what()));
    return {};
  }
}

predict::Crossover measured(bool quiet) {
  const std::filesystem::path folder = data::cache_folder(), path = folder / "products.json";
  const predict::Crossover out = predict::measure_crossover();
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);  // write_atomically names what fails
  predict::MeasuredCrossovers kept = kept_in(path.string(), true);
  kept[predict::machine()] = out;
  predict::save_crossovers(path.string(), kept);
  if (!quiet) {
    message(fmt::format(
        "scalemix: zeros of weights are left out: one or two rows {}, more {}, images {} "
        "(measured; {})\n",
        share(out.few), share(out.many), share(out.images), path.string()));
  }
  return out;
}

/// Empty where there is no place for a cache.
std::string kept_file() {
  try {
    return data::cache_folder() + "/products.json";
  } catch (const ConfigError&) {
    return {};
  }
}

}  // namespace

void add_products_option(CLI::App& sub, bool& tune) {
  sub.add_flag("--tune-products", tune,
               "Measure once from which share of zero weights on this machine is faster without "
               "them, and keep that in the cache folder");
}

predict::Crossover products_here(bool tune, bool quiet) {
  if (tune) return measured(quiet);
  const std::string path = kept_file();
  if (path.empty()) return {};
  const predict::MeasuredCrossovers kept = kept_in(path, quiet);
  const auto here = kept.find(predict::machine());
  return here == kept.end() ? predict::Crossover{} : here->second;
}

}  // namespace scalemix::inline v0::cli
