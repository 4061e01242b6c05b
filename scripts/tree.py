"""The files a check looks at, and how a check reports: shared by the scripts beside this one."""

import argparse
import os
import pathlib
import subprocess
import sys

SKIPPED = {".git", ".venv", ".cache", "build", "runs", "__pycache__"}


def root_argument(description):
    """Parses `--root FOLDER` (default: this repository) and returns the folder."""
    parser = argparse.ArgumentParser(description=description)
    default = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--root", type=pathlib.Path, default=default, help="the tree to check")
    return parser.parse_args().root.resolve()


def walk(root):
    """Relative paths of all files outside the folders that builds make."""
    names = []
    for folder, inner, inside in os.walk(root):
        inner[:] = [name for name in inner if name not in SKIPPED]
        names += [os.path.relpath(os.path.join(folder, name), root) for name in inside]
    return names


def files(root, *suffixes):
    """Relative paths of the tree's files with one of the suffixes (all files without any): those that git
    tracks or would, or, where there is no git, all outside the folders that builds make."""
    if (root / ".git").exists():
        git = ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"]
        names = subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()
    else:
        names = walk(root)
    found = (pathlib.Path(name) for name in sorted(set(names)))
    return [f for f in found if (not suffixes or f.suffix in suffixes) and (root / f).is_file()]


def finish(check, problems, looked_at):
    """Prints the problems and exits 1 if there are any; an empty tree is a problem too."""
    if not looked_at:
        problems = ["nothing to check"]
    for problem in problems:
        print(f"{check}: {problem}", file=sys.stderr)
    print(f"{check}: {looked_at} looked at, {len(problems)} wrong")
    sys.exit(1 if problems else 0)
