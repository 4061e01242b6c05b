"""torch.nn modules over the ops. No replica axis: shapes are those of torch.nn.

train(): fresh noise each call, and the counter `draw` goes up by one. eval(): no draw. `seed` and `draw` are
buffers: saved, loaded and moved with the module, so that a resumed training goes on with the noise it would
have drawn. The counter is a tensor because torch.compile specialises on ints, and would compile again each
step.

Arguments that all modules share:

    seed      64-bit seed; None: one from torch's generator, so that torch.manual_seed repeats a run. Modules
              with one seed draw the same noise unless their streams differ
    stream    number of the stream, from stream_id
    row0      attribute, 0: position of the batch's first row in the global batch, of a rank that has a part of it
"""

from __future__ import annotations

import math
from typing import Optional, Tuple, Union

import torch
from torch import Tensor, nn
from torch.nn import functional

_ops = torch.ops.scalemix
_Pair = Union[int, Tuple[int, int]]


class _Draws(nn.Module):
    """Seed, counter and stream of a module."""

    seed: Tensor
    draw: Tensor

    def __init__(self, seed: Optional[int], stream: int):
        super().__init__()
        number = torch.randint(2**63 - 1, (1,)) if seed is None else torch.tensor([seed])
        self.register_buffer("seed", number)
        self.register_buffer("draw", torch.zeros((), dtype=torch.int64))
        self.stream = stream
        self.row0 = 0


class Noise(_Draws):
    """x (N, ...) times, or plus, draws of a law: Noise("bernoulli:p=0.5", "channel").

    site: unit, channel (x of (N, C, ...)), layer, or weight (x of (O, I, ...)) share a draw; mode: multiply or
    add. eval(): x times the multiplier's centre (1 where it has mean 1, else its median), or plus the mean.
    """

    def __init__(
        self, law: str, site: str = "unit", mode: str = "multiply", seed: Optional[int] = None, stream: int = 0
    ):
        super().__init__(seed, stream)
        if site not in ("unit", "channel", "layer", "weight"):
            raise ValueError(f"Noise: expected a site of unit, channel, layer, weight, got {site}")
        if mode not in ("multiply", "add"):
            raise ValueError(f"Noise: expected a mode of multiply, add, got {mode}")
        self.law = law
        self.name, values, centre, mean = _ops.read_law(law)
        if mode == "add" and not math.isfinite(mean):
            raise ValueError(f"Noise: the mean of {self.law} must be finite to be added, got {mean}")
        self.site, self.mode = site, mode
        self.stand_in = centre if mode == "multiply" else mean  # of the draw, in eval()
        self.params = torch.tensor(values, dtype=torch.float64)  # stays on the host, in float64

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x * self.stand_in if self.mode == "multiply" else x + self.stand_in
        y = _ops.noise.tensor_draw(
            x.unsqueeze(0), self.seed, self.name, self.params, self.site, self.mode, self.stream, self.draw,
            self.row0, 0, None,
        )
        self.draw.add_(1)
        return y.squeeze(0)

    def extra_repr(self) -> str:
        return f"{self.law}, site={self.site}, mode={self.mode}"


class _Svdo(_Draws):
    """Weights N(weight, exp(log_sigma2)) of sparse variational dropout (Molchanov, Ashukha & Vetrov 2017)."""

    def __init__(
        self, shape: Tuple[int, ...], bias: bool, threshold: float, init_log_sigma2: float, seed: Optional[int],
        stream: int,
    ):
        super().__init__(seed, stream)
        self.threshold, self.init_log_sigma2 = threshold, init_log_sigma2
        self.weight = nn.Parameter(torch.empty(shape))
        self.log_sigma2 = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(shape[0])) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Means as torch.nn.Linear starts them."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        nn.init.constant_(self.log_sigma2, self.init_log_sigma2)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight[0].numel())
            nn.init.uniform_(self.bias, -bound, bound)

    def penalty(self) -> Tensor:
        """Nats, float64 (), summed over the weights: add it to the mean loss over the rows of the training set."""
        return _ops.svdo_terms(self.weight.unsqueeze(0), self.log_sigma2.unsqueeze(0))[1].squeeze(0)

    def kept(self) -> Tensor:
        """Bool, the shape of weight: false where log alpha >= threshold, where a weight counts as zero."""
        with torch.no_grad():
            return self.log_sigma2 - (self.weight.square() + 1e-8).log() < self.threshold

    def kept_weight(self) -> Tensor:
        return self.weight.masked_fill(~self.kept(), 0)


class SvdoLinear(_Svdo):
    """torch.nn.Linear by sparse variational dropout; y (..., out) of x (..., in), every leading place is a row.

    threshold: a weight whose log alpha = log_sigma2 - log(weight^2 + 1e-8) is at or above it counts as zero in
    eval(). Add penalty() / training rows to the mean loss.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, threshold: float = 3.0,
        init_log_sigma2: float = -10.0, seed: Optional[int] = None, stream: int = 0,
    ):
        super().__init__((out_features, in_features), bias, threshold, init_log_sigma2, seed, stream)
        self.in_features, self.out_features = in_features, out_features

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return functional.linear(x, self.kept_weight(), self.bias)
        bias = None if self.bias is None else self.bias.unsqueeze(0)
        y, _ = _ops.svdo_linear.tensor_draw(
            x.reshape(1, -1, self.in_features), self.weight.unsqueeze(0), self.log_sigma2.unsqueeze(0), bias,
            self.seed, self.stream, self.draw, self.row0,
        )
        self.draw.add_(1)
        return y.reshape(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class SvdoConv2d(_Svdo):
    """torch.nn.Conv2d by sparse variational dropout, x (N, C, H, W); one draw per output pixel and channel."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: _Pair, stride: _Pair = 1, padding: _Pair = 0,
        dilation: _Pair = 1, groups: int = 1, bias: bool = True, threshold: float = 3.0,
        init_log_sigma2: float = -10.0, seed: Optional[int] = None, stream: int = 0,
    ):
        if groups < 1 or in_channels % groups != 0:
            raise ValueError("SvdoConv2d: in_channels must be divisible by groups")
        kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        shape = (out_channels, in_channels // groups, *kernel)
        super().__init__(shape, bias, threshold, init_log_sigma2, seed, stream)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def _conv(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        return functional.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4:
            raise ValueError(f"SvdoConv2d: expected x of shape (N, C, H, W), got {tuple(x.shape)}")
        if not self.training:
            return self._conv(x, self.kept_weight(), self.bias)
        mean = self._conv(x, self.weight, self.bias)
        # Never below zero, whatever algorithm the device's library picks.
        var = self._conv(x.square(), self.log_sigma2.exp(), None).clamp_min(0)
        y = _ops.reparam.tensor_draw(
            mean.unsqueeze(0), var.unsqueeze(0), self.seed, self.stream, self.draw, self.row0, 0, None
        )
        self.draw.add_(1)
        return y.squeeze(0)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, bias={self.bias is not None}"
        )
