#!/usr/bin/env python3
"""Times the training of ard_add on skipmlp:50x1 against a plain PyTorch loop over splits.

    benchmarks/peers/shrinkage.py --scalemix build/release/scalemix [--data uci:concrete] [--epochs 20] [--rounds 5]

Both: Gaussian posteriors drawn by local reparameterisation, ten draws per row and step, batch 32, Adam, scales of inverse
gamma hyper-priors in closed form every step (rows of the first and last layer, rows times matrix of the middle one), one
thread. Whole processes of scalemix, alternating with the loop; the time of a step of one split. Needs torch.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch

INPUTS, WIDTH, DRAWS, BATCH = 8, 50, 10, 32


class Layer:
    def __init__(self, inputs, outputs, both):
        self.w = (0.1 * torch.randn(inputs, outputs)).requires_grad_()
        self.log_sigma2 = torch.full((inputs, outputs), -8.0).requires_grad_()
        self.b = torch.zeros(outputs, requires_grad=True)
        self.both = both

    def parameters(self):
        return [self.w, self.log_sigma2, self.b]

    def forward(self, x):
        var = (x * x) @ self.log_sigma2.exp()
        return x @ self.w + self.b + (var + 1e-8).sqrt() * torch.randn_like(var)

    def kl(self, a=3.0, b=3.0):
        sigma2 = self.log_sigma2.exp()
        square = self.w * self.w + sigma2
        with torch.no_grad():
            m = square.sum(1)
            rows, columns = self.w.shape
            tau2 = torch.ones(())
            for _ in range(10 if self.both else 1):
                row = (m / tau2 + 2 * b) / (columns + 2 * a + 2)
                if self.both:
                    tau2 = ((m / row).sum() + 2 * b) / (rows * columns + 2 * a + 2)
            v = (row * tau2)[:, None]
        return (square / v + v.log() - self.log_sigma2 - 1).sum() / 2


def loop(steps):
    """Seconds per step of one split."""
    layers = [Layer(INPUTS, WIDTH, False), Layer(WIDTH, WIDTH, True), Layer(WIDTH, 1, False)]
    log_precision = torch.zeros((), requires_grad=True)
    parameters = [p for layer in layers for p in layer.parameters()] + [log_precision]
    adam = torch.optim.Adam(parameters, lr=1e-3)
    x, y = torch.randn(BATCH, INPUTS), torch.randn(BATCH, 1)
    copies, targets = x.repeat(DRAWS, 1), y.repeat(DRAWS, 1)

    def step():
        h = torch.relu(layers[0].forward(copies))
        h = h + torch.relu(layers[1].forward(h))
        f = layers[2].forward(h)
        nll = (log_precision.exp() * (f - targets) ** 2 - log_precision + math.log(2 * math.pi)).mean() / 2
        loss = nll + sum(layer.kl() for layer in layers) / 927
        adam.zero_grad()
        loss.backward()
        adam.step()

    for _ in range(20):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def scalemix(options, epochs):
    """Seconds of a whole run over all splits, and its steps of single splits."""
    with tempfile.TemporaryDirectory() as folder:
        command = [options.scalemix, "train", "--data", options.data, "--splits", "all", "--model", f"skipmlp:{WIDTH}x1",
                   "--method", "ard_add", "--batch", str(BATCH), "--train-samples", str(DRAWS), "--epochs", str(epochs),
                   "--threads", "1", "--samples", "0", "--quiet", "--out", f"{folder}/run"]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        lines = pathlib.Path(folder, "run", "metrics.jsonl").read_text().splitlines()
        return seconds, sum(len(e["replicas"]) for e in map(json.loads, lines)) / epochs * json.loads(lines[-1])["step"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", default="build/release/scalemix")
    parser.add_argument("--data", default="uci:concrete")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    options.scalemix = os.path.abspath(options.scalemix)
    torch.set_num_threads(1)
    ratios, ours, theirs = [], [], []
    for _ in range(options.rounds):
        # The difference of two lengths leaves start, data and evaluation out.
        (long, steps), (short, few) = scalemix(options, options.epochs), scalemix(options, 2)
        ours.append((long - short) / (steps - few))
        theirs.append(loop(400))
        ratios.append(theirs[-1] / ours[-1])
    flops = 2 * BATCH * DRAWS * (2 * 3 * (WIDTH * WIDTH + WIDTH) + 2 * 2 * INPUTS * WIDTH)
    print(f"a step of one split: scalemix {1e3 * statistics.median(ours):.3f} ms, PyTorch {torch.__version__} "
          f"{1e3 * statistics.median(theirs):.3f} ms")
    print(f"ratio {statistics.median(ratios):.1f} (of {options.rounds} rounds: {min(ratios):.1f} to {max(ratios):.1f})")
    print(f"products of a step: {flops / 1e6:.1f} million floating-point operations, "
          f"{flops / statistics.median(ours) / 1e9:.0f} per nanosecond in ours")


if __name__ == "__main__":
    main()
