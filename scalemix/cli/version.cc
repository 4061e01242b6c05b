#include "scalemix/cli/version.h"

#include <cblas.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/highway.h>
#include <oneapi/dnnl/dnnl.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/parallel.h"
#include "scalemix/base/version.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/kernel/target.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

/// "0.3.21" of "OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY ...".
std::string openblas_version() {
  const std::string config = openblas_get_config();
  const std::size_t first = config.find(' ') + 1;
  return config.substr(first, config.find(' ', first) - first);
}

ordered_json libraries() {
  return {{"onednn", onednn_version()},
          {"openblas", openblas_version()},
          {"highway", fmt::format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH)}};
}

std::string compiler() {
#ifdef __clang__
  return fmt::format("Clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

int print_version(std::ostream& out, bool json) {
  kernel::init_target();
  const ordered_json facts = {{"version", kVersion},
                              {"simd_target", kernel::active_target()},
                              {"simd_targets", kernel::available_targets()},
                              {"threads", threads()},
                              {"libraries", libraries()},
                              {"compiler", compiler()}};
  if (json) {
    out << facts.dump(2) << '\n';
    return kSuccess;
  }
  out << fmt::format("scalemix {}\n", kVersion);
  out << fmt::format("SIMD      {} (this CPU also runs: {})\n", kernel::active_target(),
                     fmt::join(kernel::available_targets(), ", "));
  out << fmt::format("threads   {}\n", threads());
  for (const auto& [name, version] : facts["libraries"].items()) {
    out << fmt::format("{:<9} {}\n", name, version.get<std::string>());
  }
  out << fmt::format("compiler  {}\n", compiler());
  return kSuccess;
}

}  // namespace scalemix::inline v0::cli
