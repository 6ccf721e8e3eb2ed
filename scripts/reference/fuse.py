#!/usr/bin/env python3
"""Weighted box fusion as the paper describes it (Solovyev, Wang, Gabruseva 2021, arXiv 1910.13302, section 3), written from that text in
corners, with lists of boxes and nothing kept but them. Prints tests/box/fuse.txt: cases of random boxes, and what comes out."""
import random


def iou(a, b):
    w = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = lambda r: (r[2] - r[0]) * (r[3] - r[1])
    return w * h / (area(a) + area(b) - w * h)


def fuse(boxes, models, threshold):
    """boxes: (class, score, x1, y1, x2, y2) of all models; steps 1 to 6 of the paper, then the rescaling by min(T, N) / N."""
    lists, fusions = [], []
    for box in sorted(boxes, key=lambda b: -b[1]):
        overlaps = [iou(f[2:], box[2:]) if f[0] == box[0] else 0 for f in fusions]
        best = max(range(len(fusions)), key=lambda i: overlaps[i], default=None)
        if best is None or overlaps[best] <= threshold:
            lists.append([box])
            fusions.append(box)
            continue
        members = lists[best] + [box]
        lists[best] = members
        total = sum(m[1] for m in members)
        fusions[best] = (box[0], total / len(members)) + tuple(sum(m[1] * m[k] for m in members) / total for k in range(2, 6))
    out = [(f[0], f[1] * min(len(m), models) / models) + f[2:] for f, m in zip(fusions, lists)]
    return sorted(out, key=lambda b: -b[1])


def scene(rng, models):
    """Every model sees every object, with an error of its own, or misses it; a few boxes stand nowhere."""
    boxes = []
    for _ in range(rng.randint(1, 6)):
        kind, x, y, w, h = rng.randint(0, 2), rng.random(), rng.random(), rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.5)
        for _ in range(models + rng.randint(0, 1)):
            if rng.random() < 0.8:
                e = [rng.gauss(0, 0.03) for _ in range(4)]
                boxes.append((kind, rng.uniform(0.05, 1), x - w / 2 + e[0], y - h / 2 + e[1], x + w / 2 + e[2], y + h / 2 + e[3]))
    return boxes


def show(boxes):
    for b in boxes:
        print(b[0], *("%.9f" % v for v in b[1:]))


rng = random.Random(1)
print("# scripts/reference/fuse.py: models, IoU, boxes in, boxes out; class score x1 y1 x2 y2")
for _ in range(40):
    models, threshold = rng.randint(1, 4), rng.choice([0.4, 0.55, 0.7])
    boxes = [tuple(round(v, 9) if k else v for k, v in enumerate(b)) for b in scene(rng, models)]
    result = fuse(boxes, models, threshold)
    print(models, threshold, len(boxes), len(result))
    show(boxes)
    show(result)
