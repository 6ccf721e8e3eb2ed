"""A YOLO network run by OpenCV's DNN module, decoded in numpy: an implementation that shares nothing with dlnet.

OpenCV computes the convolutions only; what stands before each [yolo] layer is taken out raw, so that OpenCV's own decoding and NMS play no part.
Needs python3-opencv and python3-numpy.
"""
import os

import cv2
import numpy as np


def read_cfg(path):
    sections = []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            line = line.split("#")[0].split(";")[0].strip()
            if line.startswith("["):
                sections.append((line[1:line.index("]")].strip().lower(), {}))
            elif "=" in line:
                key, value = line.split("=", 1)
                sections[-1][1].setdefault(key.strip(), value.strip())
    return sections


def logistic(x):
    return 1 / (1 + np.exp(-x))


class Yolo:
    def __init__(self, cfg, weights):
        sections = read_cfg(cfg)
        net = sections[0][1]
        self.size = int(net["width"]), int(net["height"])
        self.heads = []
        for i, (name, keys) in enumerate(sections[1:]):
            if name != "yolo":
                continue
            if int(keys.get("new_coords", 0)):
                raise SystemExit("new_coords=1 is not decoded here")
            anchors = np.array([float(v) for v in keys["anchors"].split(",")]).reshape(-1, 2)
            mask = [int(v) for v in keys["mask"].split(",")]
            self.heads.append((f"conv_{i - 1}", anchors[mask], int(keys["classes"]), float(keys.get("scale_x_y", 1))))
        self.net = cv2.dnn.readNetFromDarknet(cfg, weights)

    def rows(self, image):
        """image: as cv2.imread gives it. Rows (x, y, w, h as fractions of the image; one score a class), before any NMS."""
        stretched = cv2.resize(image.astype(np.float32) / 255, self.size, interpolation=cv2.INTER_LINEAR)
        self.net.setInput(np.ascontiguousarray(stretched[:, :, ::-1].transpose(2, 0, 1))[None])
        found = []
        for (_, anchors, classes, scale), raw in zip(self.heads, self.net.forward([h[0] for h in self.heads])):
            _, _, h, w = raw.shape
            t = raw.astype(np.float64).reshape(len(anchors), 5 + classes, h, w)
            row, column = np.mgrid[0:h, 0:w]
            x = (logistic(t[:, 0]) * scale - (scale - 1) / 2 + column) / w
            y = (logistic(t[:, 1]) * scale - (scale - 1) / 2 + row) / h
            bw = np.exp(t[:, 2]) * anchors[:, 0, None, None] / self.size[0]
            bh = np.exp(t[:, 3]) * anchors[:, 1, None, None] / self.size[1]
            score = logistic(t[:, 4:5]) * logistic(t[:, 5:])
            box = np.stack([x, y, bw, bh], 1)
            found.append(np.concatenate([box, score], 1).transpose(0, 2, 3, 1).reshape(-1, 4 + classes))
        return np.concatenate(found)

    def detect(self, image, threshold, overlap):
        """(class, score, x1, y1, x2, y2) in pixels of the image, greedy NMS per class, best score first. overlap 1: no NMS."""
        height, width = image.shape[:2]
        rows = self.rows(image)
        x, y, w, h = rows[:, 0] * width, rows[:, 1] * height, rows[:, 2] * width, rows[:, 3] * height
        corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
        out = []
        for c in range(rows.shape[1] - 4):
            some = np.flatnonzero(rows[:, 4 + c] > threshold)
            some = some[np.argsort(-rows[some, 4 + c], kind="stable")]
            while len(some):
                best, some = some[0], some[1:]
                out.append((c, rows[best, 4 + c], *corners[best]))
                if overlap < 1:
                    some = some[iou(corners[best], corners[some]) <= overlap]
        return sorted(out, key=lambda d: -d[1])


def iou(box, others):
    w = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    h = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    inter = np.maximum(w, 0) * np.maximum(h, 0)
    area = (box[2] - box[0]) * (box[3] - box[1])
    return inter / np.maximum(area + (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1]) - inter, 1e-300)


def read_names(path):
    with open(path, encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip()]


def read_image(path):
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit(f"{path}: not an image that OpenCV reads")
    return image


def read_list(path):
    folder = os.path.dirname(path)
    with open(path, encoding="utf-8") as f:
        lines = [line.strip() for line in f if line.strip()]
    return [p if os.path.exists(p) else os.path.join(folder, p) for p in lines]
