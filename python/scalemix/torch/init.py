"""Critical initial weights, a complement to torch.nn.init."""

from __future__ import annotations

import math
from typing import Optional

import torch
from torch import Tensor


def critical_(
    w: Tensor, activation: str = "relu", law: str = "none", generator: Optional[torch.Generator] = None
) -> Tensor:
    """Fills w (O, I), (O, C, k, k), ... with N(0, sigma_w^2 / fan_in) in place and returns it.

    sigma_w^2 is the variance at which squared gradients neither grow nor shrink through layers of `activation`
    ("relu", "tanh", "leaky_relu:slope=0.1") with the multiplicative noise `law` ("bernoulli:p=0.5"; "none" for
    none) on their input. Biases belong at zero. Raises RuntimeError, with the reason, where there is none.
    """
    if w.dim() < 2 or not w.is_floating_point():
        raise ValueError(f"critical_: expected floating w of at least 2 dimensions, got {w.dtype} {tuple(w.shape)}")
    variance = torch.ops.scalemix.critical_variance(activation, law)
    if w.numel() == 0:
        return w
    with torch.no_grad():
        return w.normal_(0, math.sqrt(variance / (w.numel() // w.shape[0])), generator=generator)
