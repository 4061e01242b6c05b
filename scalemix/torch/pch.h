// Precompiled for every source under torch/: the two headers that cost most.
#pragma once

#include <torch/library.h>
#include <torch/torch.h>
