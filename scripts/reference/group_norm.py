#!/usr/bin/env python3
"""Group and layer normalisation in PyTorch (double precision), as figures for tests/math/test_group_norm.c.

    python3 scripts/reference/group_norm.py > tests/math/group_norm.txt

A case is a line "n channels height width groups" and then input, scale, shift, gradient of the output, output, gradients of input, scale and shift,
a line each. Vectors (1 x 1) in one group are computed by layer_norm, the rest by group_norm.
"""
import torch
from torch.nn import functional

CASES = [(3, 6, 4, 5, 3), (1, 4, 3, 3, 2), (2, 4, 1, 1, 4), (1, 8, 1, 1, 1), (5, 70, 1, 1, 1), (2, 3, 7, 1, 1), (1, 1, 1, 1, 1), (2, 4, 2, 3, 4)]

torch.manual_seed(1)
print(f"# torch {torch.__version__}, scripts/reference/group_norm.py")
for n, c, h, w, groups in CASES:
    x, scale, shift, dy = ((torch.randn(s, dtype=torch.float64) * 1000).round() / 1000 for s in ((n, c, h, w), c, c, (n, c, h, w)))
    x += 3
    for t in (x, scale, shift):
        t.requires_grad_()
    if h * w == 1 and groups == 1:
        y = functional.layer_norm(x.reshape(n, c), (c,), scale, shift).reshape(x.shape)
    else:
        y = functional.group_norm(x, groups, scale, shift)
    y.backward(dy)
    print(n, c, h, w, groups)
    for t in (x, scale, shift, dy, y, x.grad, scale.grad, shift.grad):
        print(*(f"{v:.9g}" for v in t.detach().flatten().tolist()))
