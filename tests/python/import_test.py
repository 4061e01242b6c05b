#!/usr/bin/env python3
"""What PyTorch writes, as ONNX or as a state dict, gives PyTorch's own numbers through `scalemix import` and `predict`.

    import_test.py --scalemix build/release/scalemix

Exit status 77 (skipped) where torch, onnx, onnxruntime or safetensors is not installed.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import onnx
    import onnxruntime
    import torch
    from safetensors.torch import save_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

nn = torch.nn


class Block(nn.Module):
    """A residual block as torchvision has it."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        side = x if self.downsample is None else self.downsample(x)
        return torch.relu(side + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


class ResNet(nn.Module):
    """`--model resnet:1`, with torchvision's names."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean([2, 3]))


class Viewed(nn.Module):
    """Flattens by the size of what comes, as older programs do, and ends in log probabilities."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3, stride=2), nn.Linear(4 * 13 * 13, 3)

    def forward(self, x):
        x = nn.functional.silu(self.conv(x))
        return torch.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)


class Standardised(nn.Module):
    """Units of rows and of the target inside the network."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.arange(10.0) / 10)
        self.net = nn.Sequential(nn.Linear(10, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 1))

    def forward(self, x):
        return self.net((x - self.mean) / 0.5) * 4 + 20


def mlp():
    return nn.Sequential(nn.Linear(10, 30), nn.GELU(), nn.Linear(30, 20), nn.Dropout(0.2), nn.Tanh(), nn.Linear(20, 1))


def hidden(activation):
    return nn.Sequential(nn.Linear(10, 12), activation, nn.Linear(12, 1))


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 5, stride=2), nn.BatchNorm2d(12), nn.LeakyReLU(0.1), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(48, 20), nn.BatchNorm1d(20), nn.SELU(), nn.Linear(20, 10), nn.Softmax(dim=1))


ROW, IMAGE = (10,), (1, 28, 28)
# The network, the shape of a row, whether it is for classes, the command's words for its weights (or none of them).
CASES = {
    "mlp": (mlp, ROW, False, None),
    "standardised": (Standardised, ROW, False, None),
    "convolutional": (conv_net, IMAGE, True, None),
    "viewed": (Viewed, IMAGE, True, None),
    "residual": (ResNet, IMAGE, True, ["--model", "resnet:1", "--outputs", "10"]),
    "relu": (lambda: hidden(nn.ReLU()), ROW, False, ["--model", "mlp:12", "--outputs", "1"]),
    "silu": (lambda: hidden(nn.SiLU()), ROW, False, ["--model", "mlp:12,silu", "--outputs", "1"]),
    "elu": (lambda: hidden(nn.ELU()), ROW, False, ["--model", "mlp:12,elu", "--outputs", "1"]),
    "hardtanh": (lambda: hidden(nn.Hardtanh()), ROW, False, None),
    "sigmoid": (lambda: hidden(nn.Sigmoid()), ROW, False, None),
}


def scalemix(program, *words, fails=0):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != fails:
        sys.exit(f"scalemix {' '.join(map(str, words))}: {done.returncode}\n{done.stderr}")
    return done.stdout


def said(path):
    """Means or probabilities of `scalemix predict`."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in rows[0] if n.startswith("p_")] or ["prediction"]
    return numpy.array([[float(row[n]) for n in names] for row in rows])


def predicted(program, model, folder):
    scalemix(program, "predict", model, "--data", folder / "x.npy", "--samples", "0", "--out", folder / "said.csv", "--quiet")
    return said(folder / "said.csv")


def apart(a, b):
    assert a.shape == b.shape, f"{a.shape} and {b.shape}"
    return numpy.abs(a - b).max() / numpy.abs(b).max()


def settled(make, shape):
    """A network with statistics in its normalisations that are not those it starts with."""
    torch.manual_seed(7)
    net = make()
    net.train()
    with torch.no_grad():
        for _ in range(5):
            net(torch.randn(16, *shape) * 2 + 0.5)
    return net.eval()


def onnx_file(net, shape, path, open_rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = {"x": {0: "rows"}} if open_rows else None
        torch.onnx.export(net, torch.zeros(1, *shape), str(path), input_names=["x"], dynamic_axes=axes, dynamo=False)
    onnx.checker.check_model(onnx.load(path))


def check_pruned(program, model, shape, classes, folder):
    """Pruned by half on rows of our own making, it still answers, and has fewer weights."""
    data = "glyphs" if shape == IMAGE else "friedman1"
    small = folder / "small.safetensors"
    scalemix(program, "prune", model, "--data", data, "--rows", "100", "--rule", "magnitude", "--sparsity", "0.5", "--points",
             "0", "--out", small, "--quiet")
    left, all_of_them = (json.loads(scalemix(program, "show", m, "--json"))["total"]["nonzero"] for m in (small, model))
    assert left <= 0.51 * all_of_them
    answers = predicted(program, small, folder)
    assert answers.shape[0] == 20 and numpy.isfinite(answers).all()
    assert not classes or numpy.allclose(answers.sum(1), 1, atol=1e-5)


def check(program, name, folder):
    make, shape, classes, words = CASES[name]
    net = settled(make, shape)
    x = torch.rand(20, *shape)
    numpy.save(folder / "x.npy", x.numpy())
    with torch.no_grad():
        truth = net(x)
    if classes:
        truth = torch.softmax(truth, 1) if words else truth.exp() if name == "viewed" else truth
    truth = truth.numpy()
    task = ["--task", "classification"] if classes and words else []
    model = folder / "model.safetensors"
    for open_rows in (True, False):
        onnx_file(net, shape, folder / "net.onnx", open_rows)
        scalemix(program, "import", folder / "net.onnx", "--out", model, "--quiet", *task)
        far = apart(predicted(program, model, folder), truth)
        print(f"{name}, ONNX{'' if open_rows else ' of one row'}: {far:.1e}")
        assert far < 1e-5, "the answers differ"
    # What we write of it, ONNX Runtime answers alike.
    scalemix(program, "export", model, "--onnx", folder / "again.onnx")
    session = onnxruntime.InferenceSession(str(folder / "again.onnx"), providers=["CPUExecutionProvider"])
    assert apart(session.run(None, {"x": x.numpy()})[0], truth) < 1e-5
    if shape == ROW or name == "convolutional":
        check_pruned(program, model, shape, classes, folder)
    if not words:
        return
    save_file(net.state_dict(), folder / "weights.safetensors")
    scalemix(program, "import", folder / "weights.safetensors", "--input", ",".join(map(str, shape)), *words, *task,
             "--out", model, "--quiet")
    far = apart(predicted(program, model, folder), truth)
    print(f"{name}, state dict: {far:.1e}")
    assert far < 1e-5, "the answers differ"


def check_dropout(program, folder):
    """A network that was written in training mode keeps its Dropout, whose draws then give a spread."""
    net = mlp().train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, torch.zeros(2, 10), str(folder / "net.onnx"), dynamo=False, do_constant_folding=False,
                          training=torch.onnx.TrainingMode.TRAINING)
    assert "Dropout" in {node.op_type for node in onnx.load(folder / "net.onnx").graph.node}
    model = folder / "model.safetensors"
    scalemix(program, "import", folder / "net.onnx", "--out", model, "--quiet")
    x = torch.rand(20, 10)
    numpy.save(folder / "x.npy", x.numpy())
    with torch.no_grad():
        assert apart(predicted(program, model, folder), net.eval()(x).numpy()) < 1e-5
    scalemix(program, "predict", model, "--data", folder / "x.npy", "--samples", "50", "--out", folder / "mc.csv", "--quiet")
    with open(folder / "mc.csv", encoding="utf-8") as file:
        assert all(float(row["epistemic_sd"]) > 0 for row in csv.DictReader(file))
    print("dropout: draws")


def check_refusals(program, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(nn.Sequential(nn.Linear(10, 4), nn.Softplus()), torch.zeros(1, 10), str(folder / "net.onnx"), dynamo=False)
    scalemix(program, "import", folder / "net.onnx", "--out", folder / "m.safetensors", fails=65)
    save_file({"a.weight": torch.zeros(3, 10, dtype=torch.bfloat16), "a.bias": torch.zeros(3)}, folder / "w.safetensors")
    words = ["import", folder / "w.safetensors", "--model", "linear", "--input", "10", "--out", folder / "m.safetensors", "--quiet"]
    scalemix(program, *words, "--outputs", "3")
    scalemix(program, *words, "--outputs", "4", fails=65)
    print("refusals: in words")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", required=True)
    program = parser.parse_args().scalemix
    torch.set_num_threads(1)
    checks = [lambda folder, name=name: check(program, name, folder) for name in CASES]
    checks += [lambda folder: check_dropout(program, folder), lambda folder: check_refusals(program, folder)]
    for one in checks:
        with tempfile.TemporaryDirectory() as folder:
            one(pathlib.Path(folder))


if __name__ == "__main__":
    main()
