#!/usr/bin/env python3
"""Principal components and whitening by numpy's SVD (double precision), as figures for tests/layer/test_pca.c.

    python3 scripts/reference/pca.py > tests/layer/pca.txt

A case is a line "rows columns components epsilon", then a line each: the table X, its mean, the variances S^2/rows of the components, the components
(rows of V, the entry of largest magnitude positive), and of the first rows of X: the projections, the whitened ones, ZCA, and what the components
rebuild; at last the mean squared error of rebuilding all of X.
"""
import numpy as np

CASES = [(12, 4, 2, 0.0), (40, 7, 7, 0.0), (9, 12, 5, 0.01), (300, 3, 3, 0.001), (25, 5, 1, 0.0)]
SHOWN = 9

random = np.random.default_rng(1)
print(f"# numpy {np.__version__}, scripts/reference/pca.py")
for n, d, k, epsilon in CASES:
    x = np.round(random.standard_normal((n, d)) @ random.standard_normal((d, d)) + 5 * random.standard_normal(d), 3)
    mean = x.mean(axis=0)
    _, s, v = np.linalg.svd(x - mean, full_matrices=False)
    v = v[:k]
    v *= np.sign(v[np.arange(k), np.abs(v).argmax(axis=1)])[:, None]
    variance = s[:k] ** 2 / n
    z = (x - mean) @ v.T
    white = z / np.sqrt(variance + epsilon)
    again = mean + z @ v
    print(n, d, k, epsilon)
    for t in (x, mean, variance, v, z[:SHOWN], white[:SHOWN], (white @ v)[:SHOWN], again[:SHOWN], ((x - again) ** 2).sum(axis=1).mean()):
        print(*(f"{f:.9g}" for f in np.ravel(t)))
