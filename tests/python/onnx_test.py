#!/usr/bin/env python3
"""What `scalemix export --onnx` writes, run by ONNX Runtime, gives what `scalemix predict` gives.

    onnx_test.py --scalemix build/release/scalemix

Exit status 77 (skipped) where onnx or onnxruntime is not installed.
"""

import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

# Arguments of train; those of prune, or nothing.
CASES = [
    (["--data", "friedman1", "--model", "mlp:20-10,gelu", "--method", "bernoulli:p=0.2"], []),
    (["--data", "friedman1", "--model", "resmlp:20x2", "--method", "none"], []),
    (["--data", "friedman1", "--model", "mlp:20,silu", "--method", "svdo"], []),
    (["--data", "glyphs", "--model", "lenet5", "--method", "bernoulli:p=0.3"], []),
    (["--data", "glyphs", "--model", "resnet:1", "--method", "none"], []),
    (["--data", "glyphs", "--model", "mlp:50-20,leaky_relu", "--method", "none"], ["--sparsity", "0.8"]),
]


def scalemix(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"scalemix {' '.join(words)}: {done.returncode}\n{done.stderr}")
    return done.stdout


def said(path, outputs):
    """Means or probabilities of `scalemix predict`."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in rows[0] if n.startswith("p_")] if outputs > 1 else ["prediction"]
    return numpy.array([[float(row[n]) for n in names] for row in rows])


def check(program, folder, train, prune):
    run = str(folder / "run")
    scalemix(program, "train", *train, "--epochs", "1", "--quiet", "--out", run)
    model = run
    data = train[1]
    if prune:
        model = str(folder / "small.safetensors")
        scalemix(program, "prune", run, "--data", data, "--rows", "200", *prune, "--points", "0", "--out", model, "--quiet")
    generator = numpy.random.default_rng(1)
    shape = (10,) if data == "friedman1" else (1, 28, 28)
    x = generator.uniform(0, 1, (40, *shape)).astype("f4")
    if data == "friedman1":
        x[3, 2] = numpy.nan
    numpy.save(folder / "x.npy", x)
    scalemix(program, "predict", model, "--data", str(folder / "x.npy"), "--samples", "0", "--out", str(folder / "said.csv"))
    scalemix(program, "export", model, "--onnx", str(folder / "net.onnx"))
    onnx.checker.check_model(onnx.load(folder / "net.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"), providers=["CPUExecutionProvider"])
    answers = session.run(None, {"x": x})[0]
    ours = said(folder / "said.csv", answers.shape[1])
    apart = numpy.abs(answers - ours).max() / numpy.abs(ours).max()
    print(f"{' '.join(train + prune)}: {apart:.1e}")
    assert answers.shape == ours.shape
    assert apart < 1e-5, "the answers differ"
    if any("bernoulli" in word for word in train):
        check_noise(program, folder, model, x, answers)


def check_noise(program, folder, model, x, still):
    """Ones are the deterministic pass; the mean of draws is that of predict's draws."""
    scalemix(program, "export", model, "--onnx", str(folder / "drawn.onnx"), "--noise")
    session = onnxruntime.InferenceSession(str(folder / "drawn.onnx"), providers=["CPUExecutionProvider"])
    noises = [i for i in session.get_inputs() if i.name != "x"]
    assert noises, "no noise is an input"
    sizes = {i.name: [len(x), *i.shape[1:]] for i in noises}
    ones = {name: numpy.ones(size, "f4") for name, size in sizes.items()}
    assert numpy.abs(session.run(None, {"x": x, **ones})[0] - still).max() < 1e-5 * numpy.abs(still).max()
    rates = {key[6:]: float(law.split("p=")[1]) for key, law in session.get_modelmeta().custom_metadata_map.items()
             if key.startswith("noise ")}
    generator, draws = numpy.random.default_rng(2), []
    for _ in range(400):
        masks = {n: ((generator.random(s) >= rates[n]) / (1 - rates[n])).astype("f4") for n, s in sizes.items()}
        draws.append(session.run(None, {"x": x, **masks})[0])
    scalemix(program, "predict", model, "--data", str(folder / "x.npy"), "--samples", "400", "--out", str(folder / "mc.csv"))
    ours, spread = said(folder / "mc.csv", still.shape[1]), numpy.std(draws, axis=0)
    assert numpy.abs(numpy.mean(draws, axis=0) - ours).max() < 6 * spread.max() * (2 / 400) ** 0.5, "the draws differ"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", required=True)
    program = parser.parse_args().scalemix
    for train, prune in CASES:
        with tempfile.TemporaryDirectory() as folder:
            check(program, pathlib.Path(folder), train, prune)


if __name__ == "__main__":
    main()
