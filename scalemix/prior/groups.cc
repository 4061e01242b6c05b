#include "scalemix/prior/groups.h"

#include <stdexcept>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::prior {
namespace {

std::size_t groups_of(Group group, const Weights& w) {
  switch (group) {
    case Group::weight:
      return w.count();
    case Group::filter:
      return w.out;
    case Group::matrix:
      return 1;
    default:
      return w.in;
  }
}

std::size_t block_of(Group group, const Weights& w) {
  switch (group) {
    case Group::weight:
      return 1;
    case Group::filter:
      return w.in * w.window;
    case Group::matrix:
      return w.count();
    default:
      return w.window;
  }
}

}  // namespace

Groups::Groups(Group group, const Weights& weights)
    : group_(group),
      count_(weights.count()),
      groups_(groups_of(group, weights)),
      block_(block_of(group, weights)) {
  if (count_ == 0) fail<std::domain_error>("groups", "expected a layer with weights", 0);
}

}  // namespace scalemix::inline v0::prior
