// How OpenMP's threads wait for work. GCC's libgomp lets them spin for milliseconds before they
// sleep: beside another busy process they burn the cores that the work needs, and two threads become
// slower than one. 10 000 rounds of a wait, some 0.1 to 0.5 ms, bridge the gaps between the loops of
// a step; a tenth of that does not, and waking a thread for each product made a small dense network's
// step 1.2 to 1.4 times as long.
//
// libgomp reads GOMP_SPINCOUNT while it is loaded, before main(), so a program has it from whoever
// starts it. The command starts itself again with it. A product that links scalemix::runtime, or a
// Python script, sets GOMP_SPINCOUNT=10000 (or OMP_WAIT_POLICY=passive) in its environment if it
// shares its cores.
#pragma once

namespace scalemix::inline v0 {

/// Starts this program again, with GOMP_SPINCOUNT in its environment and the same process number,
/// unless GOMP_SPINCOUNT or OMP_WAIT_POLICY is there. First thing in main(): what has been opened,
/// written or started before is lost. Comes back where nothing is to be done or the system refuses.
void restart_with_short_waits(char** argv);

}  // namespace scalemix::inline v0
