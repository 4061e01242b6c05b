// What to say about a name that no table has, in one sentence for all tables:
//
//   unknown law 'gausian', did you mean 'gaussian'? (known: bernoulli, gaussian, uniform)
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/error.h"

namespace scalemix::inline v0 {

/// The sentence. The nearest is sought in `known` and in `also`: other names that are not listed.
std::string unknown(std::string_view kind, std::string_view name,
                    std::span<const std::string> known, std::span<const std::string> also = {});

/// The sentence without its list, for what `--help` lists.
std::string unknown_unlisted(std::string_view kind, std::string_view name,
                             std::span<const std::string> known);

/// "must be one of auto, yes, no, got 'yse', did you mean 'yes'?"
std::string not_one_of(std::span<const std::string> known, std::string_view got);

/// The row of a table whose `name` is `name`. Throws E with the sentence if there is none.
template <class E = ConfigError, class Rows>
const auto& find_row(std::string_view kind, std::string_view name, const Rows& rows) {
  std::vector<std::string> known;
  for (const auto& row : rows) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw E(unknown(kind, name, known));
}

}  // namespace scalemix::inline v0
