"""Darknet cfgs for the peers: the network as a PyTorch module, and random weights that every peer can load."""
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


def convolutions(cfg):
    """(filters, channels, size, batch_normalize) of each convolutional layer."""
    channels, found = [], []
    for name, keys in sections(cfg):
        c = channels[-1] if channels else 3
        if name == "net":
            continue
        if name == "convolutional":
            found.append((int(keys["filters"]), c, int(keys["size"]), keys.get("batch_normalize") == "1"))
            c = found[-1][0]
        elif name == "route":
            c = sum(channels[int(i)] for i in keys["layers"].split(","))
        channels.append(c)
    return found


def write_weights(cfg, out):
    """Darknet's file: version 0.2, then of each layer biases, [scales, means, variances,] weights."""
    rng = np.random.default_rng(1)
    with open(out, "wb") as f:
        f.write(struct.pack("<iiiQ", 0, 2, 0, 0))
        for filters, channels, size, norm in convolutions(cfg):
            parts = [np.zeros(filters)]
            if norm:
                parts += [np.ones(filters), np.zeros(filters), np.ones(filters)]
            fan_in = channels * size * size
            parts.append(rng.standard_normal(filters * fan_in) * (2 / fan_in) ** 0.5)
            for part in parts:
                f.write(part.astype("<f4").tobytes())


def torch_network(cfg):
    """The layers of YOLOv3-tiny and its like; answers what the heads' convolutions say."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.plan, self.parts, channels = [], nn.ModuleList(), []
            shapes = iter(convolutions(cfg))
            for index, (name, keys) in enumerate(sections(cfg)[1:]):
                part = nn.Identity()
                if name == "convolutional":
                    filters, c, size, norm = next(shapes)
                    layers = [nn.Conv2d(c, filters, size, int(keys.get("stride", 1)), size // 2, bias=not norm)]
                    layers += [nn.BatchNorm2d(filters)] if norm else []
                    layers += [nn.LeakyReLU(0.1, inplace=True)] if keys.get("activation") == "leaky" else []
                    part = nn.Sequential(*layers)
                elif name == "maxpool":
                    size, stride = int(keys["size"]), int(keys["stride"])
                    part = nn.MaxPool2d(size, stride)
                    if stride == 1:
                        part = nn.Sequential(nn.ReplicationPad2d((0, 1, 0, 1)), part)
                elif name == "upsample":
                    part = nn.Upsample(scale_factor=2, mode="nearest")
                elif name not in ("route", "yolo"):
                    raise ValueError("[%s] isn't known here" % name)
                sources = [int(i) + (index if int(i) < 0 else 0) for i in keys["layers"].split(",")] if name == "route" else []
                self.plan.append((name, sources))
                self.parts.append(part)
            self.kept = {i for _, sources in self.plan for i in sources}

        def forward(self, x):
            outs, heads = {}, []
            for index, (name, sources) in enumerate(self.plan):
                if name == "route":
                    x = outs[sources[0]] if len(sources) == 1 else torch.cat([outs[i] for i in sources], 1)
                elif name == "yolo":
                    heads.append(x)
                else:
                    x = self.parts[index](x)
                if index in self.kept:
                    outs[index] = x
            return tuple(heads)

    return Network()
