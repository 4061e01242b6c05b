#!/usr/bin/env python3
"""scalemix compare beside PyTorch loops of four of its methods, in turn: seconds per replica and epoch.

    family.py --scalemix build/release/scalemix [--rounds 3] [--threads 1] [--json FILE]

Ours is the time of a variant of `scalemix compare`, five replicas in a stack (yacht: twenty splits), with its final
predictions and files. PyTorch's is a plain loop over batches of one replica, whose data is in memory and random: its
step does not depend on the values.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F
from torch_peers import VariationalNetwork

ALPHA = 0.25
METHODS = ["none", "bernoulli:p=0.5", f"gaussian:alpha={ALPHA}", "svdo"]


class Gaussian(torch.nn.Module):
    def forward(self, x):
        return x * (1 + ALPHA**0.5 * torch.randn_like(x))


def network(method, sizes):
    """Noise on the input of every layer with weights but the first."""
    if method == "svdo":
        return VariationalNetwork(*[(o, i) for i, o in zip(sizes, sizes[1:])])
    noise = {"none": lambda: [], "bernoulli": lambda: [torch.nn.Dropout(0.5)], "gaussian": lambda: [Gaussian()]}
    layers = [torch.nn.Linear(sizes[0], sizes[1])]
    for i, o in zip(sizes[1:], sizes[2:]):
        layers += [torch.nn.ReLU(), *noise[method.partition(":")[0]](), torch.nn.Linear(i, o)]
    return torch.nn.Sequential(*layers)


def torch_epoch(method, sizes, rows, batch, regression):
    """Seconds of an epoch, after one that is not counted."""
    net = network(method, sizes)
    log_precision = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.Adam([*net.parameters(), log_precision] if regression else net.parameters(), 1e-3)
    x = torch.randn(rows, sizes[0])
    y = torch.randn(rows, 1) if regression else torch.randint(0, sizes[-1], (rows,))

    def epoch():
        order = torch.randperm(rows)
        for first in range(0, rows, batch):
            chosen = order[first:first + batch]
            out, target = net(x[chosen]), y[chosen]
            if regression:
                loss = ((log_precision.exp() * (target - out) ** 2 - log_precision) / 2).mean()
            else:
                loss = F.cross_entropy(out, target)
            if method == "svdo":
                loss = loss + net.penalty() / rows
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    epoch()
    begin = time.perf_counter()
    epoch()
    return time.perf_counter() - begin


def ours(scalemix, threads, words, epochs):
    """Seconds per replica and epoch of every method."""
    with tempfile.TemporaryDirectory() as folder:
        command = [scalemix, "compare", "--methods", *METHODS, *words, "--epochs", str(epochs), "--threads", str(threads),
                   "--out", folder + "/c", "--quiet", "--json"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(result.stderr)
        said = json.loads(result.stdout)
        return [v["seconds"] / said["replicas"] / epochs for v in said["variants"]]


TASKS = {
    "MNIST, mlp:300-100, batch 100": {
        "words": ["--data", "mnist", "--model", "mlp:300-100", "--batch", "100", "--seeds", "5", "--samples", "10"],
        "epochs": 2, "sizes": [784, 300, 100, 10], "rows": 60000, "batch": 100, "regression": False},
    "yacht, mlp:50, batch 32": {
        "words": ["--data", "uci:yacht", "--model", "mlp:50", "--batch", "32"],
        "epochs": 400, "sizes": [6, 50, 1], "rows": 277, "batch": 32, "regression": True},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", type=str, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds; ms per replica and epoch, "
          "and how many times faster ours is: median (least - largest)")
    rows = []
    for name, task in TASKS.items():
        rounds = []
        for _ in range(arguments.rounds):
            theirs = [torch_epoch(m, task["sizes"], task["rows"], task["batch"], task["regression"]) for m in METHODS]
            rounds.append((theirs, ours(arguments.scalemix, arguments.threads, task["words"], task["epochs"])))
        for i, method in enumerate(METHODS):
            ratios = sorted(theirs[i] / mine[i] for theirs, mine in rounds)
            row = {"task": name, "method": method, "ratio": statistics.median(ratios), "least": ratios[0],
                   "largest": ratios[-1], "peer_ms": 1e3 * statistics.median(t[i] for t, _ in rounds),
                   "ours_ms": 1e3 * statistics.median(m[i] for _, m in rounds)}
            rows.append(row)
            print(f"{name:<32}{method:<22}{row['peer_ms']:>10.2f}{row['ours_ms']:>10.2f}   "
                  f"{row['ratio']:.1f} ({row['least']:.1f} - {row['largest']:.1f})", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"torch": torch.__version__, "threads": arguments.threads, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
