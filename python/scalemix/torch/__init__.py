"""Multiplicative noise for PyTorch: ops, modules and initial weights.

    import scalemix.torch as sx

    net = torch.nn.Sequential(
        torch.nn.Linear(784, 300), torch.nn.ReLU(), sx.Noise("bernoulli:p=0.5"), sx.SvdoLinear(300, 10)
    )
    sx.critical_(net[0].weight, "relu")

Noise is a pure function of (seed, stream, draw, element): the same numbers in C++ and Python, on any number
of threads, and again in the backward pass. A module keeps its seed and a counter of steps as buffers.

The ops are compiled, against one version of torch. They are the file named by the environment variable
SCALEMIX_OPS, or libscalemix_ops.so beside this file; import raises ImportError, naming both versions, where
the torch that is running is another.
"""

from __future__ import annotations

from scalemix.torch import _library

_library.load()

from scalemix.torch.init import critical_  # noqa: E402
from scalemix.torch.modules import Noise, SvdoConv2d, SvdoLinear  # noqa: E402
from scalemix.torch.ops import noise, reparam, stream_id, svdo_linear, svdo_terms  # noqa: E402

__all__ = [
    "Noise", "SvdoConv2d", "SvdoLinear", "critical_", "noise", "reparam", "stream_id", "svdo_linear",
    "svdo_terms",
]
