// What a network is asked for.
#pragma once

namespace scalemix::inline v0 {

enum class Task { regression, classification };

}  // namespace scalemix::inline v0
