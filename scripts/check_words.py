#!/usr/bin/env python3
"""Checks that no file names a machine's own paths or a package registry's host, or leaves work undone in words."""

import re

import tree

# Written so that no pattern matches itself.
PATTERNS = {
    "a path of one machine": re.compile(r"/(work|root|home/\w+)/[\w.]|/tmp/[b]ash|/opt/[\w]+-more\b"),
    "a registry's host": re.compile(
        r"\b(deb\.debian|security\.debian|pypi|files\.pythonhosted|download\.pytorch)\.org"),
    "work left undone": re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b"),
}


def main():
    root = tree.root_argument(__doc__)
    paths = tree.files(root)
    problems = []
    for path in paths:
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not text: fixtures
        for number, line in enumerate(text.splitlines(), 1):
            for what, pattern in PATTERNS.items():
                if found := pattern.search(line):
                    problems.append(f'{path}:{number}: {what}: "{found.group(0)}"')
    tree.finish("words", problems, len(paths))


if __name__ == "__main__":
    main()
