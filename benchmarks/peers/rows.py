#!/usr/bin/env python3
"""Kinds of noise that cost more than a draw per unit, beside plain PyTorch layers: a training step of mlp:300-100 on
batches of 100 rows, Adam, in turn with ours.

    rows.py --scalemix build/release/scalemix [--rounds 3] [--threads 1]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

SIZES, BATCH, TRAIN_ROWS = (784, 300, 100, 10), 100, 60000


class DropConnect(torch.nn.Linear):
    """A mask of every weight for every row."""

    def forward(self, x):
        mask = torch.empty(x.shape[0], *self.weight.shape).bernoulli_(0.5).mul_(2)
        return torch.einsum("bi,boi->bo", x, mask * self.weight) + self.bias


class Structured(torch.nn.Linear):
    """Turned Gaussian noise of each output's own: one reflection, a vector for every row and output."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.log_alpha = torch.nn.Parameter(torch.full((inputs,), -1.4))
        self.v = torch.nn.Parameter(torch.randn(inputs))

    def turned(self, z):
        u = self.v / self.v.norm()
        return z - 2 * (z @ u).unsqueeze(-1) * u

    def forward(self, x):
        z = 1 + (self.log_alpha / 2).exp() * torch.randn(x.shape[0], *self.weight.shape)
        return torch.einsum("bi,boi->bo", x, self.turned(z) * self.weight) + self.bias

    def penalty(self):
        alpha, u = self.log_alpha.exp(), self.v / self.v.norm()
        axes = torch.eye(len(u)) - 2 * torch.outer(u, u)
        second = (axes * axes) @ alpha + axes.sum(1) ** 2
        return self.out_features * (second.log() - self.log_alpha).sum() / 2


class Information(torch.nn.Module):
    """Log-normal noise whose size is a function of what it multiplies."""

    def __init__(self, width):
        super().__init__()
        self.size = torch.nn.Linear(width, width)

    def forward(self, x):
        alpha = 0.001 + 0.7 * torch.sigmoid(self.size(x))
        self.cost = -(alpha / 0.701).log().sum() / x.shape[0]
        return x * (alpha * torch.randn_like(x)).exp()


def network(kind):
    layers = []
    for n, (i, o) in enumerate(zip(SIZES, SIZES[1:])):
        if n > 0:
            layers.append(torch.nn.ReLU())
        if kind == "information" and n > 0:
            layers.append(Information(i))
        layers.append({"dropconnect": DropConnect, "vsd": Structured}.get(kind, torch.nn.Linear)(i, o))
    return torch.nn.Sequential(*layers)


def torch_step(kind, steps):
    net, x, y = network(kind), torch.randn(BATCH, SIZES[0]), torch.randint(0, 10, (BATCH,))
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)

    def step():
        loss = F.cross_entropy(net(x), y)
        if kind == "vsd":
            loss = loss + sum(layer.penalty() for layer in net if hasattr(layer, "penalty")) / TRAIN_ROWS
        if kind == "information":
            loss = loss + sum(layer.cost for layer in net if hasattr(layer, "cost"))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - begin) / steps


def our_step(scalemix, threads, method):
    command = [scalemix, "bench", "--model", "mlp:300-100", "--method", method, "--data", "mnist", "--batch", str(BATCH),
               "--threads", str(threads), "--quick", "--quiet", "--json"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return next(row["seconds"] for row in json.loads(result.stdout)["rows"] if row["group"] == "train")


ROWS = [("dropconnect", "dropconnect:p=0.5,mask=row", 3), ("vsd", "vsd:noise=column", 2), ("information", "information", 50)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds; ms per step, and how many "
          "times faster ours is: median (least - largest)")
    for kind, method, steps in ROWS:
        rounds = [(torch_step(kind, steps), our_step(arguments.scalemix, arguments.threads, method))
                  for _ in range(arguments.rounds)]
        ratios = sorted(theirs / ours for theirs, ours in rounds)
        theirs, ours = (1e3 * statistics.median(column) for column in zip(*rounds))
        print(f"{method:<30}{theirs:>10.2f}{ours:>10.2f}   {statistics.median(ratios):.1f} "
              f"({ratios[0]:.1f} - {ratios[-1]:.1f})", flush=True)


if __name__ == "__main__":
    main()
