#!/usr/bin/env python3
"""Ten steps of training in PyTorch (double precision), as figures for tests/train/test_trajectory.c.

    python3 scripts/reference/trajectory.py > tests/train/trajectory.txt

The network is convolution + batch norm + leaky, max pooling, connected, softmax cross-entropy; SGD with momentum, and L2 decay on the weights
of convolution and connected layer alone. Two batches take turns. Inputs and initial weights have few decimals, so that the text holds them exactly.
A record is a name, a count and so many numbers; params stand in Darknet's order: bias, scale, mean, variance, weights; then bias, weights.
"""
import sys

import torch
from torch import nn
from torch.nn import functional

STEPS, RATE, MOMENTUM, DECAY = 10, 0.05, 0.9, 0.01
BATCH, CHANNELS, SIZE, FILTERS, CLASSES = 4, 2, 6, 5, 3


def short(shape, scale):
    return (torch.randn(shape, dtype=torch.float64) * scale * 1000).round() / 1000


def record(name, tensor):
    values = tensor.detach().flatten().tolist()
    print(name, len(values), *(f"{v:.9g}" for v in values))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, FILTERS, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(FILTERS, eps=1e-5, momentum=0.1)
        self.connected = nn.Linear(FILTERS * (SIZE // 2) ** 2, CLASSES)

    def forward(self, x):
        x = functional.leaky_relu(self.norm(self.conv(x)), 0.1)
        return self.connected(functional.max_pool2d(x, 2, 2).flatten(1))

    def params(self):
        return [self.norm.bias, self.norm.weight, self.norm.running_mean, self.norm.running_var, self.conv.weight,
                self.connected.bias, self.connected.weight]


def main():
    torch.manual_seed(7)
    net = Net().double()
    with torch.no_grad():
        for p in (net.conv.weight, net.connected.weight):
            p.copy_(short(p.shape, 0.3))
        net.connected.bias.copy_(short(net.connected.bias.shape, 0.1))
        net.norm.weight.copy_(1 + short(net.norm.weight.shape, 0.1))
        net.norm.bias.copy_(short(net.norm.bias.shape, 0.1))
    inputs = short((2, BATCH, CHANNELS, SIZE, SIZE), 1)
    labels = torch.randint(0, CLASSES, (2, BATCH))

    print(f"# torch {torch.__version__}, scripts/reference/trajectory.py")
    record("hyper", torch.tensor([STEPS, RATE, MOMENTUM, DECAY], dtype=torch.float64))
    record("inputs", inputs)
    record("labels", labels.double())
    for i, p in enumerate(net.params()):
        record(f"initial{i}", p)

    decayed = [net.conv.weight, net.connected.weight]
    others = [net.norm.weight, net.norm.bias, net.connected.bias]
    optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}], lr=RATE,
                                momentum=MOMENTUM)
    losses = []
    for step in range(STEPS):
        loss = functional.cross_entropy(net(inputs[step % 2]), labels[step % 2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    record("losses", torch.stack(losses))
    for i, p in enumerate(net.params()):
        record(f"final{i}", p)
    return 0


if __name__ == "__main__":
    sys.exit(main())
