// How many cores this process may keep busy: what its affinity and its control groups leave of the
// machine. A container limited to two CPUs of 64 has two; 64 threads there would stand in each
// other's way.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

/// The cores of sched_getaffinity, or the quota of the control groups, rounded up, if that is less;
/// at least 1. Looked up once.
int usable_cores();

/// CPUs of a `cpu.max` of cgroup v2: "150000 100000" is 1.5; nothing for "max 100000" or what is no
/// quota.
std::optional<double> cpu_quota(std::string_view cpu_max);

/// CPUs by cgroup v1's `cpu.cfs_quota_us` and `cpu.cfs_period_us`; nothing for a quota of -1.
std::optional<double> cpu_quota(std::string_view quota_us, std::string_view period_us);

/// The least quota from the control group of this process (`proc_cgroup`: text of
/// /proc/self/cgroup) up to the root, below `mount` (/sys/fs/cgroup); v1 and v2. In a container a
/// path may be the host's, which is not there: then the groups above it count.
std::optional<double> cgroup_quota(std::string_view proc_cgroup, const std::string& mount);

/// cores and quota together, as usable_cores() takes them.
int limited_cores(int cores, std::optional<double> quota);

}  // namespace scalemix::inline v0
