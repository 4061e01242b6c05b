#include "scalemix/base/nearest.h"

#include <algorithm>

#include "scalemix/base/synonym.h"

namespace scalemix::inline v0 {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t n = b.size();
  // Three rows of the table: two above, one above, and the current one.
  std::vector<std::size_t> older(n + 1), old(n + 1), now(n + 1);
  for (std::size_t j = 0; j <= n; ++j) old[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= n; ++j) {
      const std::size_t change = old[j - 1] + (a[i - 1] != b[j - 1]);
      now[j] = std::min({old[j] + 1, now[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], older[j - 2] + 1);
      }
    }
    std::swap(older, old);
    std::swap(old, now);
  }
  return old[n];
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::string sought = lower(word);
  std::string best;
  std::size_t least = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(sought, lower(candidate));
    const std::size_t allowed =
        std::max<std::size_t>(1, std::max(word.size(), candidate.size()) / 3);
    if (distance > allowed || (!best.empty() && distance >= least)) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  std::string best = synonym(word, candidates);
  if (best.empty()) best = nearest(word, candidates);
  return best.empty() ? "" : ", did you mean '" + best + "'?";
}

}  // namespace scalemix::inline v0
