#include "scalemix/base/known.h"

#include "scalemix/base/name_list.h"
#include "scalemix/base/nearest.h"

namespace scalemix::inline v0 {

std::string unknown(std::string_view kind, std::string_view name,
                    std::span<const std::string> known, std::span<const std::string> also) {
  std::vector<std::string> all(known.begin(), known.end());
  all.insert(all.end(), also.begin(), also.end());
  return unknown_unlisted(kind, name, all) + " (known: " + name_list(known) + ")";
}

std::string unknown_unlisted(std::string_view kind, std::string_view name,
                             std::span<const std::string> known) {
  std::string out = "unknown ";
  out.append(kind).append(" '").append(name).append("'");
  return out + did_you_mean(name, known);
}

std::string not_one_of(std::span<const std::string> known, std::string_view got) {
  std::string out = "must be one of " + name_list(known) + ", got '";
  return out.append(got).append("'") + did_you_mean(got, known);
}

}  // namespace scalemix::inline v0
