"""Darknet cfgs for the peers: their layers with shapes, random weights that every peer can load, and the network as a PyTorch module."""
import struct

import numpy as np


def sections(path):
    out = []
    for line in open(path, encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line.startswith("["):
            out.append((line.strip("[]"), {}))
        elif line:
            key, value = line.split("=", 1)
            out[-1][1][key.strip()] = value.strip()
    return [s for s in out if s[0] != "data"]


def write_plain(cfg, out):
    """The cfg without what only dlnet knows."""
    with open(out, "w", encoding="utf-8") as f:
        for name, keys in sections(cfg):
            f.write("[%s]\n%s\n" % (name, "".join("%s=%s\n" % item for item in keys.items())))


class Layer:
    """What a section is: input and output as (channels, height, width), where its inputs stand, the shape of its weights (or None)."""

    def __init__(self, name, keys, index, previous):
        self.name, self.keys, self.weights = name, keys, None
        self.sources = [int(i) + (index if int(i) < 0 else 0) for i in keys.get("layers", keys.get("from", "")).split(",") if i]
        self.input = self.output = previous

    def number(self, key, default=0):
        return int(self.keys.get(key, default))

    def place(self, outputs):
        c, h, w = self.input
        size, stride = self.number("size", 1), self.number("stride", 1)
        if self.name == "convolutional":
            filters, self.padding = self.number("filters"), size // 2 if self.number("pad") else self.number("padding")
            self.weights = (filters, c, size, size)
            self.output = (filters, *((side + 2 * self.padding - size) // stride + 1 for side in (h, w)))
        elif self.name == "maxpool":
            padding = self.number("padding", size - 1)
            self.output = (c, *((side + padding - size) // stride + 1 for side in (h, w)))
        elif self.name == "upsample":
            self.output = (c, h * stride, w * stride)
        elif self.name == "route":
            c = sum(outputs[i][0] for i in self.sources) // self.number("groups", 1)
            self.output = (c, *outputs[self.sources[0]][1:])
        elif self.name == "avgpool":
            self.output = (c, 1, 1)
        elif self.name == "connected":
            self.weights = (self.number("output"), c * h * w)
            self.output = (self.weights[0], 1, 1)
        elif self.name not in ("shortcut", "dropout", "yolo", "softmax"):
            raise ValueError("[%s] isn't known here" % self.name)


def layers(cfg):
    found = sections(cfg)
    net, out = found[0][1], []
    previous = (int(net["channels"]), int(net["height"]), int(net["width"]))
    for index, (name, keys) in enumerate(found[1:]):
        layer = Layer(name, keys, index, previous)
        layer.place([other.output for other in out])
        out.append(layer)
        previous = layer.output
    return out


def write_weights(cfg, out):
    """Darknet's file: version 0.2, then of each layer biases, [scales, means, variances,] weights (of connected layers: weights before the
    norm). Heads of detectors seldom see something, as trained ones do."""
    rng = np.random.default_rng(1)
    found = layers(cfg)
    with open(out, "wb") as f:
        f.write(struct.pack("<iiiQ", 0, 2, 0, 0))
        for layer, following in zip(found, found[1:] + [None]):
            if layer.weights is None:
                continue
            filters, fan_in = layer.weights[0], int(np.prod(layer.weights[1:]))
            bias = np.zeros(filters)
            weights = rng.standard_normal(filters * fan_in) * (2 / fan_in) ** 0.5
            if following and following.name == "yolo":
                bias.reshape(3, -1)[:, 4:] = -4
            parts = [bias]
            if layer.number("batch_normalize"):
                parts += [np.ones(filters), rng.uniform(-0.1, 0.1, filters), rng.uniform(0.8, 1.2, filters)]
            for part in parts + [weights]:
                f.write(part.astype("<f4").tobytes())


def torch_network(cfg, weights=None):
    """The network as PyTorch knows it; answers what its heads' convolutions say, or what [softmax] is given."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    activations = {"leaky": lambda: nn.LeakyReLU(0.1, inplace=True), "relu": lambda: nn.ReLU(inplace=True)}

    def activated(parts, layer):
        name = layer.keys.get("activation", "linear")
        return nn.Sequential(*parts, *([activations[name]()] if name != "linear" else []))

    def part_of(layer):
        size, stride = layer.number("size", 1), layer.number("stride", 1)
        if layer.name == "convolutional":
            norm = layer.number("batch_normalize") == 1
            convolution = nn.Conv2d(layer.input[0], layer.output[0], size, stride, layer.padding, bias=not norm)
            return activated([convolution] + ([nn.BatchNorm2d(layer.output[0], eps=1e-5)] if norm else []), layer)
        if layer.name == "maxpool":
            if layer.output[1] * stride == layer.input[1] and size == stride:
                return nn.MaxPool2d(size, stride)
            if stride == 1 and size == 2:
                return nn.Sequential(nn.ReplicationPad2d((0, 1, 0, 1)), nn.MaxPool2d(size, stride))
            return nn.MaxPool2d(size, stride, size // 2)
        if layer.name == "connected":
            return activated([nn.Flatten(), nn.Linear(layer.weights[1], layer.weights[0])], layer)
        if layer.name == "shortcut":
            return activated([], layer)
        if layer.name == "dropout":
            return nn.Dropout(float(layer.keys.get("probability", 0.5)))
        return {"upsample": lambda: nn.Upsample(scale_factor=stride, mode="nearest"), "avgpool": lambda: nn.AdaptiveAvgPool2d(1)}.get(
            layer.name, nn.Identity)()

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers(cfg)
            self.parts = nn.ModuleList(part_of(layer) for layer in self.layers)
            self.kept = {i for layer in self.layers for i in layer.sources}

        def forward(self, x):
            outs, heads = {}, []
            for index, layer in enumerate(self.layers):
                if layer.name == "route":
                    x = outs[layer.sources[0]] if len(layer.sources) == 1 else torch.cat([outs[i] for i in layer.sources], 1)
                    groups = layer.number("groups", 1)
                    x = x.chunk(groups, 1)[layer.number("group_id")] if groups > 1 else x
                elif layer.name == "shortcut":
                    x = self.parts[index](x + outs[layer.sources[0]])
                elif layer.name == "yolo":
                    heads.append(x)
                elif layer.name != "softmax":
                    x = self.parts[index](x)
                if index in self.kept:
                    outs[index] = x
            return tuple(heads) if heads else x.flatten(1)

        def load(self, path):
            numbers, at = np.fromfile(path, "<f4")[5:], 0
            for part, layer in zip(self.parts, self.layers):
                if layer.weights is None:
                    continue
                main = next(m for m in part if isinstance(m, (nn.Conv2d, nn.Linear)))
                norm = next((m for m in part if isinstance(m, nn.BatchNorm2d)), None)
                tensors = [norm.bias, norm.weight, norm.running_mean, norm.running_var] if norm else [main.bias]
                for tensor in tensors + [main.weight]:
                    values = torch.from_numpy(numbers[at : at + tensor.numel()].copy())
                    tensor.data.copy_(values.view_as(tensor))
                    at += tensor.numel()
            assert at == len(numbers)

    net = Network()
    if weights:
        net.load(weights)
    return net
