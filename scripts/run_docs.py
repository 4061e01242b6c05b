#!/usr/bin/env python3
"""Runs what the docs tell a reader to type.

In a page, the lines of a ```console block that start with `$ ` are commands (a line that ends in a backslash goes on
in the next); the other lines are their output, which is for the reader. All commands of a page run in order in one
shell and one new folder, which has the `examples`, with `scalemix` on PATH and `./run scalemix` meaning the same. The first command that fails
fails the page. What needs minutes, a network or real data stands in a ```text or ```sh block and is not run.

    run_docs.py --scalemix build/release/scalemix PAGE.md ...
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
SHIM = """#!/bin/sh
if [ "$1" != scalemix ]; then
  echo "only ./run scalemix can stand in a console block, not: ./run $*" >&2
  exit 64
fi
shift
exec scalemix "$@"
"""


def commands(text):
    """The commands of a page, in order."""
    found = []
    for block in BLOCK.findall(text):
        going_on = False
        for line in block.splitlines():
            if going_on:
                found[-1] += "\n" + line
            elif line.startswith("$ "):
                found.append(line[2:])
            else:
                continue
            going_on = line.endswith("\\")
    return found


def own_cache(folder):
    """Variables by which commands keep what they measure in the folder; data sets are found where the user has them."""
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "scalemix")
    users = os.environ.get("SCALEMIX_CACHE") or str(home)
    return {"SCALEMIX_CACHE": str(folder), "SCALEMIX_DATA": os.environ.get("SCALEMIX_DATA") or users}


def run_page(page, scalemix, seconds):
    """Runs a page's commands; returns how many there were. Exits with the command's output if one fails."""
    todo = commands(page.read_text(encoding="utf-8"))
    if not todo:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        shim = pathlib.Path(folder, "run")
        shim.write_text(SHIM)
        shim.chmod(0o755)
        pathlib.Path(folder, "examples").symlink_to(EXAMPLES)
        path = f"{scalemix.parent}:{os.environ['PATH']}"
        script = "set -e\n" + "".join(f"{command}\n" for command in todo)
        environment = {**os.environ, "PATH": path, **own_cache(pathlib.Path(folder, ".cache"))}
        done = subprocess.run(["bash", "-v", "-c", script], cwd=folder, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
    if done.returncode != 0:
        sys.exit(f"{page}: a command ended with {done.returncode}\n{done.stdout}")
    return len(todo)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scalemix", type=pathlib.Path, required=True, help="the built command")
    parser.add_argument("--seconds", type=float, default=300, help="limit for one page")
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    total = sum(run_page(page, arguments.scalemix.resolve(), arguments.seconds) for page in arguments.pages)
    print(f"{total} commands of {len(arguments.pages)} pages ran")


if __name__ == "__main__":
    main()
