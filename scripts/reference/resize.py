#!/usr/bin/env python3
"""Writes tests/image/resize.txt: small pictures resized by OpenCV (INTER_LINEAR on float32), for tests/image/test_image.c.

    python3 scripts/reference/resize.py > tests/image/resize.txt

A case is a line "W H C OUT_W OUT_H" and a line of OUT_C planes, rows, columns. Sample (x, y, c) of the picture is (73 x + 151 y + 59 c + 31 x y) mod 256.
"""
import cv2
import numpy as np

print("# by scripts/reference/resize.py, OpenCV", cv2.__version__)
for w, h, c, out_w, out_h in [(7, 5, 3, 13, 9), (7, 5, 3, 5, 4), (16, 12, 3, 6, 7), (1, 1, 3, 4, 3), (3, 1, 1, 7, 2), (1, 4, 1, 3, 9),
                              (31, 17, 3, 8, 8), (12, 9, 1, 12, 5), (10, 10, 1, 33, 1), (64, 40, 3, 11, 13)]:
    y, x, k = np.mgrid[0:h, 0:w, 0:c]
    image = ((73 * x + 151 * y + 59 * k + 31 * x * y) % 256).astype(np.float32)
    out = cv2.resize(image, (out_w, out_h), interpolation=cv2.INTER_LINEAR).reshape(out_h, out_w, c) / np.float32(255)
    print(w, h, c, out_w, out_h)
    print(*(f"{v:.8g}" for v in out.transpose(2, 0, 1).ravel()))
