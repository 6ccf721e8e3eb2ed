#!/usr/bin/env python3
"""Writes the tables of data/course/ that cfg/course/ learns. python3 scripts/reference/course_data.py [FOLDER]"""
import csv
import math
import os
import random
import sys

folder = sys.argv[1] if len(sys.argv) > 1 else "data/course"
os.makedirs(folder, exist_ok=True)


def write(name, header, rows):
    with open(os.path.join(folder, name), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(header)
        out.writerows([[f"{v:.4g}" if isinstance(v, float) else v for v in row] for row in rows])


bits = [(x, y) for x in (0, 1) for y in (0, 1)]
write("boolean.csv", ["x", "y", "and", "or", "nand", "xor", "not_x"],
      [[x, y, x & y, x | y, 1 - (x & y), x ^ y, 1 - x] for x, y in bits])
write("three.csv", ["x", "y", "z", "parity", "majority"],
      [[x, y, z, (x + y + z) % 2, int(x + y + z > 1)] for x, y in bits for z in (0, 1)])

# Twenty students: hours of study, passed or not. https://en.wikipedia.org/wiki/Logistic_regression
hours = [.5, .75, 1, 1.25, 1.5, 1.75, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4, 4.25, 4.5, 4.75, 5, 5.5]
passed = [0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]
write("exam.csv", ["hours", "passed"], [[float(h), p] for h, p in zip(hours, passed)])

r = random.Random(1)
points = [(r.uniform(-1, 1), r.uniform(-1, 1)) for _ in range(60)]
write("plane.csv", ["x1", "x2", "y"], [[a, b, 2 * a - 3 * b + 1 + r.gauss(0, .1)] for a, b in points])

r = random.Random(2)
x = [-1 + 2 * i / 39 for i in range(40)]
write("outliers.csv", ["x", "y"], [[v, 2 * v + 1 + r.gauss(0, .05) + (8 if i % 5 == 4 and i > 19 else 0)] for i, v in enumerate(x)])

r = random.Random(3)
centres = {"blue": (0, 1.2), "green": (-1, -.6), "red": (1, -.6)}
rows = [[cx + r.gauss(0, .4), cy + r.gauss(0, .4), name] for name, (cx, cy) in centres.items() for _ in range(50)]
r.shuffle(rows)
write("blobs.csv", ["x", "y", "colour"], rows)

r = random.Random(4)
points = [(r.uniform(-1, 1), r.uniform(-1, 1)) for _ in range(120)]
write("labels.csv", ["x", "y", "right", "above", "sum_positive"], [[a, b, int(a > 0), int(b > 0), int(a + b > 0)] for a, b in points])

write("sine.csv", ["x", "y"], [[-1 + 2 * i / 63, math.sin(math.pi * (-1 + 2 * i / 63))] for i in range(64)])

r = random.Random(5)
x = sorted(r.uniform(-1, 1) for _ in range(24))
write("noisy.csv", ["x", "y"], [[v, math.sin(math.pi * v) + r.gauss(0, .35)] for v in x])
write("noisy-valid.csv", ["x", "y"], [[-1 + 2 * i / 63, math.sin(math.pi * (-1 + 2 * i / 63))] for i in range(64)])

# Two columns of very different size, of the same weight in the answer.
r = random.Random(6)
people = [(r.gauss(0, 1), r.gauss(0, 1)) for _ in range(200)]
write("people.csv", ["height_m", "income", "tall_or_rich"],
      [[1.7 + .1 * a, round(40000 + 9000 * b), "yes" if a + b + r.gauss(0, .3) > 0 else "no"] for a, b in people])

# Twelve columns that say the same two things in other words, with noise.
r = random.Random(7)
mix = [(r.gauss(0, 1), r.gauss(0, 1)) for _ in range(12)]
centres = {"a": (0, 3), "b": (-2.6, -1.5), "c": (2.6, -1.5)}
rows = []
for name, (cx, cy) in centres.items():
    for _ in range(60):
        u, v = cx + r.gauss(0, .7), cy + r.gauss(0, .7)
        rows.append([p * u + q * v + 10 + r.gauss(0, .3) for p, q in mix] + [name])
r.shuffle(rows)
write("factors.csv", [f"x{i}" for i in range(12)] + ["kind"], rows)

# One in twenty is of the rare kind, in the midst of the other.
r = random.Random(8)
rows = [[r.gauss(0, 1), r.gauss(0, 1), "common"] for _ in range(380)] + [[1.5 + r.gauss(0, .5), 1.5 + r.gauss(0, .5), "rare"] for _ in range(20)]
r.shuffle(rows)
write("rare.csv", ["x", "y", "kind"], rows)

# The least squares of plane.csv that tests/cli/course.sh expects.
import numpy  # noqa: E402

with open(os.path.join(folder, "plane.csv")) as f:
    table = numpy.array([[float(v) for v in row] for row in list(csv.reader(f))[1:]])
weights = numpy.linalg.lstsq(numpy.c_[table[:, :2], numpy.ones(len(table))], table[:, 2], rcond=None)[0]
print("plane.csv: weights and bias", *(f"{w:.5f}" for w in weights))
