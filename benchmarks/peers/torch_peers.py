"""What a PyTorch user would write for the rows of compare.py: plain layers, the usual formulas, no tricks."""

import torch
import torch.nn.functional as F

MILLION = (1000, 1000)
MNIST, BATCH, TRAIN_ROWS = 784, 100, 60000


def dropout(compiled=False):
    x = torch.randn(MILLION)
    call = torch.compile(lambda t: F.dropout(t, 0.5)) if compiled else lambda t: F.dropout(t, 0.5)
    return lambda: call(x)


def dropout_both_ways():
    x, dy = torch.randn(MILLION).requires_grad_(), torch.ones(MILLION)

    def call():
        x.grad = None
        F.dropout(x, 0.5).backward(dy)
    return call


def gaussian_dropout():
    x = torch.randn(MILLION)
    return lambda: x * (1 + 0.5 * torch.randn_like(x))


class Variational(torch.nn.Module):
    """Sparse variational dropout (Molchanov, Ashukha & Vetrov 2017) with local reparameterisation, dense or
    convolutional: `shape` is that of the weights."""

    def __init__(self, *shape):
        super().__init__()
        self.weight = torch.nn.Parameter(0.02 * torch.randn(shape))
        self.log_sigma2 = torch.nn.Parameter(torch.full(shape, -10.0))
        self.bias = torch.nn.Parameter(torch.zeros(shape[0]))
        self.apply_weights = F.linear if len(shape) == 2 else F.conv2d

    def forward(self, x):
        mean = self.apply_weights(x, self.weight, self.bias)
        variance = self.apply_weights(x * x, self.log_sigma2.exp())
        return mean + torch.sqrt(variance + 1e-8) * torch.randn_like(mean)

    def penalty(self):
        log_alpha = (self.log_sigma2 - torch.log(self.weight * self.weight + 1e-8)).clamp(-8, 8)
        fit = 0.63576 * torch.sigmoid(1.8732 + 1.48695 * log_alpha)
        return (0.63576 - fit + 0.5 * F.softplus(-log_alpha)).sum()


class VariationalNetwork(torch.nn.Module):
    """ReLU behind all layers but the last, a pool behind each convolution."""

    def __init__(self, *shapes):
        super().__init__()
        self.layers = torch.nn.ModuleList(Variational(*shape) for shape in shapes)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x if layer.weight.dim() == 4 else x.flatten(1)))
            if layer.weight.dim() == 4:
                x = F.max_pool2d(x, 2)
        return self.layers[-1](x)

    def penalty(self):
        return sum(layer.penalty() for layer in self.layers)


def training_step(network, loss, fused=False, compiled=False):
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, fused=fused)
    loss = torch.compile(loss) if compiled else loss

    def step():
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    return step


def variational_step(lenet5=False, **options):
    if lenet5:
        network = VariationalNetwork((20, 1, 5, 5), (50, 20, 5, 5), (500, 800), (10, 500))
    else:
        network = VariationalNetwork((300, MNIST), (100, 300), (10, 100))
    x = torch.randn(BATCH, 1, 28, 28) if lenet5 else torch.randn(BATCH, MNIST)
    y = torch.randint(0, 10, (BATCH,))
    return training_step(network, lambda: F.cross_entropy(network(x), y) + network.penalty() / TRAIN_ROWS, **options)


def dropout_network():
    return torch.nn.Sequential(
        torch.nn.Linear(MNIST, 300), torch.nn.ReLU(), torch.nn.Dropout(0.5),
        torch.nn.Linear(300, 100), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(100, 10))


def dropout_step(**options):
    network = dropout_network()
    x, y = torch.randn(BATCH, MNIST), torch.randint(0, 10, (BATCH,))
    return training_step(network, lambda: F.cross_entropy(network(x), y), **options)


def regression_step(**options):
    network = torch.nn.Sequential(torch.nn.Linear(10, 50), torch.nn.ReLU(), torch.nn.Dropout(0.05),
                                  torch.nn.Linear(50, 1))
    log_precision = torch.nn.Parameter(torch.zeros(1))
    x, y = torch.randn(128, 10), torch.randn(128, 1)

    def loss():
        error = y - network(x)
        return ((log_precision.exp() * error * error - log_precision) / 2).mean()
    module = torch.nn.ModuleList([network])
    module.log_precision = log_precision
    return training_step(module, loss, **options)


class Residual(torch.nn.Module):
    """shortcut(x) + branch(x); no shortcut: the identity."""

    def __init__(self, branch, shortcut=None):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, x):
        return self.branch(x) + (x if self.shortcut is None else self.shortcut(x))


def residual_step(**options):
    """resmlp:50x3 with dropout on the input of every weight layer but the first."""
    def block():
        return Residual(torch.nn.Sequential(
            torch.nn.ReLU(), torch.nn.Dropout(0.05), torch.nn.Linear(50, 50),
            torch.nn.ReLU(), torch.nn.Dropout(0.05), torch.nn.Linear(50, 50)))
    network = torch.nn.Sequential(torch.nn.Linear(10, 50), block(), block(), block(), torch.nn.ReLU(),
                                  torch.nn.Dropout(0.05), torch.nn.Linear(50, 1))
    log_precision = torch.nn.Parameter(torch.zeros(1))
    x, y = torch.randn(128, 10), torch.randn(128, 1)

    def loss():
        error = y - network(x)
        return ((log_precision.exp() * error * error - log_precision) / 2).mean()
    module = torch.nn.ModuleList([network])
    module.log_precision = log_precision
    return training_step(module, loss, **options)


def conv_norm(channels, width, kernel=3, stride=1):
    return [torch.nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False), torch.nn.BatchNorm2d(width)]


def resnet():
    """resnet:1: CIFAR's, of one block per stage."""
    layers, channels = [*conv_norm(3, 16), torch.nn.ReLU()], 16
    for width in (16, 32, 64):
        stride = 1 if width == 16 else 2
        branch = torch.nn.Sequential(*conv_norm(channels, width, 3, stride), torch.nn.ReLU(), *conv_norm(width, width))
        shortcut = None if stride == 1 else torch.nn.Sequential(*conv_norm(channels, width, 1, stride))
        layers += [Residual(branch, shortcut), torch.nn.ReLU()]
        channels = width
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(64, 10))


def vgg(k=0.25):
    """vgg:0.25."""
    layers, channels = [], 3
    for base, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            width = round(k * base)
            layers += [*conv_norm(channels, width), torch.nn.ReLU()]
            channels = width
        layers.append(torch.nn.MaxPool2d(2))
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(channels, channels, bias=False),
                               torch.nn.BatchNorm1d(channels), torch.nn.ReLU(), torch.nn.Linear(channels, 10))


def colour_step(make, **options):
    network, x, y = make(), torch.randn(100, 3, 32, 32), torch.randint(0, 10, (100,))
    return training_step(network, lambda: F.cross_entropy(network(x), y), **options)


def monte_carlo():
    network, x = dropout_network(), torch.randn(1000, MNIST)

    def call():
        with torch.no_grad():
            return sum(torch.softmax(network(x), 1) for _ in range(100)) / 100
    return call
