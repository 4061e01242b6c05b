#!/usr/bin/env python3
"""NNGP and NTK of a noisy ReLU network: scalemix beside Neural Tangents, in turn, ratios round by round.

    python3 -m venv nt && nt/bin/pip install jax==0.4.23 jaxlib==0.4.23 neural-tangents==0.6.5 'numpy<2' 'scipy<1.12'
    nt/bin/python benchmarks/peers/neural_tangents.py --scalemix build/release/scalemix

Both take rows of 784 numbers through 20 hidden layers with dropout, in float64, on the same threads. Theirs is compiled
before the clock starts: a call for NNGP, a call for NTK, and one for both. Ours is the row "gram relu" of `scalemix bench`:
both kernels, into fresh memory. The matrices are compared entry by entry on the same rows; their diagonals with what is
known of them.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.pop(0)  # this file bears the name of what it imports

KEEP, DEPTH, INPUTS = 0.9, 20, 784  # stax.Dropout takes the rate that is kept
SIGMA_W2 = 2 * KEEP


def network(numpy):
    from neural_tangents import stax
    dense = {"W_std": numpy.sqrt(SIGMA_W2), "b_std": 0.0}
    hidden = [stax.Dense(512, **dense), stax.Relu(), stax.Dropout(KEEP, mode="train")]
    return stax.serial(*(hidden * DEPTH), stax.Dense(1, **dense))[2]


def seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def ours(arguments):
    """Seconds of our row, both kernels."""
    name = f"gram relu {arguments.rows} x {INPUTS}"
    text = subprocess.run([arguments.scalemix, "bench", "--quick", "--quiet", "--json", "--threads",
                           str(arguments.threads), "--only", name], check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(row for row in json.loads(text)["rows"] if name in row["name"])["seconds"]


def matrix(arguments, numpy, x, kernel):
    """Our matrix of the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        rows, out = os.path.join(folder, "x.npy"), os.path.join(folder, "k.npy")
        numpy.save(rows, x)
        subprocess.run([arguments.scalemix, "gram", "--data", rows, "--kernel", kernel, "--depth", str(DEPTH), "--noise",
                        f"bernoulli:p={1 - KEEP:g}", "--sigma-w2", str(SIGMA_W2), "--out", out, "--threads",
                        str(arguments.threads)], check=True, stdout=subprocess.DEVNULL)
        return numpy.load(out)


def differences(numpy, x, kernel, mine, theirs):
    """Largest relative differences: between the two off the diagonal, and of each from the diagonal as it is known. At
    this sigma_w2 a row's variance q stays, and its tangent kernel grows by q a layer."""
    exact = SIGMA_W2 * (x * x).mean(axis=1) * (DEPTH + 1 if kernel == "ntk" else 1)
    off = numpy.abs(mine / theirs - 1)
    numpy.fill_diagonal(off, 0)
    return {"off_diagonal": float(off.max()), "our_diagonal": float(numpy.abs(mine.diagonal() / exact - 1).max()),
            "their_diagonal": float(numpy.abs(theirs.diagonal() / exact - 1).max())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", type=pathlib.Path, required=True)
    parser.add_argument("--rows", type=int, default=2048, choices=(512, 2048))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    arguments = parser.parse_args()
    # Its pool has as many threads as the process may run on; to be said before jax starts.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.threads])
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import numpy
    jax.config.update("jax_enable_x64", True)
    import neural_tangents
    kernel = network(numpy)
    x = numpy.random.RandomState(0).standard_normal((arguments.rows, INPUTS))
    on_device = jax.numpy.asarray(x)
    calls = {}
    for what in ("nngp", "ntk", ("nngp", "ntk")):
        compiled = jax.jit(lambda rows, what=what: kernel(rows, None, what))
        calls[what if isinstance(what, str) else "both"] = lambda f=compiled: jax.block_until_ready(f(on_device))
    apart = {name: differences(numpy, x, name, matrix(arguments, numpy, x, name), numpy.asarray(calls[name]()))
             for name in ("nngp", "ntk")}
    calls["both"]()
    rounds = [{**{name: seconds(call) for name, call in calls.items()}, "ours": ours(arguments)}
              for _ in range(arguments.rounds)]
    print(f"Neural Tangents {neural_tangents.__version__}, jax {jax.__version__}: {arguments.rows} rows of {INPUTS}, "
          f"{DEPTH} layers, {arguments.threads} threads, {arguments.rounds} rounds")
    middle = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    for name in ("nngp", "ntk", "both"):
        ratios = sorted(r[name] / r["ours"] for r in rounds)
        print(f"their {name:<5}{1e3 * middle[name]:>9.1f} ms   ours, both kernels {1e3 * middle['ours']:>7.1f} ms   "
              f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} - {ratios[-1]:.1f}) times as fast")
    for name, d in apart.items():
        print(f"{name}: relative difference off the diagonal {d['off_diagonal']:.1e}; from the known diagonal ours "
              f"{d['our_diagonal']:.1e}, theirs {d['their_diagonal']:.1e}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rounds": rounds, "median": middle, "differences": apart}, indent=1))


if __name__ == "__main__":
    main()
