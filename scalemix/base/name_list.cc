#include "scalemix/base/name_list.h"

namespace scalemix::inline v0 {

std::string quoted_name(const std::string& name) {
  const bool plain = !name.empty() && name.front() != ' ' && name.back() != ' ' &&
                     name.find_first_of(",'") == std::string::npos;
  return plain ? name : "'" + name + "'";
}

std::string name_list(std::span<const std::string> names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quoted_name(name);
  return out;
}

}  // namespace scalemix::inline v0
