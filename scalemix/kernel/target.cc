#include "scalemix/kernel/target.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <mutex>

#include "scalemix/base/error.h"

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/target.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
std::int64_t this_target() { return HWY_TARGET; }
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(this_target);

std::string lower_name(std::int64_t target) {
  std::string name = hwy::TargetName(target);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// What the CPU has and the compiler made, whatever is forced at the moment.
const std::vector<std::int64_t>& attainable() {
  static const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  return targets;
}

std::int64_t find_target(std::string_view name) {
  std::string all;
  for (const std::int64_t target : attainable()) {
    if (lower_name(target) == name) return target;
    all += (all.empty() ? "" : ", ") + lower_name(target);
  }
  throw ConfigError("SIMD target '" + std::string(name) + "' is not available here; there are " +
                    all);
}

void take(std::string_view name) {
  attainable();  // asked before anything is forced
  hwy::SetSupportedTargetsForTest(name.empty() ? 0 : find_target(name));
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::once_flag environment_read;

}  // namespace

void init_target() {
  std::call_once(environment_read, [] {
    if (const char* name = std::getenv("SCALEMIX_TARGET")) take(name);
  });
}

std::string active_target() {
  init_target();
  return lower_name(HWY_DYNAMIC_DISPATCH(this_target)());
}

std::vector<std::string> available_targets() {
  std::vector<std::string> names;
  for (const std::int64_t target : attainable()) names.push_back(lower_name(target));
  return names;
}

void force_target(std::string_view name) {
  std::call_once(environment_read, [] {});  // a target forced by a call wins over the environment
  take(name);
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
