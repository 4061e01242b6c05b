#!/usr/bin/env python3
"""Checks that clang-format would change no source."""

import subprocess

import tree


def main():
    root = tree.root_argument(__doc__)
    paths = tree.files(root, ".h", ".cc")
    problems = []
    for path in paths:
        command = ["clang-format", "--dry-run", "-Werror", "--style=file", str(path)]
        if subprocess.run(command, cwd=root, capture_output=True).returncode != 0:
            problems.append(f"{path}: run clang-format -i on it")
    tree.finish("format", problems, len(paths))


if __name__ == "__main__":
    main()
