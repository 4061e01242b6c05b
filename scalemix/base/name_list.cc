#include "scalemix/base/name_list.h"

#include <algorithm>

#include "scalemix/base/limits.h"
#include "scalemix/base/printable.h"

namespace scalemix::inline v0 {
namespace {

constexpr std::size_t kMostName = 80;  // bytes

}  // namespace

std::string quoted_name(const std::string& text) {
  const std::string name = printable(text);
  const bool plain = !name.empty() && name.front() != ' ' && name.back() != ' ' &&
                     name.find_first_of(",'") == std::string::npos;
  return plain ? name : "'" + name + "'";
}

std::string name_list(std::span<const std::string> names) {
  std::string out;
  for (const std::string& name : names.first(std::min(names.size(), kMostListed))) {
    out += (out.empty() ? "" : ", ") + quoted_name(shortened(name, kMostName));
  }
  if (names.size() > kMostListed) {
    out += " and " + std::to_string(names.size() - kMostListed) + " more";
  }
  return out;
}

}  // namespace scalemix::inline v0
