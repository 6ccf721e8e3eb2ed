"""Networks of Darknet cfgs in OpenCV:
    opencv.py infer CFG WEIGHTS BATCH THREADS REPS    milliseconds of a forward walk (median)
    opencv.py detect CFG WEIGHTS IMAGE THREADS        boxes that were found
    opencv.py picture FILE                            writes a picture of 640 x 480"""
import statistics
import sys
import time

import cv2
import numpy as np

import darknet


def infer(cfg, weights, batch, threads, reps):
    cv2.setNumThreads(int(threads))
    net = cv2.dnn.readNetFromDarknet(cfg, weights)
    x = np.random.default_rng(1).random((int(batch), *darknet.layers(cfg)[0].input), np.float32)
    times = []
    for _ in range(int(reps) + 3):
        start = time.perf_counter()
        net.setInput(x)
        net.forward(net.getUnconnectedOutLayersNames())
        times.append(time.perf_counter() - start)
    print("%.3f" % (1e3 * statistics.median(times[3:])))


def detect(cfg, weights, image, threads):
    cv2.setNumThreads(int(threads))
    net = cv2.dnn.readNetFromDarknet(cfg, weights)
    _, height, width = darknet.layers(cfg)[0].input
    net.setInput(cv2.dnn.blobFromImage(cv2.imread(image), 1 / 255, (width, height), swapRB=True))
    rows = np.concatenate(net.forward(net.getUnconnectedOutLayersNames()))
    classes, scores = rows[:, 5:].argmax(1), rows[:, 5:].max(1)
    seen = scores > 0.25
    boxes = rows[seen, :4] - np.hstack([rows[seen, 2:4] / 2, np.zeros((seen.sum(), 2))])
    for i in np.ravel(cv2.dnn.NMSBoxes((boxes * width).tolist(), scores[seen].tolist(), 0.25, 0.45)):
        print(classes[seen][int(i)], scores[seen][int(i)], *boxes[int(i)])


def picture(path):
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    cv2.imwrite(path, cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC))


{"infer": infer, "detect": detect, "picture": picture}[sys.argv[1]](*sys.argv[2:])
