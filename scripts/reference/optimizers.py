#!/usr/bin/env python3
"""A hundred steps of each optimiser and regulariser in PyTorch (double precision), as figures for tests/train/test_optimizer.c.

    python3 scripts/reference/optimizers.py > tests/train/optimizers.txt

The model is tanh(W x + b) with half the mean squared error to random targets: 4 objects, 8 inputs, 5 neurons. Decay, L1 and max-norm hold for W
alone. After a first line, records: "case NAME: KEYS" with the keys of [net] that name it (a key after "|" stands in the layer), and for steps
1, 10 and 100 the numbers of W, then of b. "start" records hold W, b, inputs, targets.
"""
import sys

import torch

OBJECTS, INPUTS, NEURONS, STEPS, SHOWN = 4, 8, 5, 100, (1, 10, 100)


def sgd(**settings):
    return lambda groups: torch.optim.SGD(groups, **settings)


def adam_uncorrected(lr, beta1, beta2, eps):
    """Adam without the division by 1 - beta^t, which PyTorch doesn't offer."""
    class Rule:
        def __init__(self, groups):
            self.params = [p for g in groups for p in g["params"]]
            self.m = [torch.zeros_like(p) for p in self.params]
            self.v = [torch.zeros_like(p) for p in self.params]

        def step(self):
            for p, m, v in zip(self.params, self.m, self.v):
                m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                p.sub_(lr * m / (v.sqrt() + eps))
    return Rule


# keys, how to make the optimiser, weight decay of W (coupled, or adamw's), what else is done
CASES = [
    ("optimizer=sgd learning_rate=.1 decay=0", sgd(lr=.1), 0, {}),
    ("optimizer=sgd learning_rate=.1 decay=.01", sgd(lr=.1), .01, {}),
    ("optimizer=auto learning_rate=.1 momentum=.8 decay=.01", sgd(lr=.1, momentum=.8), .01, {}),
    ("optimizer=nesterov learning_rate=.1 momentum=.8 decay=.01", sgd(lr=.1, momentum=.8, nesterov=True), .01, {}),
    ("optimizer=adagrad learning_rate=.1 decay=.01", lambda g: torch.optim.Adagrad(g, lr=.1), .01, {}),
    ("optimizer=rmsprop learning_rate=.01 decay=0", lambda g: torch.optim.RMSprop(g, lr=.01), 0, {}),
    ("optimizer=rmsprop learning_rate=.01 rho=.9 eps=.05 decay=.01", lambda g: torch.optim.RMSprop(g, lr=.01, alpha=.9, eps=.05), .01, {}),
    ("optimizer=adam learning_rate=.01 decay=0", lambda g: torch.optim.Adam(g, lr=.01), 0, {}),
    ("optimizer=adam learning_rate=.01 beta1=.8 beta2=.99 eps=.0001 decay=.01",
     lambda g: torch.optim.Adam(g, lr=.01, betas=(.8, .99), eps=.0001), .01, {}),
    ("adam=1 B1=.8 B2=.99 learning_rate=.01 decay=0", lambda g: torch.optim.Adam(g, lr=.01, betas=(.8, .99), eps=.000001), 0, {}),
    ("optimizer=adam bias_correction=0 learning_rate=.01 decay=0", adam_uncorrected(.01, .9, .999, 1e-8), 0, {}),
    ("optimizer=adamw learning_rate=.01 decay=.1", lambda g: torch.optim.AdamW(g, lr=.01), .1, {}),
    ("optimizer=sgd learning_rate=.1 decay_mode=decoupled decay=.01", sgd(lr=.1), 0, {"shrink": .01}),
    ("optimizer=momentum learning_rate=.1 decay=.01 clip_norm=.05", sgd(lr=.1, momentum=.9), .01, {"clip_norm": .05}),
    ("optimizer=momentum learning_rate=.1 decay=.01 clip=.02", sgd(lr=.1, momentum=.9), .01, {"clip": .02}),
    ("optimizer=sgd learning_rate=.1 decay=0 l1=.01", sgd(lr=.1), 0, {"l1": .01}),
    ("optimizer=nesterov learning_rate=.1 decay=0 max_norm=.6", sgd(lr=.1, momentum=.9, nesterov=True), 0, {"max_norm": .6}),
    ("optimizer=adam learning_rate=.02 decay=0 max_norm=9 | max_norm=.6", lambda g: torch.optim.Adam(g, lr=.02), 0, {"max_norm": .6}),
    ("optimizer=adamw learning_rate=.02 decay=.2 | lr_mult=.5 decay_mult=.5", lambda g: torch.optim.AdamW(g, lr=.01), .1, {}),
    ("optimizer=momentum learning_rate=.05 decay=.02 l1=.02 | lr_mult=2 decay_mult=.5", sgd(lr=.1, momentum=.9), .01, {"l1": .01}),
]


def short(*shape):
    return (torch.randn(shape, dtype=torch.float64) * 400).round() / 1000


def show(name, tensor):
    print(name, *(f"{v:.10g}" for v in tensor.detach().flatten().tolist()))


def train(make, decay, extra, w0, b0, x, y):
    w, b = w0.clone().requires_grad_(), b0.clone().requires_grad_()
    rule = make([{"params": [w], "weight_decay": decay}, {"params": [b], "weight_decay": 0.0}])
    for step in range(1, STEPS + 1):
        w.grad = b.grad = None
        loss = (torch.tanh(x @ w.T + b) - y).square().sum() / (2 * OBJECTS)
        loss.backward()
        if "clip_norm" in extra:
            norm = torch.sqrt(w.grad.square().sum() + b.grad.square().sum())
            factor = min(1, extra["clip_norm"] / norm)
            w.grad *= factor
            b.grad *= factor
        if "clip" in extra:
            torch.nn.utils.clip_grad_value_([w, b], extra["clip"])
        with torch.no_grad():
            if "l1" in extra:
                w.grad += extra["l1"] * w.sign()
            if "shrink" in extra:
                w *= 1 - extra["shrink"]
            rule.step()
            if "max_norm" in extra:
                norms = w.norm(dim=1, keepdim=True)
                w *= torch.where(norms > extra["max_norm"], extra["max_norm"] / norms, torch.ones_like(norms))
        if step in SHOWN:
            show("at", torch.cat([w.flatten(), b]))


def main():
    torch.manual_seed(11)
    w, b, x, y = short(NEURONS, INPUTS), short(NEURONS), 2 * short(OBJECTS, INPUTS), short(OBJECTS, NEURONS)
    print(f"# torch {torch.__version__}, scripts/reference/optimizers.py")
    for tensor in (w, b, x, y):
        show("start", tensor)
    for keys, make, decay, extra in CASES:
        print("case", keys)
        train(make, decay, extra, w, b, x, y)
    return 0


if __name__ == "__main__":
    sys.exit(main())
