"""Tests of the ops as Python sees them: python3 ops_test.py GOLDEN

GOLDEN is what scalemix_ops_golden wrote. SCALEMIX_OPS names the compiled ops. Prints one line a failure and
"N passed, N failed"; exits 1 if any failed.
"""

import json
import sys
import traceback
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import scalemix  # noqa: E402

SEED = torch.tensor([11, (1 << 40) + 3])
OPS = torch.ops.scalemix


def grid(shape, salt, dtype=torch.float32):
    """The inputs of golden.cc: exact in float32."""
    count = torch.Size(shape).numel()
    i = torch.arange(count) + salt
    return ((i * 37).remainder(101).to(dtype) / 64 - 0.75).reshape(shape)


def leaf(shape, salt, dtype=torch.float32):
    return grid(shape, salt, dtype).requires_grad_(True)


def golden_tensor(entry):
    bits = torch.tensor(entry["bits"], dtype=torch.int32)
    return bits.view(torch.float32).reshape(entry["shape"])


def norm_close(a, b, bound):
    a, b = a.detach().double(), b.detach().double()
    assert a.shape == b.shape, f"{a.shape} is not {b.shape}"
    off, size = (a - b).norm().item(), b.norm().item()
    assert off <= bound * size, f"off by {off:.3g} of norm {size:.3g}, bound {bound:.3g}"


# ---------------------------------------------------------------------------- the same numbers as C++


def test_noise_equals_cpp_bit_for_bit(golden):
    laws = [name.split()[1] for name in golden if name.startswith("params ")]
    assert len(laws) >= 13, laws
    for law in laws:
        params = golden_tensor(golden["params " + law]).double()
        for site in ("unit", "channel", "layer", "weight"):
            for mode in ("multiply", "add"):
                y = scalemix.noise(
                    grid((2, 3, 4, 5), 1), SEED, law, params, site=site, mode=mode,
                    stream=scalemix.stream_id("predict", 7), draw=9, row0=2,
                )
                expected = golden_tensor(golden[f"noise {law} {site} {mode}"])
                assert torch.equal(y, expected), f"{law} {site} {mode}"


def test_layers_equal_cpp(golden):
    # Python may run another number of threads, so products agree to rounding.
    x, w, ls, b = leaf((2, 6, 7), 1), leaf((2, 5, 7), 2), leaf((2, 5, 7), 3), leaf((2, 5), 4)
    norm_close(scalemix.linear(x, w, b), golden_tensor(golden["linear"]), 1e-6)
    mean, var = grid((2, 3, 4), 5), grid((2, 3, 4), 6).square()
    y = scalemix.reparam(mean, var, SEED, stream=7, draw=8, row0=9)
    assert torch.equal(y, golden_tensor(golden["reparam"]))
    assert torch.equal(scalemix.svdo_terms(w, ls)[0], golden_tensor(golden["svdo_terms"]))
    y, penalty = scalemix.svdo_linear(x, w, ls, b, seed=SEED, stream=7, draw=8, row0=9)
    norm_close(y, golden_tensor(golden["svdo_linear y"]), 1e-6)
    norm_close(penalty, golden_tensor(golden["svdo_linear penalty"]), 1e-6)
    (y.square().sum() + penalty.sum()).backward()
    for name, t in (("dx", x), ("dw", w), ("dlog_sigma2", ls), ("db", b)):
        norm_close(t.grad, golden_tensor(golden["svdo_linear " + name]), 1e-5)


# --------------------------------------------------------------------------------------- the contract


def samples():
    """Arguments of every op, float32 and double, with gradients."""
    one = torch.tensor([0.3], dtype=torch.float64)
    columns = torch.tensor([0, 2, 5])
    for dtype in (torch.float32, torch.float64):
        x, w, ls = leaf((2, 4, 3), 1, dtype), leaf((2, 5, 3), 2, dtype), leaf((2, 5, 3), 3, dtype)
        b = leaf((2, 5), 4, dtype)
        var = (grid((2, 4, 3), 5, dtype).square() + 0.1).requires_grad_(True)
        y = leaf((2, 4, 5), 6, dtype)
        yield "noise", (x, SEED, "gaussian", one, "unit", "multiply", 3, 4, 1, 0, None)
        yield "noise", (x, SEED, "laplace", one, "unit", "add", 3, 4, 1, 9, columns)
        yield "noise", (leaf((2, 4, 3, 2), 7, dtype), SEED, "bernoulli", one, "channel", "multiply", 3,
                        4, 1, 0, None)
        yield "linear", (x, w, b)
        yield "linear", (x, w, None)
        yield "product", (x, w, False, True)
        yield "column_sums", (x,)
        yield "reparam", (x, var, SEED, 3, 4, 1, 0, None)
        yield "reparam_backward", (var, x, SEED, 3, 4, 1, 0, None)
        yield "svdo_terms", (w, ls)
        yield "svdo_linear", (x, w, ls, b, SEED, 3, 4, 1)
        yield "svdo_linear", (x.detach(), w, ls, None, SEED, 3, 4, 1)
        ds, dp = leaf((2, 5, 3), 8, dtype), leaf((2,), 9, torch.float64)
        yield "svdo_terms_backward", (w, ls, ds, dp)
        detached = [t.detach() for t in (x, w, ls, b)]
        yield "svdo_linear_forward", (*detached, SEED, 3, 4, 1)
        sigma2, v = ls.detach().exp(), y.detach().square()
        yield "svdo_linear_backward", (y.detach(), dp.detach(), *detached[:3], sigma2, v, SEED, 3, 4, 1,
                                       True, False)


def test_opcheck_passes_on_every_op(golden):
    seen = set()
    for name, args in samples():
        seen.add(name)
        try:
            torch.library.opcheck(getattr(OPS, name).default, args)
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error
    registered = {s.name.split("::")[1] for s in torch._C._jit_get_all_schemas()
                  if s.name.startswith("scalemix::")}
    assert registered == seen, f"ops without a sample: {registered - seen}"


def test_gradcheck_in_double(golden):
    for name, args in samples():
        tensors = [a for a in args if isinstance(a, torch.Tensor) and a.requires_grad]
        if not tensors or tensors[0].dtype != torch.float64:
            continue

        def call(*moved, op=getattr(OPS, name), args=args):
            queue = iter(moved)
            return op(*[next(queue) if isinstance(a, torch.Tensor) and a.requires_grad else a
                        for a in args])

        assert torch.autograd.gradcheck(call, tensors), name
        assert torch.autograd.gradgradcheck(call, tensors), name


def test_compiled_equals_eager_without_recompiling_each_step(golden):
    def step(x, w, ls, draw):
        y, penalty = OPS.svdo_linear(x, w, ls, None, SEED, 3, draw, 0)
        z = OPS.noise(y, SEED, "bernoulli", torch.tensor([0.5], dtype=torch.float64), "unit", "multiply",
                      4, draw, 0, 0, None)
        return z.square().sum() + penalty.sum()

    graphs = 0

    def backend(graph, inputs):
        nonlocal graphs
        graphs += 1
        return graph.forward

    torch._dynamo.reset()
    compiled = torch.compile(step, backend=backend)
    traced = torch.compile(step, backend="aot_eager")
    for draw in range(6):
        eager_in = [leaf((2, 6, 7), 1), leaf((2, 5, 7), 2), leaf((2, 5, 7), 3)]
        step(*eager_in, draw).backward()
        for function in (compiled, traced):
            inputs = [leaf((2, 6, 7), 1), leaf((2, 5, 7), 2), leaf((2, 5, 7), 3)]
            function(*inputs, draw).backward()
            for mine, expected in zip(inputs, eager_in):
                assert torch.equal(mine.grad, expected.grad), f"draw {draw}"
    assert graphs <= 3, f"{graphs} compilations in six steps"


def test_errors_name_the_argument(golden):
    def message(call):
        try:
            call()
        except (RuntimeError, TypeError, ValueError, ImportError) as error:
            return str(error)
        return ""

    x = grid((2, 3, 4), 1)
    wrong = message(lambda: scalemix.noise(x, SEED.float(), "gaussian", [0.3], stream=0, draw=0))
    assert "noise: expected seed of type int64, got float32" in wrong, wrong
    wrong = message(lambda: scalemix.noise(x, SEED, "gaussian", [-1.0], stream=0, draw=0))
    assert "gaussian: alpha must be in" in wrong, wrong
    wrong = message(lambda: scalemix.noise(x, SEED, "gausian", [0.3], stream=0, draw=0))
    assert "gaussian" in wrong, wrong
    wrong = message(lambda: scalemix.stream_id("test", 0))
    assert "stream: expected a purpose of train" in wrong, wrong
    wrong = message(lambda: scalemix.stream_id("train", 1 << 28))
    assert "stream: site must be in [0, 2^28)" in wrong, wrong


def main():
    golden = json.loads(Path(sys.argv[1]).read_text())
    passed = failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test(golden)
            passed += 1
        except Exception:
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
