"""Finds the compiled ops and loads them, if the torch they were built against is the one that runs.

A library of another torch does not fail to load: it aborts the process. So its version is read from the
file's bytes first; op/version.cc puts it there.
"""

from __future__ import annotations

import mmap
import os
import re
from pathlib import Path

import torch

_MARK = re.compile(rb"scalemix_ops: built against torch (\d+\.\d+\.\d+)")


def path() -> Path:
    """The compiled ops; raises ImportError saying where they were looked for."""
    named = os.environ.get("SCALEMIX_OPS")
    found = Path(named) if named else Path(__file__).parent / "libscalemix_ops.so"
    if not found.is_file():
        raise ImportError(
            f"scalemix.torch: no compiled ops at {found}; build the target scalemix_ops (cmake "
            "-DSCALEMIX_TORCH=ON) and name the library in the environment variable SCALEMIX_OPS"
        )
    return found


def built_against(library: Path) -> str:
    """The version of torch that a library of ops was built against; raises ImportError if it names none."""
    with library.open("rb") as file:
        if library.stat().st_size > 0:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found = _MARK.search(content)
                if found:
                    return found.group(1).decode()
    raise ImportError(f"scalemix.torch: {library} is no library of ops of scalemix")


def load() -> None:
    library = path()
    built, running = built_against(library), torch.__version__.split("+")[0]
    if built != running:
        raise ImportError(
            f"scalemix.torch: the ops at {library} were built against torch {built}, and torch {running} is "
            "running; build them against this torch, or install that one"
        )
    torch.ops.load_library(str(library))
