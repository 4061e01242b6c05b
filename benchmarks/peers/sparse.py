#!/usr/bin/env python3
"""Products with weights at zero, and a pruned network, beside PyTorch and ONNX Runtime; one thread, in turn.

    sparse.py --scalemix build/release/scalemix [--rounds 5] [--only TEXT] [--json FILE]

Ours are rows of `scalemix bench --only sparse`. The peers, on weights with as many zeros at other places: torch.nn.functional.linear
(dense), a CSR matrix times the transposed rows, ONNX Runtime's Gemm (dense). A ratio is the peer's time over ours in the same round.
Needs: pip install torch==2.13.0 onnx onnxruntime numpy
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings

import numpy
import onnx
import onnxruntime
import torch

SIDE, ZEROS, ROWS = 1000, (0, 50, 60, 70, 80, 90, 95, 98, 99), (1, 16, 128)
LENET = (784, 300, 100, 10)


def seconds(call, least=0.05):
    """Seconds a call: the least of five timings, each of as many calls as fill a share of `least`."""
    call()
    best = float("inf")
    for _ in range(5):
        begin, calls = time.perf_counter(), 0
        while time.perf_counter() - begin < least / 5:
            call()
            calls += 1
        best = min(best, (time.perf_counter() - begin) / calls)
    return best


def session(widths, rows):
    """ONNX Runtime's dense layers with ReLUs between them."""
    generator = numpy.random.default_rng(1)
    nodes, weights, last = [], [], "x"
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        weights += [onnx.numpy_helper.from_array(generator.uniform(-1, 1, (b, a)).astype("f4") / a**0.5, f"w{i}"),
                    onnx.numpy_helper.from_array(numpy.zeros(b, "f4"), f"b{i}")]
        nodes.append(onnx.helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"y{i}"], transB=1))
        last = f"y{i}"
        if i + 2 < len(widths):
            nodes.append(onnx.helper.make_node("Relu", [last], [f"h{i}"]))
            last = f"h{i}"
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "layers", [value("x", 1, [rows, widths[0]])], [value(last, 1, [rows, widths[-1]])], weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    made = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = generator.uniform(-1, 1, (rows, widths[0])).astype("f4")
    return lambda: made.run(None, {"x": x})


def dense(rows):
    x, w = torch.rand(rows, SIDE), torch.rand(SIDE, SIDE)
    return lambda: torch.nn.functional.linear(x, w)


def csr(rows, zeros):
    w = torch.rand(SIDE, SIDE) * (torch.rand(SIDE, SIDE) >= zeros / 100)
    w, x = w.to_sparse_csr(), torch.rand(rows, SIDE)
    turned = x.t().contiguous()
    return lambda: w @ turned


def network(rows):
    layers = []
    for a, b in zip(LENET, LENET[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    net, x = torch.nn.Sequential(*layers[:-1]), torch.rand(rows, LENET[0])
    return lambda: net(x)


def ours(scalemix):
    bench = subprocess.run([scalemix, "bench", "--quiet", "--json", "--threads", "1", "--only", "sparse"], capture_output=True,
                           text=True, check=False)
    if bench.returncode:
        sys.exit(f"scalemix bench ended with {bench.returncode}: {bench.stderr.strip()}")
    return {row["name"]: row["least_seconds"] if "least_seconds" in row else row["seconds"]
            for row in json.loads(bench.stdout)["rows"] if row["group"] == "sparse"}


def peers():
    """Names of ours, and what each is held against."""
    out = {}
    for rows in ROWS:
        many = f"{rows} row{'' if rows == 1 else 's'}"
        runtime, torch_dense = session((SIDE, SIDE), rows), dense(rows)
        for zeros in ZEROS:
            out[f"1000 x 1000, {zeros} % zeros, {many}"] = {"onnxruntime": runtime, "torch": torch_dense}
            if zeros:
                out[f"1000 x 1000, {zeros} % zeros, {many}"]["torch csr"] = csr(rows, zeros)
        for name in ("dense", "pruned 68 times"):
            out[f"mlp:300-100 {name}, {many}"] = {"onnxruntime": session(LENET, rows), "torch": network(rows)}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="Sparse CSR")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    table, rounds = peers(), []
    for _ in range(arguments.rounds):
        mine = ours(arguments.scalemix)
        rounds.append({name: {"ours": mine[name], **{p: seconds(call) for p, call in calls.items()}}
                       for name, calls in table.items() if arguments.only in name})
    print(f"{'':46} {'ours, us':>9}" + "".join(f"{p + ', us':>17} {'ratio':>6}" for p in ("onnxruntime", "torch", "torch csr")))
    for name in rounds[0]:
        middle = {p: statistics.median(r[name][p] for r in rounds) for p in rounds[0][name]}
        line = f"{name:46} {1e6 * middle['ours']:9.1f}"
        for p in ("onnxruntime", "torch", "torch csr"):
            if p in middle:
                ratio = statistics.median(r[name][p] / r[name]["ours"] for r in rounds)
                line += f"{1e6 * middle[p]:17.1f} {ratio:6.2f}"
        print(line)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(rounds, file, indent=1)


if __name__ == "__main__":
    main()
