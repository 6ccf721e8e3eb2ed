"""Networks of Darknet cfgs in PyTorch, channels last. Prints milliseconds of a walk (median):
    pytorch.py infer CFG BATCH THREADS REPS
    pytorch.py train CFG BATCH THREADS REPS [bf16]    forward, loss, backward, SGD; bf16: autocast
Prints boxes that were found:
    pytorch.py detect CFG WEIGHTS IMAGE THREADS
Prints the largest difference from the outputs of dlnet, in parts of the largest number:
    pytorch.py same CFG WEIGHTS PROGRAM               PROGRAM: see outputs.c
Writes the network for ONNX Runtime:
    pytorch.py onnx CFG WEIGHTS FILE"""
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

import darknet


def milliseconds(step, reps):
    for _ in range(3):
        step()
    times = []
    for _ in range(reps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def infer(cfg, batch, threads, reps):
    torch.set_num_threads(int(threads))
    net = darknet.torch_network(cfg).eval().to(memory_format=torch.channels_last)
    x = torch.rand(int(batch), *net.layers[0].input).to(memory_format=torch.channels_last)
    with torch.no_grad():
        print("%.3f" % milliseconds(lambda: net(x), int(reps)))


def train(cfg, batch, threads, reps, precision="fp32"):
    torch.set_num_threads(int(threads))
    net = darknet.torch_network(cfg).to(memory_format=torch.channels_last)
    x = torch.rand(int(batch), *net.layers[0].input).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)
    labels = torch.randint(0, net.layers[-1].output[0], (int(batch),))

    def loss(outputs):
        if isinstance(outputs, tuple):
            return sum((head.sigmoid() - 0.1).pow(2).mean() for head in outputs)
        return torch.nn.functional.cross_entropy(outputs, labels)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            outputs = net(x)
        loss(outputs).backward()
        optimizer.step()

    print("%.3f" % milliseconds(step, int(reps)))


def boxes_of(head, keys, side):
    """Corners, scores and classes of what scores above .25 in an output of n anchors by (4 + 1 + classes) channels."""
    anchors = np.array(keys["anchors"].split(","), float).reshape(-1, 2)[[int(i) for i in keys["mask"].split(",")]]
    rows, columns = head.shape[2:]
    head = head.view(len(anchors), -1, rows, columns)
    score = head[:, 4:5].sigmoid() * head[:, 5:].sigmoid()
    a, c, y, x = (score > 0.25).nonzero(as_tuple=True)
    centre = (torch.stack([x, y], 1) + head[a, :2, y, x].sigmoid()) / torch.tensor([columns, rows])
    half = head[a, 2:4, y, x].exp() * torch.tensor(anchors, dtype=torch.float32)[a] / side / 2
    return torch.cat([centre - half, centre + half], 1), score[a, c, y, x], c


def detect(cfg, weights, image, threads):
    import torchvision
    from PIL import Image

    torch.set_num_threads(int(threads))
    net = darknet.torch_network(cfg, weights).eval().to(memory_format=torch.channels_last)
    _, height, width = net.layers[0].input
    pixels = np.asarray(Image.open(image).convert("RGB").resize((width, height), Image.BILINEAR), np.float32) / 255
    x = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        heads = net(x)
    found = [boxes_of(h, layer.keys, width) for h, layer in zip(heads, [l for l in net.layers if l.name == "yolo"])]
    corners, scores, classes = (torch.cat(part) for part in zip(*found))
    kept = torchvision.ops.batched_nms(corners, scores, classes, 0.45)
    for i in kept:
        print(int(classes[i]), float(scores[i]), *corners[i].tolist())


def same(cfg, weights, program):
    net = darknet.torch_network(cfg, weights).eval()
    x = torch.rand(1, *net.layers[0].input)
    with tempfile.NamedTemporaryFile() as f:
        f.write(x.numpy().astype("<f4").tobytes())
        f.flush()
        ours = np.frombuffer(subprocess.run([program, cfg, weights, f.name], check=True, stdout=subprocess.PIPE).stdout, np.float32)
    with torch.no_grad():
        out = net(x)
    theirs = np.concatenate([head.numpy().ravel() for head in (out if isinstance(out, tuple) else (out,))])
    assert ours.shape == theirs.shape
    print("%.1e" % (np.abs(ours - theirs).max() / np.abs(theirs).max()))


def onnx(cfg, weights, path):
    net = darknet.torch_network(cfg, weights).eval()
    torch.onnx.export(net, torch.rand(1, *net.layers[0].input), path, opset_version=13, input_names=["x"])


torch.manual_seed(1)
{"infer": infer, "train": train, "detect": detect, "same": same, "onnx": onnx}[sys.argv[1]](*sys.argv[2:])
