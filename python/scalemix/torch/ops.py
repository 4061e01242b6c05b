"""The ops as functions; every tensor has a leading replica axis R, and a seed is int64 (R).

    seed = torch.tensor([1])
    x = torch.randn(1, 32, 100, requires_grad=True)          # (R, N, K)
    y = noise(x, seed, "bernoulli", [0.5], stream=stream_id("train", 0), draw=0)

`draw` is the training step or Monte-Carlo sample: an int, or an int64 tensor of shape () on x's device. Under
torch.compile a counter belongs in a tensor: compilers specialise on ints.
"""

from __future__ import annotations

from typing import Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

_ops = torch.ops.scalemix


def _overload(packet, draw: Union[int, Tensor]):
    """The one for draw's type, named: left to itself a packet takes a tensor of one int for an int."""
    return packet.tensor_draw if isinstance(draw, Tensor) else packet.default


PURPOSES = ("train", "predict", "init", "shuffle", "augment", "generate")


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
    draw: Union[int, Tensor],
    row0: int = 0,
    width: int = 0,
    columns: Optional[Tensor] = None,
) -> Tensor:
    """x (R, N, ...) times, or plus, draws of `law` at a site: unit, channel, layer or weight.

    `params` are the law's native parameters in order: (P) for all, (R, P) per replica, or (R, K, P) per replica
    and column. Mode "multiply" draws z / E z where the mean is finite and not zero, "add" draws z. Laws with an
    explicit transform (gaussian, uniform, laplace, lognormal, rayleigh, half_cauchy, logistic_normal) have a
    gradient of `params`; the others refuse params that require one.
    """
    if not isinstance(params, Tensor):
        params = torch.tensor(params, dtype=torch.float64)
    return _overload(_ops.noise, draw)(x, seed, law, params, site, mode, stream, draw, row0, width, columns)


def reparam(
    mean: Tensor,
    var: Tensor,
    seed: Tensor,
    *,
    stream: int,
    draw: Union[int, Tensor],
    row0: int = 0,
    width: int = 0,
    columns: Optional[Tensor] = None,
) -> Tensor:
    """mean + sqrt(var + 1e-8) * zeta, both (R, N, ...): local reparameterisation."""
    return _overload(_ops.reparam, draw)(mean, var, seed, stream, draw, row0, width, columns)


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
    draw: Union[int, Tensor],
    row0: int = 0,
) -> Tuple[Tensor, Tensor]:
    """(y (R, N, O), penalty (R)): a dense layer of sparse variational dropout as one node."""
    return _overload(_ops.svdo_linear, draw)(x, w, log_sigma2, b, seed, stream, draw, row0)
