#!/usr/bin/env python3
"""Checks that clang-format would change no source."""

import re
import subprocess

import tree

COMPLAINT = re.compile(r"^([^:\n]+):\d+:\d+: error:", re.MULTILINE)


def main():
    root = tree.root_argument(__doc__)
    paths = [str(path) for path in tree.files(root, ".h", ".cc", ".c")]
    command = ["clang-format", "--dry-run", "-Werror", "--style=file", *paths]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True) if paths else None
    problems = []
    if done and done.returncode != 0:
        names = sorted(set(COMPLAINT.findall(done.stderr)))
        problems = [f"{name}: run clang-format -i on it" for name in names] or [done.stderr.strip()]
    tree.finish("format", problems, len(paths))


if __name__ == "__main__":
    main()
