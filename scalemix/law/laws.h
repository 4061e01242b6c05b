// Every law of laws.inc as a type.
//
//   for_each_law([]<class L>(std::type_identity<L>) { ... L::kName ... });
#pragma once

#include <type_traits>

#define SCALEMIX_LAW(Class, name)
#include "scalemix/law/laws.inc"
#undef SCALEMIX_LAW

namespace scalemix::inline v0::law {

template <class Visit>
void for_each_law(Visit&& visit) {
#define SCALEMIX_LAW(Class, name) visit(std::type_identity<Class>{});
#include "scalemix/law/laws.inc"
#undef SCALEMIX_LAW
}

#define SCALEMIX_LAW(Class, name) static_assert(NoiseLaw<Class> && Class::kName == name);
#include "scalemix/law/laws.inc"
#undef SCALEMIX_LAW

}  // namespace scalemix::inline v0::law
