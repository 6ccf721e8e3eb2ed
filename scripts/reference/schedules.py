#!/usr/bin/env python3
"""Learning rates of PyTorch's schedulers, as the rows of tests/train/test_schedule.c.

    python3 scripts/reference/schedules.py
"""
import sys
import warnings

import torch
from torch.optim import lr_scheduler as schedulers

warnings.filterwarnings("ignore")


def show(name, rate, make, steps, figures=None):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(optimizer)
    rates = []
    for i in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(*(figures[i:i + 1] if figures else ()))
    print(name, " ".join(f"{r:.15g}" for r in rates))


show("OneCycleLR .3", .4, lambda o: schedulers.OneCycleLR(o, max_lr=.4, total_steps=20), 20)
show("OneCycleLR .5 10 100", .4, lambda o: schedulers.OneCycleLR(o, max_lr=.4, total_steps=10, pct_start=.5, div_factor=10, final_div_factor=100),
     10)
show("CosineAnnealingLR", .5, lambda o: schedulers.CosineAnnealingLR(o, T_max=10, eta_min=.1), 10)
FIGURES = [5, 4, 3.9999, 3.9998, 4, 3.99, 3.99, 4, 4, 4, 4, 1, 2, 2, 2]
show("ReduceLROnPlateau min", 1., lambda o: schedulers.ReduceLROnPlateau(o, factor=.5, patience=2), len(FIGURES), FIGURES)
show("ReduceLROnPlateau max", 1., lambda o: schedulers.ReduceLROnPlateau(o, mode="max", factor=.1, patience=1, min_lr=.02), 8,
     [.1, .2, .2, .2, .1, .3, .3, .3])
sys.exit(0)
