"""Multiplicative noise for PyTorch: the differentiable ops of scalemix.

    import torch, scalemix
    seed = torch.tensor([1])                                # one a replica
    x = torch.randn(1, 32, 100, requires_grad=True)         # (R, N, K)
    y = scalemix.noise(x, seed, "bernoulli", [0.5], stream=scalemix.stream_id("train", 0), draw=0)

Noise is a pure function of (seed, stream, draw, element): the same numbers in C++ and Python, on any number
of threads, and again in the backward pass. Every tensor has a leading replica axis R; seeds are int64 (R).

The compiled ops are the file named by the environment variable SCALEMIX_OPS, or libscalemix_ops.so beside
this file. They must have been built against the LibTorch of the installed torch.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

__all__ = ["linear", "noise", "reparam", "stream_id", "svdo_linear", "svdo_terms"]

PURPOSES = ("train", "predict", "init", "shuffle", "augment", "generate")


def _library() -> Path:
    """The compiled ops; raises ImportError saying where they were looked for."""
    named = os.environ.get("SCALEMIX_OPS")
    path = Path(named) if named else Path(__file__).parent / "libscalemix_ops.so"
    if not path.is_file():
        raise ImportError(
            f"scalemix: no compiled ops at {path}; build the target scalemix_ops and name the library "
            "in SCALEMIX_OPS"
        )
    return path


torch.ops.load_library(str(_library()))
_ops = torch.ops.scalemix


def stream_id(purpose: str, site: int) -> int:
    """Number of a site's stream: purpose in the upper 4 of 32 bits, site in the lower 28."""
    if purpose not in PURPOSES:
        raise ValueError(f"stream: expected a purpose of {', '.join(PURPOSES)}, got {purpose}")
    if not 0 <= site < 1 << 28:
        raise ValueError(f"stream: site must be in [0, 2^28), got {site}")
    return PURPOSES.index(purpose) << 28 | site


def noise(
    x: Tensor,
    seed: Tensor,
    law: str,
    params: Union[Tensor, Sequence[float]],
    *,
    site: str = "unit",
    mode: str = "multiply",
    stream: int,
    draw: int,
    row0: int = 0,
    width: int = 0,
    columns: Optional[Tensor] = None,
) -> Tensor:
    """x (R, N, ...) times, or plus, draws of `law` at a site: unit, channel, layer or weight.

    `params` are the law's native parameters in order, (P) or (R, P). Mode "multiply" draws z / E z where the
    mean is finite and not zero, "add" draws z.
    """
    if not isinstance(params, Tensor):
        params = torch.tensor(params, dtype=torch.float64)
    return _ops.noise(x, seed, law, params, site, mode, stream, draw, row0, width, columns)


def linear(x: Tensor, w: Tensor, b: Optional[Tensor] = None) -> Tensor:
    """x (R, N, I) w^T (R, O, I) + b (R, O), one replica's product at a time."""
    return _ops.linear(x, w, b)


def reparam(
    mean: Tensor,
    var: Tensor,
    seed: Tensor,
    *,
    stream: int,
    draw: int,
    row0: int = 0,
    width: int = 0,
    columns: Optional[Tensor] = None,
) -> Tensor:
    """mean + sqrt(var + 1e-8) * zeta, both (R, N, ...): local reparameterisation."""
    return _ops.reparam(mean, var, seed, stream, draw, row0, width, columns)


def svdo_terms(w: Tensor, log_sigma2: Tensor) -> Tuple[Tensor, Tensor]:
    """(sigma2 (R, ...), penalty (R) in nats) of the weights of sparse variational dropout."""
    return _ops.svdo_terms(w, log_sigma2)


def svdo_linear(
    x: Tensor,
    w: Tensor,
    log_sigma2: Tensor,
    b: Optional[Tensor] = None,
    *,
    seed: Tensor,
    stream: int,
    draw: int,
    row0: int = 0,
) -> Tuple[Tensor, Tensor]:
    """(y (R, N, O), penalty (R)): a dense layer of sparse variational dropout as one node."""
    return _ops.svdo_linear(x, w, log_sigma2, b, seed, stream, draw, row0)
