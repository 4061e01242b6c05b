"""What the Python tests share: run_tests(module globals) runs every test_* and prints "N passed, N failed"."""

import json
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))


def grid(shape, salt, dtype=None):
    """The inputs of golden.cc: exact in float32."""
    import torch

    count = torch.Size(shape).numel()
    i = torch.arange(count) + salt
    return ((i * 37).remainder(101).to(dtype or torch.float32) / 64 - 0.75).reshape(shape)


def golden():
    """What scalemix_ops_golden wrote into the file that the command names."""
    return json.loads(Path(sys.argv[1]).read_text())


def message_of(call):
    """The message of the error that `call` raises; empty where it raises none."""
    try:
        call()
    except (RuntimeError, TypeError, ValueError, ImportError) as error:
        return str(error)
    return ""


def run_tests(names):
    import torch._inductor.config

    # The cache on disk does not know the ops' code: it would give what an earlier build compiled.
    torch._inductor.config.force_disable_caches = True
    passed = failed = 0
    for name, test in list(names.items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            passed += 1
        except Exception:
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
