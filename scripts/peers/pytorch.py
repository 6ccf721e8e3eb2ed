"""pytorch.py CFG infer|train BATCH THREADS REPS: milliseconds of a walk (median), channels last; pytorch.py onnx CFG FILE: writes the network
for ONNX Runtime. train: forward, a simple loss of the heads, backward, SGD."""
import statistics
import sys
import time

import torch

import darknet

SIDE = 416


def milliseconds(step, reps):
    for _ in range(3):
        step()
    times = []
    for _ in range(reps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def main():
    torch.manual_seed(1)
    if sys.argv[1] == "onnx":
        net = darknet.torch_network(sys.argv[2]).eval()
        torch.onnx.export(net, torch.rand(1, 3, SIDE, SIDE), sys.argv[3], opset_version=13, input_names=["x"])
        return
    cfg, how, batch, threads, reps = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    torch.set_num_threads(threads)
    net = darknet.torch_network(cfg).to(memory_format=torch.channels_last)
    x = torch.rand(batch, 3, SIDE, SIDE).to(memory_format=torch.channels_last)
    if how == "train":
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)

        def step():
            optimizer.zero_grad(set_to_none=True)
            sum((head.sigmoid() - 0.1).pow(2).mean() for head in net(x)).backward()
            optimizer.step()

        print("%.3f" % milliseconds(step, reps))
        return
    net.eval()
    with torch.no_grad():
        print("%.3f" % milliseconds(lambda: net(x), reps))


main()
