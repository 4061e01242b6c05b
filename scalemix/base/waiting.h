// How OpenMP's threads wait for work. GCC's libgomp lets them spin for milliseconds before they
// sleep: beside another busy process they burn the cores that the work needs, and two threads become
// slower than one. A few microseconds bridge the gaps between the loops of a step as well, and a
// thread that sleeps is woken within microseconds.
//
// libgomp reads GOMP_SPINCOUNT while it is loaded, before main(), so a program has it from whoever
// starts it. The command starts itself again with it. A product that links scalemix::runtime, or a
// Python script, sets GOMP_SPINCOUNT=1000 (or OMP_WAIT_POLICY=passive) in its environment if it
// shares its cores.
#pragma once

namespace scalemix::inline v0 {

/// Starts this program again, with GOMP_SPINCOUNT in its environment and the same process number,
/// unless GOMP_SPINCOUNT or OMP_WAIT_POLICY is there. First thing in main(): what has been opened,
/// written or started before is lost. Comes back where nothing is to be done or the system refuses.
void restart_with_short_waits(char** argv);

}  // namespace scalemix::inline v0
