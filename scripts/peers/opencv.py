"""opencv.py CFG WEIGHTS BATCH THREADS REPS: milliseconds of a forward walk (median)."""
import statistics
import sys
import time

import cv2
import numpy as np

cfg, weights, batch, threads, reps = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
cv2.setNumThreads(threads)
net = cv2.dnn.readNetFromDarknet(cfg, weights)
x = np.random.default_rng(1).random((batch, 3, 416, 416), np.float32)
times = []
for i in range(reps + 3):
    start = time.perf_counter()
    net.setInput(x)
    net.forward(net.getUnconnectedOutLayersNames())
    times.append(time.perf_counter() - start)
print("%.3f" % (1e3 * statistics.median(times[3:])))
