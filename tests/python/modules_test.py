"""Tests of the Python modules: python3 modules_test.py GOLDEN"""

import copy
import io
import math

import torch
from torch import nn

from harness import grid, message_of, run_tests

import scalemix.torch as sx

SEED = torch.tensor([11])


def network():
    torch.manual_seed(1)
    return nn.Sequential(
        sx.SvdoConv2d(2, 3, 3, padding=1, seed=11, stream=5), nn.ReLU(), sx.Noise("gaussian:alpha=0.25", "channel", seed=12),
        nn.Flatten(), sx.SvdoLinear(48, 4, seed=13), sx.Noise("bernoulli:p=0.5", seed=14),
    )


def images():
    return grid((3, 2, 4, 4), 1)


def loss(net, x):
    penalties = sum(m.penalty() for m in net.modules() if hasattr(m, "penalty"))
    return net(x).square().mean() + penalties / 100


# ------------------------------------------------------------------------------------ what they compute


def test_noise_is_the_op_without_the_replica_axis_one_draw_a_call():
    x = grid((3, 4, 2), 1)
    for site in ("unit", "channel", "layer", "weight"):
        for mode in ("multiply", "add"):
            noise = sx.Noise("gaussian:alpha=0.25", site, mode, seed=11, stream=5)
            for step in range(3):
                expected = sx.noise(x[None], SEED, "gaussian", [0.25], site=site, mode=mode, stream=5, draw=step)
                assert torch.equal(noise(x), expected[0]), f"{site} {mode} {step}"


def test_eval_draws_nothing():
    x = grid((3, 4), 1)
    for law, mode, expected in (
        ("bernoulli:p=0.5", "multiply", x), ("half_cauchy:scale=3", "multiply", 3 * x), ("normal:scale=2", "add", x),
        ("gaussian:alpha=1", "add", x + 1),
    ):
        noise = sx.Noise(law, mode=mode).eval()
        torch.testing.assert_close(noise(x), expected)
        assert noise.draw.item() == 0
    net = network().eval()
    assert torch.equal(net(images()), net(images()))


def test_svdo_linear_is_the_op_and_keeps_leading_shapes():
    for bias in (True, False):
        layer = sx.SvdoLinear(6, 4, bias=bias, seed=11, stream=5)
        x = grid((3, 2, 6), 1)
        for step in range(2):
            y, penalty = sx.svdo_linear(
                x.reshape(1, 6, 6), layer.weight[None], layer.log_sigma2[None],
                layer.bias[None] if bias else None, seed=SEED, stream=5, draw=step,
            )
            assert torch.equal(layer(x), y.reshape(3, 2, 4))
            assert torch.equal(layer.penalty(), penalty[0])


def test_svdo_conv2d_is_a_linear_layer_where_the_window_is_the_image():
    conv, dense = sx.SvdoConv2d(2, 4, 3, seed=11), sx.SvdoLinear(18, 4, seed=11)
    with torch.no_grad():
        for mine, other in zip(conv.parameters(), dense.parameters()):
            other.copy_(mine.reshape(other.shape))
    x = grid((5, 2, 3, 3), 1)
    torch.testing.assert_close(conv(x).flatten(1), dense(x.flatten(1)))
    torch.testing.assert_close(conv.penalty(), dense.penalty())
    torch.testing.assert_close(conv.eval()(x).flatten(1), dense.eval()(x.flatten(1)))


def test_weights_that_drown_in_their_noise_count_as_zero_in_eval():
    layer = sx.SvdoLinear(3, 1, bias=False).eval()
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.log_sigma2.copy_(torch.tensor([[-5.0, 2.9, 3.1]]))
    assert layer.kept().tolist() == [[True, True, False]]
    assert layer(torch.ones(1, 3)).item() == 2


def test_rows_of_a_part_of_the_batch_draw_what_the_whole_draws():
    x = grid((6, 5), 1)
    whole, part = sx.Noise("bernoulli:p=0.5", seed=3), sx.Noise("bernoulli:p=0.5", seed=3)
    part.row0 = 4
    assert torch.equal(part(x[4:]), whole(x)[4:])


def test_critical_weights_have_the_critical_variance():
    torch.manual_seed(5)
    w = torch.empty(200, 300)
    assert sx.critical_(w, "relu", "bernoulli:p=0.5") is w
    assert abs(w.var().item() * 300 - 1) < 5 * math.sqrt(2 / w.numel())
    layer = nn.Linear(4, 3)
    sx.critical_(layer.weight, "tanh")
    assert layer.weight.requires_grad
    wrong = message_of(lambda: sx.critical_(w, "relu", "half_cauchy"))
    assert "relu with noise half_cauchy has no critical initialisation" in wrong, wrong
    wrong = message_of(lambda: sx.critical_(torch.empty(3)))
    assert "critical_: expected floating w of at least 2 dimensions" in wrong, wrong


def test_wrong_arguments_are_named():
    for call, expected in (
        (lambda: sx.Noise("gausian"), "did you mean 'gaussian'?"),
        (lambda: sx.Noise("gaussian", "pixel"), "expected a site of unit, channel, layer, weight, got pixel"),
        (lambda: sx.Noise("gaussian", mode="mul"), "expected a mode of multiply, add, got mul"),
        (lambda: sx.Noise("half_cauchy", mode="add"), "the mean of half_cauchy must be finite to be added, got inf"),
        (lambda: sx.SvdoConv2d(3, 4, 3, groups=2), "in_channels must be divisible by groups"),
        (lambda: sx.SvdoConv2d(2, 4, 3)(torch.ones(2, 5, 5)), "expected x of shape (N, C, H, W), got (2, 5, 5)"),
    ):
        wrong = message_of(call)
        assert expected in wrong, f"{wrong} does not say: {expected}"


# ------------------------------------------------------------------------------------ state and training


def test_seeds_come_from_torchs_generator_and_differ():
    torch.manual_seed(3)
    a, b = sx.Noise("bernoulli"), sx.Noise("bernoulli")
    torch.manual_seed(3)
    assert torch.equal(a.seed, sx.Noise("bernoulli").seed) and not torch.equal(a.seed, b.seed)


def test_a_loaded_or_copied_network_goes_on_with_the_noise_it_would_have_drawn():
    net, x = network(), images()
    net(x)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    copied = copy.deepcopy(net)
    expected = net(x)
    file.seek(0)
    loaded = network()
    loaded.load_state_dict(torch.load(file))
    assert torch.equal(loaded(x), expected) and torch.equal(copied(x), expected)


def test_a_network_in_double_draws_the_same_noise():
    net, wide = network(), network().double()
    torch.testing.assert_close(wide(images().double()).float(), net(images()))


def test_gradients_agree_with_finite_differences_in_double():
    net, x = network().double(), images().double().requires_grad_(True)
    with torch.no_grad():  # away from kinks and clips
        for module in net.modules():
            if hasattr(module, "log_sigma2"):
                module.log_sigma2.fill_(-3)
    tensors = [x, *net.parameters()]

    def call(*moved):
        state = {name: t for (name, _), t in zip(net.named_parameters(), moved[1:])}
        buffers = {name: torch.zeros_like(b) if name.endswith("draw") else b for name, b in net.named_buffers()}
        return torch.func.functional_call(net, {**state, **buffers}, (moved[0],))

    assert torch.autograd.gradcheck(call, tensors)


def test_it_trains_and_forgets_an_input_that_says_nothing():
    torch.manual_seed(1)
    layer = sx.SvdoLinear(2, 1, init_log_sigma2=-4, seed=1)
    adam = torch.optim.Adam(layer.parameters(), 0.05)
    x = torch.randn(64, 2)
    for _ in range(600):
        adam.zero_grad()
        nll = (layer(x) - 2 * x[:, :1]).square().mean() / (2 * 0.01)
        (nll + layer.penalty() / 64).backward()
        adam.step()
    assert layer.kept().tolist() == [[True, False]], layer.kept()
    assert abs(layer.weight[0, 0].item() - 2) < 0.05


# --------------------------------------------------------------------------------------------- compiled


def compilations(call, backend):
    """How many graphs `call` makes in six steps, and what broke them."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(call, backend=backend, fullgraph=True)
    results = [compiled() for _ in range(6)]
    counters = torch._dynamo.utils.counters
    return results, counters["stats"]["unique_graphs"], dict(counters["graph_break"])


def test_compiled_modules_do_not_compile_again_each_step():
    x = images()
    for backend in ("aot_eager", "inductor"):
        eager, net = network(), network()
        results, graphs, breaks = compilations(lambda: loss(net, x), backend)
        for step, value in enumerate(results):
            torch.testing.assert_close(value, loss(eager, x), msg=lambda m: f"{backend}, step {step}: {m}")
        assert graphs == 1 and not breaks, f"{backend}: {graphs} graphs in six steps, breaks {breaks}"
        assert all(b.item() == 6 for name, b in net.named_buffers() if name.endswith("draw"))


def test_compiled_training_equals_eager_training():
    # The backward pass must not see the counter after it went up.
    x = images()
    for backend in ("aot_eager", "inductor"):
        torch._dynamo.reset()
        eager, net = network(), network()
        compiled = torch.compile(lambda: loss(net, x), backend=backend, fullgraph=True)
        for step in range(4):
            for target, value in ((eager, loss(eager, x)), (net, compiled())):
                target.zero_grad()
                value.backward()
                with torch.no_grad():
                    for p in target.parameters():
                        p -= 0.1 * p.grad
            for mine, expected in zip(net.parameters(), eager.parameters()):
                torch.testing.assert_close(mine, expected, msg=lambda m: f"{backend}, step {step}: {m}")


def test_an_int_as_a_counter_would_compile_again():
    # Why the counter is a tensor: the same noise with an attribute that goes up.
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = 0

        def forward(self, x):
            self.step += 1
            return sx.noise(x, SEED, "bernoulli", [0.5], stream=0, draw=self.step)

    net, x = Counted(), grid((1, 3, 4), 1)
    with torch._dynamo.config.patch(automatic_dynamic_shapes=False, allow_unspec_int_on_nn_module=False):
        try:
            _, graphs, _ = compilations(lambda: net(x), "eager")
        except torch._dynamo.exc.FailOnRecompileLimitHit:
            graphs = 8
    assert graphs > 1, graphs


if __name__ == "__main__":
    run_tests(globals())
