#include "scalemix/base/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace scalemix::inline v0 {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::optional<double> least(std::optional<double> a, std::optional<double> b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

/// The quota of one folder of either version.
std::optional<double> folder_quota(const std::string& folder) {
  if (const auto max = read_text(folder + "/cpu.max")) return cpu_quota(*max);
  const auto quota = read_text(folder + "/cpu.cfs_quota_us");
  const auto period = read_text(folder + "/cpu.cfs_period_us");
  return quota && period ? cpu_quota(*quota, *period) : std::nullopt;
}

/// The least quota of `group` ("/a/b") and all above it, below `mount`.
std::optional<double> path_quota(const std::string& mount, std::string group) {
  std::optional<double> quota;
  for (;; group.resize(group.rfind('/'))) {
    if (group == "/") group.clear();
    quota = least(quota, folder_quota(mount + group));
    if (group.empty()) return quota;
  }
}

bool lists_cpu(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

/// Cores of the affinity mask; it may be larger than a cpu_set_t, which then says nothing.
int affinity() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

std::optional<double> cpu_quota(std::string_view cpu_max) {
  std::istringstream in{std::string(cpu_max)};
  std::string quota, period;
  in >> quota >> period;
  return cpu_quota(quota, period);
}

std::optional<double> cpu_quota(std::string_view quota_us, std::string_view period_us) {
  double quota = 0, period = 0;
  const bool numbers = (std::istringstream{std::string(quota_us)} >> quota) &&
                       (std::istringstream{std::string(period_us)} >> period);
  if (!numbers || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::optional<double> cgroup_quota(std::string_view proc_cgroup, const std::string& mount) {
  std::optional<double> quota;
  std::istringstream lines{std::string(proc_cgroup)};
  for (std::string line; std::getline(lines, line);) {  // number:controllers:/group
    const std::size_t one = line.find(':'), two = line.find(':', one + 1);
    if (two == std::string::npos || two + 1 == line.size() || line[two + 1] != '/') continue;
    const std::string controllers = line.substr(one + 1, two - one - 1);
    const std::string group = line.substr(two + 1);
    if (controllers.empty()) {
      quota = least(quota, path_quota(mount, group));
    } else if (lists_cpu(controllers)) {
      quota = least(quota, path_quota(mount + "/" + controllers, group));
      quota = least(quota, path_quota(mount + "/cpu", group));
    }
  }
  return quota;
}

int limited_cores(int cores, std::optional<double> quota) {
  const double most = quota ? std::ceil(*quota) : cores;
  return std::max(1, static_cast<int>(std::min<double>(cores, most)));
}

int usable_cores() {
  static const int cores = limited_cores(
      affinity(), cgroup_quota(read_text("/proc/self/cgroup").value_or(""), "/sys/fs/cgroup"));
  return cores;
}

}  // namespace scalemix::inline v0
