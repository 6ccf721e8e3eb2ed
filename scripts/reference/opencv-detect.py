#!/usr/bin/env python3
"""What `dlnet detect CFG WEIGHTS IMAGE …` prints, by OpenCV and numpy: PATH, NAME, SCORE, x1, y1, x2, y2, tab-separated; stretch resize, RGB.

    python3 scripts/reference/opencv-detect.py CFG WEIGHTS --names FILE [--thresh .25] [--nms .45] IMAGE …
"""
import argparse

from opencv_yolo import Yolo, read_image, read_names

parser = argparse.ArgumentParser()
parser.add_argument("cfg")
parser.add_argument("weights")
parser.add_argument("image", nargs="+")
parser.add_argument("--names", required=True)
parser.add_argument("--thresh", type=float, default=0.25)
parser.add_argument("--nms", type=float, default=0.45)
a = parser.parse_args()

yolo, names = Yolo(a.cfg, a.weights), read_names(a.names)
for path in a.image:
    for c, score, *box in yolo.detect(read_image(path), a.thresh, a.nms):
        print(path, names[c], f"{score:.6f}", *(f"{v:.3f}" for v in box), sep="\t")
