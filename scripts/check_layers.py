#!/usr/bin/env python3
"""Checks that each room includes only rooms below it, and only the libraries its place in the house allows."""

import re

import tree

# From the ground up.
ROOMS = ["base", "random", "law", "kernel", "prior", "signal", "metric", "data", "model", "engine", "predict", "optim",
         "train", "compress", "study", "run", "report", "cli", "torch", "c"]
# What a product links: these include only each other, but for the parts that are libraries of their own.
RUNTIME = {"base", "random", "law", "kernel", "prior", "model", "engine", "predict", "c"}
PARTS = {"kernel": ("gemm_double", "gemm_onednn"), "prior": ("linear_em",),
         "model": ("initial_weights", "weight_sites", "signal_"), "predict": ("calibrate", "evaluate", "importance")}
WITH_TORCH = {"torch"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TORCH = re.compile(r"^(torch|ATen|c10|caffe2)/")
NOT_IN_RUNTIME = re.compile(r"^(oneapi/|cblas\.h$|lapacke\.h$|curl/|csv\.h$|zlib\.h$|toml\+\+/|CLI/)")
ONLY_IN_BASE = re.compile(r"#\s*pragma\s+omp\b|#\s*include\s*<omp\.h>")
NOWHERE = re.compile(r"#\s*include\s*<random>|\brandom_device\b")


def in_runtime(room, stem):
    return room in RUNTIME and not stem.startswith(PARTS.get(room, ("/",)))


def wrong_include(room, stem, header):
    """Why the file `stem` of `room` must not include `header`, or None."""
    runtime = in_runtime(room, stem)
    own = re.match(r"scalemix/([^/]+)/([^/.]+)", header)
    if own:
        other = own.group(1)
        if other not in ROOMS:
            return f'"{other}" is no room'
        if ROOMS.index(other) > ROOMS.index(room):
            return f"{other}/ lies above {room}/"
        if runtime and not in_runtime(other, own.group(2)):
            return f"{room}/ belongs to the runtime and {other}/{own.group(2)}.h does not"
    if TORCH.match(header) and room not in WITH_TORCH:
        return "LibTorch belongs to torch/"
    if NOT_IN_RUNTIME.match(header) and runtime:
        return f"the runtime, which {room}/ belongs to, does without"
    return None


def problems_of(room, path, text):
    for number, line in enumerate(text.splitlines(), 1):
        include = INCLUDE.match(line)
        if include and (why := wrong_include(room, path.stem, include.group(2))):
            yield f"{path}:{number}: {include.group(2)}: {why}"
        if room != "base" and ONLY_IN_BASE.search(line):
            yield f"{path}:{number}: OpenMP belongs to base/parallel.h"
        if NOWHERE.search(line):
            yield f"{path}:{number}: random numbers come from random/stream.h"


def main():
    root = tree.root_argument(__doc__)
    paths = [p for p in tree.files(root, ".h", ".cc", ".inc") if p.parts[0] == "scalemix"]
    problems = []
    for path in paths:
        if path.parts[1] not in ROOMS:
            problems.append(f'{path}: "{path.parts[1]}" is no room')
        else:
            problems += problems_of(path.parts[1], path, (root / path).read_text())
    tree.finish("layers", problems, len(paths))


if __name__ == "__main__":
    main()
