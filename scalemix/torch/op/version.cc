// The torch that these ops were built against, as bytes of the library: Python reads them before it
// loads the library, which another torch would answer by aborting (python/scalemix/torch).

#include <torch/version.h>

namespace scalemix::inline v0::op {

extern const char kBuiltAgainst[];
__attribute__((used)) const char kBuiltAgainst[] =
    "scalemix_ops: built against torch " TORCH_VERSION;

}  // namespace scalemix::inline v0::op
