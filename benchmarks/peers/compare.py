#!/usr/bin/env python3
"""scalemix beside PyTorch: the two in turn, ratios round by round.

    compare.py --scalemix build/torch/scalemix [--rounds 7] [--threads 1] [--compile] [--only TEXT] [--json FILE]

Ops are called from Python on both sides, ours through torch.ops.scalemix. A training step and a prediction of ours are the
rows of `scalemix bench`: a whole step of `scalemix train`, batches gathered and metrics counted.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import torch
import torch_peers as peers


def seconds(call, least=0.1):
    """Seconds a call, over as many calls as fill `least`."""
    begin = time.perf_counter()
    call()
    calls = max(1, int(least / (time.perf_counter() - begin)))
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begin) / calls


def noise_op(law, parameter, both_ways=False):
    """Our op on the shape of the peers, a new draw each call, as a training loop has it."""
    x = torch.randn(1, *peers.MILLION, requires_grad=both_ways)
    seed, params, dy = torch.tensor([1]), torch.tensor([parameter], dtype=torch.float64), torch.ones_like(x)
    draw = iter(range(1 << 31))

    def call():
        y = torch.ops.scalemix.noise(x, seed, law, params, "unit", "multiply", 1, next(draw), 0, 0, None)
        if both_ways:
            x.grad = None
            y.backward(dy)
    return lambda: seconds(call)


NO_SUCH_ROW = 78  # exit status of `scalemix bench --only`


class NotMeasured(Exception):
    """What `scalemix bench` says when it has no such row, as on data that is not here."""


def bench_row(name):
    """Our row of `scalemix bench`."""
    def measure(arguments):
        bench = subprocess.run([arguments.scalemix, "bench", "--quiet", "--json", "--threads", str(arguments.threads),
                                "--only", name], capture_output=True, text=True)
        if bench.returncode == NO_SUCH_ROW:
            raise NotMeasured(bench.stderr.strip().partition(" (known: ")[0])
        if bench.returncode != 0:
            sys.exit(f"scalemix bench ended with {bench.returncode}: {bench.stderr.strip()}")
        row = next(r for r in json.loads(bench.stdout)["rows"] if name in f"{r['group']} {r['name']}")
        return row["seconds"] / (row["items"] if row["unit"] == "replica step" else 1)
    return measure


SVDO, SVDO_MNIST, DROPOUT = "train mlp:300-100 svdo", "train mnist mlp:300-100 svdo", "train mlp:300-100 bernoulli:p=0.5"
SPLITS, DRAWS = "20 replicas", "1000 rows, 100 draws"
# What, ours, peer, its call; a compiled peer only with --compile.
ROWS = [
    ("dropout, forward, 10^6", noise_op, ("bernoulli", 0.5), "eager", peers.dropout, {}),
    ("dropout, forward, 10^6", noise_op, ("bernoulli", 0.5), "compile", peers.dropout, {"compiled": True}),
    ("dropout, both ways, 10^6", noise_op, ("bernoulli", 0.5, True), "eager", peers.dropout_both_ways, {}),
    ("gaussian dropout, 10^6", noise_op, ("gaussian", 0.25), "eager", peers.gaussian_dropout, {}),
    ("svdo step, mlp:300-100", bench_row, (SVDO,), "eager", peers.variational_step, {}),
    ("svdo step, mlp:300-100", bench_row, (SVDO,), "eager, fused Adam", peers.variational_step, {"fused": True}),
    ("svdo step, mlp:300-100", bench_row, (SVDO,), "compile, fused Adam", peers.variational_step,
     {"fused": True, "compiled": True}),
    ("svdo step, mlp:300-100, MNIST", bench_row, (SVDO_MNIST,), "eager", peers.variational_step, {}),
    ("svdo step, mlp:300-100, MNIST", bench_row, (SVDO_MNIST,), "eager, fused Adam", peers.variational_step,
     {"fused": True}),
    ("svdo step, mlp:300-100, MNIST", bench_row, (SVDO_MNIST,), "compile, fused Adam", peers.variational_step,
     {"fused": True, "compiled": True}),
    ("svdo step, mlp:300-100, MNIST", bench_row, (SVDO_MNIST,), "its products in oneDNN", bench_row,
     {"name": "products of mlp:300-100 svdo"}),
    ("svdo step, lenet5", bench_row, ("lenet5 svdo",), "eager", peers.variational_step, {"lenet5": True}),
    ("svdo step, lenet5", bench_row, ("lenet5 svdo",), "eager, fused Adam", peers.variational_step,
     {"lenet5": True, "fused": True}),
    ("dropout step, mlp:300-100", bench_row, (DROPOUT,), "eager", peers.dropout_step, {}),
    ("dropout step, mlp:300-100", bench_row, (DROPOUT,), "eager, fused Adam", peers.dropout_step, {"fused": True}),
    ("step of a split, mlp:50", bench_row, (SPLITS,), "eager loop", peers.regression_step, {}),
    ("step of a split, mlp:50", bench_row, (SPLITS,), "eager loop, fused Adam", peers.regression_step, {"fused": True}),
    ("step, resmlp:50x3", bench_row, ("train resmlp:50x3",), "eager", peers.residual_step, {}),
    ("step, resmlp:50x3", bench_row, ("train resmlp:50x3",), "eager, fused Adam", peers.residual_step, {"fused": True}),
    ("step, resnet:1, colour", bench_row, ("resnet:1",), "eager, fused Adam", peers.colour_step,
     {"make": peers.resnet, "fused": True}),
    ("step, vgg:0.25, colour", bench_row, ("vgg:0.25",), "eager, fused Adam", peers.colour_step,
     {"make": peers.vgg, "fused": True}),
    ("1000 rows, 100 draws", bench_row, (DRAWS,), "eager loop", peers.monte_carlo, {}),
]


def timer(maker, arguments, *given, **options):
    """What to call for the seconds of a row of `scalemix bench`, of an op of ours, or of a peer."""
    made = maker(*given, **options)
    if maker is bench_row:
        return lambda: made(arguments)
    if maker is noise_op:
        return made
    for _ in range(3):
        made()
    return lambda: seconds(made)


def measure(row, arguments):
    what, maker, given, peer, make_peer, options = row
    ours, theirs = timer(maker, arguments, *given), timer(make_peer, arguments, **options)
    rounds = [(theirs(), ours()) for _ in range(arguments.rounds)]
    ratios = sorted(a / b for a, b in rounds)
    return {"what": what, "peer": peer, "peer_ms": 1e3 * statistics.median(a for a, _ in rounds),
            "ours_ms": 1e3 * statistics.median(b for _, b in rounds), "ratio": statistics.median(ratios),
            "least": ratios[0], "largest": ratios[-1], "rounds": rounds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", type=pathlib.Path, required=True, help="the command, built with this PyTorch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="torch.compile too")
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    arguments = parser.parse_args()
    ops = arguments.scalemix.parent / "torch" / "libscalemix_ops.so"
    if not ops.exists():
        sys.exit(f"{ops} is not there: ./run torch builds it")
    torch.ops.load_library(str(ops))
    torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, {arguments.threads} of {os.cpu_count()} threads, {arguments.rounds} rounds; "
          "ms, and how many times faster ours is: median (least - largest)")
    results = []
    for row in ROWS:
        if arguments.only not in row[0] or row[5].get("compiled") and not arguments.compile:
            continue
        try:
            r = measure(row, arguments)
        except NotMeasured as why:
            print(f"{row[0]:<30}{row[3]:<24}not measured: {why}", flush=True)
            continue
        results.append(r)
        print(f"{r['what']:<30}{r['peer']:<24}{r['peer_ms']:>10.3f}{r['ours_ms']:>10.3f}   "
              f"{r['ratio']:.2f} ({r['least']:.2f} - {r['largest']:.2f})", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"torch": torch.__version__, "threads": arguments.threads,
                                              "rows": results}, indent=1))


if __name__ == "__main__":
    main()
