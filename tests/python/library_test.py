"""Tests of how the compiled ops are found and refused: python3 library_test.py GOLDEN

Each import runs in a process of its own: a library of another torch would abort it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from harness import run_tests

PACKAGE = Path(__file__).resolve().parents[2] / "python"
OPS = Path(os.environ["SCALEMIX_OPS"])
RUNNING = torch.__version__.split("+")[0].encode()


def imported(library):
    """The process that imported scalemix.torch with the library."""
    environment = {**os.environ, "SCALEMIX_OPS": str(library), "PYTHONPATH": str(PACKAGE)}
    return subprocess.run([sys.executable, "-B", "-c", "import scalemix.torch"], env=environment,
                          capture_output=True, text=True, timeout=300)


def last_line(process):
    assert process.returncode == 1, f"ended with {process.returncode}:\n{process.stderr}"
    return process.stderr.strip().splitlines()[-1]


def test_the_ops_of_this_torch_load():
    process = imported(OPS)
    assert process.returncode == 0, process.stderr


def test_ops_of_another_torch_are_refused_with_both_versions():
    other = b"9" + RUNNING[1:]
    content = OPS.read_bytes()
    mark = b"built against torch " + RUNNING
    assert content.count(mark) == 1, content.count(mark)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "libscalemix_ops.so"
        library.write_bytes(content.replace(mark, b"built against torch " + other))
        line = last_line(imported(library))
    assert line.startswith("ImportError: scalemix.torch: the ops at "), line
    assert f"built against torch {other.decode()}, and torch {RUNNING.decode()} is running" in line, line


def test_the_version_is_read_before_the_library_is_loaded():
    # Not even an ELF file: loading it would say "invalid ELF header".
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "libscalemix_ops.so"
        library.write_bytes(b"scalemix_ops: built against torch 1.2.3\0")
        line = last_line(imported(library))
    assert "were built against torch 1.2.3, and torch " in line, line


def test_what_is_no_library_of_ops_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        for content in (b"", b"\x7fELF and nothing else"):
            library = Path(folder) / "libother.so"
            library.write_bytes(content)
            line = last_line(imported(library))
            assert line.endswith("libother.so is no library of ops of scalemix"), line


def test_a_missing_library_says_where_it_was_looked_for():
    line = last_line(imported("/nowhere/libscalemix_ops.so"))
    assert line.startswith("ImportError: scalemix.torch: no compiled ops at /nowhere/libscalemix_ops.so"), line


def test_a_library_beside_the_package_is_found():
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE / "scalemix", Path(folder) / "scalemix")
        shutil.copy(OPS, Path(folder) / "scalemix" / "torch" / "libscalemix_ops.so")
        environment = {key: value for key, value in os.environ.items() if key != "SCALEMIX_OPS"}
        process = subprocess.run([sys.executable, "-B", "-c", "import scalemix.torch"], capture_output=True,
                                 env={**environment, "PYTHONPATH": folder}, text=True, timeout=300)
    assert process.returncode == 0, process.stderr


if __name__ == "__main__":
    run_tests(globals())
