#!/usr/bin/env python3
"""AP@.5 of a YOLO cfg + weights over a Darknet image list, by OpenCV and numpy: the figure that `dlnet val` is compared with.

    python3 scripts/reference/opencv-map.py CFG WEIGHTS LIST --names FILE [--thresh .001] [--nms .45] [--iou .5]

VOC 2010+ matching (each detection, best score first, goes to the truth it overlaps most; a second one on it is false), area under the precision envelope at
all points, mean over the classes that have truths. Boxes in pixels of the original images, not clipped, no +1. One line a class, then the mean.
"""
import argparse
import os

import numpy as np

from opencv_yolo import Yolo, iou, read_image, read_list, read_names


def truths_of(path, width, height):
    head, tail = os.path.splitext(path)[0].replace("/images/", "/labels/", 1) if "/images/" in path else os.path.splitext(path)[0], ".txt"
    if not os.path.exists(head + tail):
        return np.zeros((0, 5))
    rows = [[float(v) for v in line.split()] for line in open(head + tail, encoding="utf-8") if line.strip()]
    out = np.array(rows).reshape(-1, 5)
    c, x, y, w, h = out.T
    return np.stack([c, (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height], 1)


def average_precision(hits, total):
    """hits: true or false for each detection, best score first."""
    true = np.cumsum(hits)
    recall, precision = true / total, true / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * envelope))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cfg")
    parser.add_argument("weights")
    parser.add_argument("list")
    parser.add_argument("--names", required=True)
    parser.add_argument("--thresh", type=float, default=0.001)
    parser.add_argument("--nms", type=float, default=0.45)
    parser.add_argument("--iou", type=float, default=0.5)
    a = parser.parse_args()

    yolo, names = Yolo(a.cfg, a.weights), read_names(a.names)
    found, total = [], np.zeros(len(names), int)  # (class, score, hit)
    for path in read_list(a.list):
        image = read_image(path)
        truths = truths_of(path, image.shape[1], image.shape[0])
        for c in truths[:, 0].astype(int):
            total[c] += 1
        taken = set()
        for c, score, *box in yolo.detect(image, a.thresh, a.nms):
            mine = np.flatnonzero(truths[:, 0] == c)
            overlaps = iou(np.array(box), truths[mine, 1:])
            best = int(mine[np.argmax(overlaps)]) if len(mine) else -1
            hit = best >= 0 and overlaps.max() >= a.iou and best not in taken
            if hit:
                taken.add(best)
            found.append((c, score, hit))
    found.sort(key=lambda d: -d[1])
    figures = []
    for c, name in enumerate(names):
        if total[c]:
            figures.append(average_precision(np.array([d[2] for d in found if d[0] == c], float), total[c]))
            print(f"{name}\t{total[c]}\t{figures[-1]:.6f}")
    print(f"mAP@{a.iou:g}\t{total.sum()}\t{np.mean(figures):.6f}")


main()
