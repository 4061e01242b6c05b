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

predict::Crossover measured(bool quiet) {
  const std::filesystem::path folder = data::cache_folder(), path = folder / "products.json";
  const predict::Crossover out = predict::measure_crossover();
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);  // write_atomically names what fails
  predict::save_crossover(path.string(), {predict::machine(), out});
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
  try {
    const auto kept = predict::load_crossover(path);
    if (!kept) return {};
    if (kept->machine == predict::machine()) return kept->crossover;
    if (!quiet) {
      warn(fmt::format("{} was measured on {}, not here: --tune-products measures anew", path,
                       kept->machine));
    }
  } catch (const DataError& error) {
    if (!quiet) warn(fmt::format("{}: --tune-products measures anew", error.what()));
  }
  return {};
}

}  // namespace scalemix::inline v0::cli
