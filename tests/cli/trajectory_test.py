"""Rebuilds twenty steps of a training from docs/guide/trajectory.md alone, in double and without a library: the split,
the standardisation, the initial weights, the shuffle of every epoch, the noise, the learning rate and Adam. The weights
and losses must be those of `scalemix train` to 1e-5.

    trajectory_test.py PATH-OF-SCALEMIX
"""

import json
import math
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile

ROWS, TEST, BATCH, EPOCHS, SEED = 53, 0.2, 9, 4, 5
LR, DECAY, P, WIDTHS = 0.01, 0.001, 0.3, [3, 8, 6, 1]
TRAIN, INIT, SHUFFLE = 0, 2, 3  # purposes


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def word(purpose, site, draw, element):
    block = element // 4
    counter = (block & 0xFFFFFFFF, block >> 32, purpose << 28 | site, draw)
    return philox(counter, (SEED & 0xFFFFFFFF, SEED >> 32))[element % 4]


def uniform(purpose, site, draw, element):
    return ((word(purpose, site, draw, element) >> 9) + 0.5) / 2**23


def permutation(n, site, draw=0):
    order = list(range(n))
    for k in range(n - 1):
        last = n - 1 - k
        other = word(SHUFFLE, site, draw, k) * (last + 1) >> 32
        order[last], order[other] = order[other], order[last]
    return order


def standardised(values, rows):
    mean = sum(values[i] for i in rows) / len(rows)
    scale = math.sqrt(sum((values[i] - mean) ** 2 for i in rows) / len(rows))
    return [(v - mean) / scale for v in values]


class Network:
    """Parameters by name, each a flat list; the layers' sites are 1, 3, 5, those of the noise 6 and 7."""

    def __init__(self):
        normal = statistics.NormalDist()
        self.values = {"output.log_precision": [0.0]}
        for i, (n, m) in enumerate(zip(WIDTHS, WIDTHS[1:]), 1):
            sd = math.sqrt(2 / (n + m))  # xavier
            self.values[f"linear{i}.weight"] = [
                sd * normal.inv_cdf(uniform(INIT, 2 * i - 1, 0, e)) for e in range(n * m)]
            self.values[f"linear{i}.bias"] = [0.0] * m
        self.first = {k: [0.0] * len(v) for k, v in self.values.items()}
        self.second = {k: [0.0] * len(v) for k, v in self.values.items()}

    def gradient(self, x, y, step):
        """(mean nll of the batch, its gradient)."""
        grad = {k: [0.0] * len(v) for k, v in self.values.items()}
        lp, total, squares = self.values["output.log_precision"][0], 0.0, 0.0
        for row, (a, target) in enumerate(zip(x, y)):
            inputs, slopes = [a], []
            for i, (n, m) in enumerate(zip(WIDTHS, WIDTHS[1:]), 1):
                w, b = self.values[f"linear{i}.weight"], self.values[f"linear{i}.bias"]
                h = [b[o] + sum(w[o * n + k] * inputs[-1][k] for k in range(n)) for o in range(m)]
                if i < len(WIDTHS) - 1:
                    z = [uniform(TRAIN, 5 + i, step, row * m + o) > P for o in range(m)]
                    slopes.append([(h[o] > 0) * z[o] / (1 - P) for o in range(m)])
                    h = [max(h[o], 0) * z[o] / (1 - P) for o in range(m)]
                inputs.append(h)
            off = inputs[-1][0] - target
            total += (math.exp(lp) * off * off - lp + math.log(2 * math.pi)) / 2
            squares += off * off / len(y)
            back = [math.exp(lp) * off / len(y)]
            for i in range(len(WIDTHS) - 1, 0, -1):
                n, m = WIDTHS[i - 1], WIDTHS[i]
                w = self.values[f"linear{i}.weight"]
                for o in range(m):
                    grad[f"linear{i}.bias"][o] += back[o]
                    for k in range(n):
                        grad[f"linear{i}.weight"][o * n + k] += back[o] * inputs[i - 1][k]
                if i > 1:
                    back = [slopes[i - 2][k] * sum(back[o] * w[o * n + k] for o in range(m)) for k in range(n)]
        variance = math.exp(-lp)
        variance += max(1 / (step + 1), 1 / 50) * (squares - variance)
        self.values["output.log_precision"][0] = -math.log(variance)
        return total / len(y), grad

    def adam(self, grad, lr, step):
        for name, w in self.values.items():
            decay = DECAY if name.endswith(".weight") else 0
            m, v = self.first[name], self.second[name]
            for i, g in enumerate(grad[name]):
                g += decay * w[i]
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.999 * v[i] + 0.001 * g * g
                root = math.sqrt(v[i] / (1 - 0.999 ** (step + 1))) + 1e-8
                w[i] -= lr * m[i] / (1 - 0.9 ** (step + 1)) / root


def rebuilt(table):
    """(values after the last step, mean nll of each epoch)"""
    order = permutation(ROWS, 1)
    train = order[:ROWS - round(TEST * ROWS)]
    columns = [standardised(column, train) for column in zip(*table)]
    network, step, losses = Network(), 0, []
    for epoch in range(EPOCHS):
        shuffled = [train[i] for i in permutation(len(train), 0, epoch)]
        losses.append(0.0)
        for first in range(0, len(train), BATCH):
            rows = shuffled[first:first + BATCH]
            time = epoch + first / len(train)
            x = [[columns[k][i] for k in range(3)] for i in rows]
            nll, grad = network.gradient(x, [columns[3][i] for i in rows], step)
            network.adam(grad, LR * (1 + math.cos(math.pi * time / EPOCHS)) / 2, step)
            losses[-1] += nll * len(rows) / len(train)
            step += 1
    assert step == 20
    return network.values, losses


def tensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__")
    out = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        out[name] = struct.unpack(f"<{(last - first) // 4}f", data[8 + length + first:8 + length + last])
    return out


def main():
    scalemix = sys.argv[1]
    rng = random.Random(1)
    table = []
    for _ in range(ROWS):
        a, b, c = (round(4 * rng.random(), 4) for _ in range(3))
        table.append([a, b, c, round(a * b - c + rng.random(), 4)])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows = [",".join(map(str, row)) for row in table]
        (folder / "table.csv").write_text("a,b,c,y\n" + "\n".join(rows) + "\n")
        subprocess.run(
            [scalemix, "train", "--data", "table.csv", "--model", "mlp:8-6", "--method", f"bernoulli:p={P}",
             "--epochs", str(EPOCHS), "--batch", str(BATCH), "--seed", str(SEED), "--schedule", "cosine",
             "--test-fraction", str(TEST), "--lr", str(LR), "--weight-decay", str(DECAY), "--quiet", "--out", "run"],
            cwd=folder, check=True, stdout=subprocess.DEVNULL)
        trained = tensors(folder / "run" / "model.safetensors")
        logged = [json.loads(line)["nll"][0] for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    values, losses = rebuilt(table)
    assert sorted(values) == sorted(trained), sorted(trained)
    worst = max(abs(a - b) for name in values for a, b in zip(values[name], trained[name], strict=True))
    loss = max(abs(a - b) for a, b in zip(losses, logged, strict=True))
    print(f"20 steps: weights differ by at most {worst:.1e}, losses by {loss:.1e}")
    assert worst < 1e-5 and loss < 1e-5


if __name__ == "__main__":
    main()
