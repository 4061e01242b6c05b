"""Tests of the ops as Python sees them: python3 ops_test.py GOLDEN

GOLDEN is what scalemix_ops_golden wrote. SCALEMIX_OPS names the compiled ops.
"""

import torch

from harness import golden, grid, message_of, run_tests

import scalemix.torch as sx  # noqa: E402, after harness has set the path

SEED = torch.tensor([11, (1 << 40) + 3])
OPS = torch.ops.scalemix
GOLDEN = golden()
LEARNED = {
    "gaussian": [0.4], "uniform": [0.9], "laplace": [0.4], "lognormal": [0.6], "rayleigh": [1.1],
    "half_cauchy": [1.1], "logistic_normal": [0.1, 1.2],
}


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


def test_noise_equals_cpp_bit_for_bit():
    laws = [name.split()[1] for name in GOLDEN if name.startswith("params ")]
    assert len(laws) >= 13, laws
    for law in laws:
        params = golden_tensor(GOLDEN["params " + law]).double()
        for site in ("unit", "channel", "layer", "weight"):
            for mode in ("multiply", "add"):
                y = sx.noise(
                    grid((2, 3, 4, 5), 1), SEED, law, params, site=site, mode=mode,
                    stream=sx.stream_id("predict", 7), draw=9, row0=2,
                )
                expected = golden_tensor(GOLDEN[f"noise {law} {site} {mode}"])
                assert torch.equal(y, expected), f"{law} {site} {mode}"


def test_layers_equal_cpp():
    # Python may run another number of threads, so products agree to rounding.
    x, w, ls, b = leaf((2, 6, 7), 1), leaf((2, 5, 7), 2), leaf((2, 5, 7), 3), leaf((2, 5), 4)
    norm_close(OPS.linear(x, w, b), golden_tensor(GOLDEN["linear"]), 1e-6)
    mean, var = grid((2, 3, 4), 5), grid((2, 3, 4), 6).square()
    y = sx.reparam(mean, var, SEED, stream=7, draw=8, row0=9)
    assert torch.equal(y, golden_tensor(GOLDEN["reparam"]))
    assert torch.equal(sx.svdo_terms(w, ls)[0], golden_tensor(GOLDEN["svdo_terms"]))
    y, penalty = sx.svdo_linear(x, w, ls, b, seed=SEED, stream=7, draw=8, row0=9)
    norm_close(y, golden_tensor(GOLDEN["svdo_linear y"]), 1e-6)
    norm_close(penalty, golden_tensor(GOLDEN["svdo_linear penalty"]), 1e-6)
    (y.square().sum() + penalty.sum()).backward()
    for name, t in (("dx", x), ("dw", w), ("dlog_sigma2", ls), ("db", b)):
        norm_close(t.grad, golden_tensor(GOLDEN["svdo_linear " + name]), 1e-5)


# --------------------------------------------------------------------------------------- the contract


def samples():
    """(op, arguments) of every op and overload that takes tensors, float32 and double, with gradients."""
    one = torch.tensor([0.3], dtype=torch.float64)
    columns, draw = torch.tensor([0, 2, 5]), torch.tensor(4)
    for dtype in (torch.float32, torch.float64):
        x, w, ls = leaf((2, 4, 3), 1, dtype), leaf((2, 5, 3), 2, dtype), leaf((2, 5, 3), 3, dtype)
        b = leaf((2, 5), 4, dtype)
        var = (grid((2, 4, 3), 5, dtype).square() + 0.1).requires_grad_(True)
        y, image = leaf((2, 4, 5), 6, dtype), leaf((2, 4, 3, 2), 7, dtype)
        for overload, step in (("default", 4), ("tensor_draw", draw)):
            yield f"noise.{overload}", (x, SEED, "gaussian", one, "unit", "multiply", 3, step, 1, 0, None)
            yield f"noise.{overload}", (x, SEED, "laplace", one, "unit", "add", 3, step, 1, 9, columns)
            yield f"noise.{overload}", (image, SEED, "bernoulli", one, "channel", "multiply", 3, step, 1, 0,
                                        None)
            yield f"reparam.{overload}", (x, var, SEED, 3, step, 1, 0, None)
            yield f"svdo_linear.{overload}", (x, w, ls, b, SEED, 3, step, 1)
            yield f"svdo_linear.{overload}", (x.detach(), w, ls, None, SEED, 3, step, 1)
        yield "linear.default", (x, w, b)
        yield "linear.default", (x, w, None)
        yield "product.default", (x, w, False, True)
        yield "column_sums.default", (x,)
        yield "reparam_backward.default", (var, x, SEED, 3, draw, 1, 0, None)
        yield "svdo_terms.default", (w, ls)
        yield "kept_draw.default", (draw,)
        ds, dp = leaf((2, 5, 3), 8, dtype), leaf((2,), 9, torch.float64)
        yield "svdo_terms_backward.default", (w, ls, ds, dp)
        detached = [t.detach() for t in (x, w, ls, b)]
        yield "svdo_linear_forward.default", (*detached, SEED, 3, draw, 1)
        sigma2, v = ls.detach().exp(), y.detach().square()
        yield "svdo_linear_backward.default", (y.detach(), dp.detach(), *detached[:3], sigma2, v, SEED, 3,
                                               draw, 1, True, False)
        for shape in ((1,), (2, 1), (2, 3, 1)):
            params = torch.full(shape, 0.3, dtype=torch.float64)
            yield "noise_params_backward.default", (x.detach(), x.detach(), SEED, "laplace", params, "unit",
                                                    "multiply", 3, draw, 1, 0, None)


def learned_samples():
    """Calls of noise with params that require a gradient."""
    for law, values in LEARNED.items():
        for shape in ((), (2,), (2, 3)):
            params = torch.tensor(values, dtype=torch.float64).expand(*shape, len(values))
            for dtype in (torch.float32, torch.float64):
                x = leaf((2, 4, 3, 2), 7, dtype)
                yield law, (x, SEED, law, params.clone().requires_grad_(True), "channel", "multiply", 3,
                            torch.tensor(4), 1, 0, None)


def op_of(name):
    packet, overload = name.split(".")
    return getattr(getattr(OPS, packet), overload)


def test_opcheck_passes_on_every_op():
    seen = set()
    for name, args in samples():
        seen.add(name)
        try:
            torch.library.opcheck(op_of(name), args)
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error
    registered = set()
    for schema in torch._C._jit_get_all_schemas():
        if schema.name.startswith("scalemix::") and any("Tensor" in str(a.type) for a in schema.arguments):
            registered.add(f"{schema.name.split('::')[1]}.{schema.overload_name or 'default'}")
    assert registered == seen, f"ops without a sample: {registered - seen}"


def test_opcheck_passes_with_learned_parameters():
    for law, args in learned_samples():
        try:
            torch.library.opcheck(OPS.noise.tensor_draw, args)
        except Exception as error:
            raise AssertionError(f"{law}: {error}") from error


def test_gradcheck_in_double():
    for name, args in samples():
        tensors = [a for a in args if isinstance(a, torch.Tensor) and a.requires_grad]
        if not tensors or tensors[0].dtype != torch.float64:
            continue

        def call(*moved, op=op_of(name), args=args):
            queue = iter(moved)
            return op(*[next(queue) if isinstance(a, torch.Tensor) and a.requires_grad else a
                        for a in args])

        assert torch.autograd.gradcheck(call, tensors), name
        assert torch.autograd.gradgradcheck(call, tensors), name


def test_gradcheck_of_learned_parameters():
    # Draws are float, so differences need a large step, which a square root or an exponential feels.
    for law, args in learned_samples():
        if args[0].dtype != torch.float64:
            continue

        def call(params, args=args):
            return OPS.noise(args[0].detach(), *args[1:3], params, *args[4:])

        assert torch.autograd.gradcheck(call, [args[3]], eps=1e-3, atol=1e-3, rtol=1e-3), law


def test_only_laws_with_an_explicit_transform_are_learned():
    for name in GOLDEN:
        if not name.startswith("params "):
            continue
        law = name.split()[1]
        params = golden_tensor(GOLDEN[name]).double().requires_grad_(True)
        wrong = message_of(lambda: sx.noise(grid((2, 3, 4), 1), SEED, law, params, stream=0, draw=0))
        if law in LEARNED:
            assert wrong == "", wrong
        else:
            assert f"noise: the params of {law} have no gradient" in wrong, wrong


def test_compiled_equals_eager_without_recompiling_each_step():
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


def test_errors_name_the_argument():
    x = grid((2, 3, 4), 1)
    wrong = message_of(lambda: sx.noise(x, SEED.float(), "gaussian", [0.3], stream=0, draw=0))
    assert "noise: expected seed of type int64, got float32" in wrong, wrong
    wrong = message_of(lambda: sx.noise(x, SEED, "gaussian", [-1.0], stream=0, draw=0))
    assert "gaussian: alpha must be in" in wrong, wrong
    wrong = message_of(lambda: sx.noise(x, SEED, "gausian", [0.3], stream=0, draw=0))
    assert "gaussian" in wrong, wrong
    wrong = message_of(lambda: sx.stream_id("test", 0))
    assert "stream: expected a purpose of train" in wrong, wrong
    wrong = message_of(lambda: sx.stream_id("train", 1 << 28))
    assert "stream: site must be in [0, 2^28)" in wrong, wrong


if __name__ == "__main__":
    run_tests(globals())
