#!/usr/bin/env python3
"""Counts of the real data sets by Python's own readers: the figures in tests/data/test_dataset.c.

usage: data_counts.py DATA   (the folder that DLNET_DATA names)
"""
import gzip
import json
import os
import sys
import xml.etree.ElementTree as ET

data = sys.argv[1]

bccd = f"{data}/bccd"
for split in ("train", "val", "test"):
    ids = open(f"{bccd}/ImageSets/Main/{split}.txt").read().split()
    boxes, empty, classes, area = 0, 0, {}, 0.0
    for i in ids:
        root = ET.parse(f"{bccd}/Annotations/{i}.xml").getroot()
        w, h = (float(root.find(f"size/{k}").text) for k in ("width", "height"))
        for o in root.findall("object"):
            x1, y1, x2, y2 = (float(o.find(f"bndbox/{k}").text) for k in ("xmin", "ymin", "xmax", "ymax"))
            if x2 <= x1 or y2 <= y1:
                empty += 1
                continue
            boxes += 1
            area += (min(x2, w) - max(x1, 0)) * (min(y2, h) - max(y1, 0)) / (w * h)
            name = o.find("name").text
            classes[name] = classes.get(name, 0) + 1
    print("bccd", split, len(ids), "images", boxes, "boxes", empty, "without area", sorted(classes.items()), f"sum of areas {area:.6f}")

coco = f"{data}/coco128"
images = open(f"{coco}/train2017.txt").read().split()
boxes, without, people, total = 0, 0, 0, 0.0
for i in images:
    label = f"{coco}/{i.replace('images', 'labels')[:-4]}.txt"
    if not os.path.exists(label):
        without += 1
        continue
    for line in open(label):
        c, x, y, w, h = line.split()
        boxes += 1
        people += c == "0"
        x, y, w, h = map(float, (x, y, w, h))
        total += (min(x + w / 2, 1) - max(x - w / 2, 0)) * (min(y + h / 2, 1) - max(y - h / 2, 0))
print("coco128", len(images), "images", boxes, "boxes", without, "without labels", people, f"people, sum of areas {total:.6f}")

for kind in ("train", "t10k"):
    labels = gzip.open(f"{data}/mnist/{kind}-labels-idx1-ubyte.gz").read()[8:]
    pixels = gzip.open(f"{data}/mnist/{kind}-images-idx3-ubyte.gz").read()[16:]
    parts = {"first 55000": labels[:55000], "last 5000": labels[-5000:]} if kind == "train" else {"all": labels}
    for part, of in parts.items():
        print("mnist", kind, part, [of.count(k) for k in range(10)])
    for i in (0, 54999, 55000, len(labels) - 1):
        if i < len(labels):
            print("mnist", kind, "image", i, "label", labels[i], "sum of pixels", sum(pixels[784 * i : 784 * (i + 1)]))

for split in ("train", "test"):
    paths = open(f"{data}/cifar10/{split}.txt").read().split()
    names = open(f"{data}/cifar10/cifar10.names").read().split()
    print("cifar10", split, len(paths), [sum(f"/{n}/" in p for p in paths) for n in names])

coco = json.load(open(f"{data}/detector-metrics/coco-demo/instances_val2014_100.json"))
sizes = {i["id"]: (i["width"], i["height"]) for i in coco["images"]}
rank = {c["id"]: k for k, c in enumerate(sorted(coco["categories"], key=lambda c: c["id"]))}
classes, area, crowd = {}, 0.0, 0
for a in coco["annotations"]:
    (w, h), (x, y, bw, bh) = sizes[a["image_id"]], a["bbox"]
    area += (min((x + bw) / w, 1) - max(x / w, 0)) * (min((y + bh) / h, 1) - max(y / h, 0))
    classes[rank[a["category_id"]]] = classes.get(rank[a["category_id"]], 0) + 1
    crowd += a["iscrowd"]
print("coco demo", len(sizes), "images", len(coco["annotations"]), "boxes", crowd, "crowd", classes[0], "people", classes[56], f"chairs, sum of areas {area:.6f}")
