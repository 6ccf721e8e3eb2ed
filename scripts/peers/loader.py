#!/usr/bin/python3
"""loader.py ENGINE THREADS FOLDER: milliseconds an image of decode, resize to 416 x 416, mirror, change of hue, saturation and brightness, ending in planes of
floats 0..1. ENGINE: opencv or torchvision. After one pass that warms up, two seconds of passes; prints the figure."""
import glob
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SIDE, HUE, FACTOR = 416, 0.1, 1.5


def factor():
    f = random.uniform(1, FACTOR)
    return f if random.random() < 0.5 else 1 / f


def opencv(path):
    im = cv2.resize(cv2.imread(path, cv2.IMREAD_COLOR), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.5:
        im = cv2.flip(im, 1)
    h, s, v = cv2.split(cv2.cvtColor(im, cv2.COLOR_BGR2HSV))
    h = cv2.LUT(h, ((np.arange(256) + 180 * random.uniform(-HUE, HUE)) % 180).astype(np.uint8))
    s = cv2.LUT(s, np.clip(np.arange(256) * factor(), 0, 255).astype(np.uint8))
    v = cv2.LUT(v, np.clip(np.arange(256) * factor(), 0, 255).astype(np.uint8))
    im = cv2.cvtColor(cv2.merge((h, s, v)), cv2.COLOR_HSV2RGB)
    return np.ascontiguousarray(im.transpose(2, 0, 1)).astype(np.float32) / np.float32(255)


def tv(path):
    im = io.read_image(path, io.ImageReadMode.RGB)
    im = F.resize(im, [SIDE, SIDE])
    if random.random() < 0.5:
        im = F.hflip(im)
    im = F.adjust_hue(im, random.uniform(-HUE, HUE))
    im = F.adjust_saturation(im, factor())
    im = F.adjust_brightness(im, factor())
    return im.float() / 255


engine, threads, files = sys.argv[1], int(sys.argv[2]), sorted(glob.glob(sys.argv[3] + "/*.jpg"))
if engine == "opencv":
    import cv2

    cv2.setNumThreads(1)
    make = opencv
else:
    import torch
    import torchvision.io as io
    import torchvision.transforms.functional as F

    torch.set_num_threads(1)
    make = tv
with ThreadPoolExecutor(threads) as pool:
    list(pool.map(make, files))
    start, n = time.perf_counter(), 0
    while n == 0 or time.perf_counter() - start < 2:
        n += len(list(pool.map(make, files)))
print(f"{1e3 * (time.perf_counter() - start) / n:.4f}")
