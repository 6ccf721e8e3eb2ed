#!/usr/bin/env python3
"""Losses and their gradients as PyTorch finds them (double precision), as figures for tests/layer/test_losses.c.

    python3 scripts/reference/losses.py > tests/layer/losses.txt

A case is a line "case SECTION;key=value;..." (the loss layer), then a line each of: shape n c h w, x, t, loss (sum over the images), grad (by x).
Where PyTorch has no such loss (Crammer-Singer, hinge of soft labels, focal of soft labels, Darknet's share of label smoothing) the published
formula stands here and autograd finds the gradient.
"""
import torch
import torchvision
from torch.nn import functional as f

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
N, C, H, W = 3, 4, 1, 2


def short(t):
    return (t * 1000).round() / 1000


def line(name, t):
    print(name, *(f"{v:.10g}" for v in t.detach().flatten().tolist()))


def case(keys, loss, x, t, classes_last=False):
    x = x.clone().requires_grad_(True)
    value = loss(x, t)
    value.backward()
    print("case", keys)
    shape = list(x.shape) + [1] * (4 - x.dim())
    print("shape", *shape)
    line("x", x)
    line("t", t)
    line("loss", value)
    line("grad", x.grad)


def smoothed(t, eps):
    k = t.shape[1]
    return (1 - eps) * t + eps / (k - 1) * (t.sum(1, keepdim=True) - t)


def hinge(x, t):
    return t * (1 - x).clamp(min=0) + (1 - t) * (1 + x).clamp(min=0)


def crammer_singer(x, t):
    total = 0
    for i in range(x.shape[1]):
        others = torch.cat([x[:, :i], x[:, i + 1:]], 1).max(1).values
        total = total + (t[:, i] * (1 + others - x[:, i]).clamp(min=0)).sum()
    return total


def focal(x, t, alpha, gamma):
    p, log_p, log_q = torch.sigmoid(x), f.logsigmoid(x), f.logsigmoid(-x)
    return -alpha * t * (1 - p) ** gamma * log_p - (1 - alpha) * (1 - t) * p ** gamma * log_q


x = short(torch.randn(N, C, H, W) * 2)
target = short(torch.randn(N, C, H, W))
soft = short(torch.softmax(torch.randn(N, C, H, W), 1))
several = (torch.rand(N, C, H, W) > .6).double()
hard = f.one_hot(torch.randint(C, (N, H, W)), C).permute(0, 3, 1, 2).double()
unsure = short(torch.rand(N, C, H, W))
weights = torch.tensor([.5, 1, 2, 3.5])
WEIGHTS, column = "class_weights=.5,1,2,3.5", weights.view(1, C, 1, 1)

case("cost;type=sse", lambda x, t: f.mse_loss(x, t, reduction="sum") / 2, x, target)
case("cost;type=mse;scale=.7", lambda x, t: .7 * f.mse_loss(x, t) * N, x, target)
case("cost;type=L1", lambda x, t: f.l1_loss(x, t, reduction="sum"), x, target)
case("cost;type=mae", lambda x, t: f.l1_loss(x, t) * N, x, target)
case("cost;type=smooth", lambda x, t: f.smooth_l1_loss(x, t, reduction="sum"), x, target)
case("cost;type=smooth;delta=.11", lambda x, t: f.smooth_l1_loss(x, t, reduction="sum", beta=.11), x, target)
case("cost;type=huber;delta=1.7", lambda x, t: f.huber_loss(x, t, reduction="sum", delta=1.7), x, target)

case("cost;type=cross_entropy", lambda x, t: f.cross_entropy(x, t.argmax(1), reduction="sum"), x, hard)
case("cost;type=cross_entropy;scale=2", lambda x, t: 2 * f.cross_entropy(x, t, reduction="sum"), x, soft)
case("cost;type=cross_entropy;" + WEIGHTS, lambda x, t: f.cross_entropy(x, t.argmax(1), weight=weights, reduction="sum"), x, hard)
# Of a hard target PyTorch leaves 1 - e + e/k, so e = eps·k/(k - 1).
case("cost;type=cross_entropy;label_smooth_eps=.15",
     lambda x, t: f.cross_entropy(x, t.argmax(1), label_smoothing=.15 * C / (C - 1), reduction="sum"), x, hard)
case("cost;type=cross_entropy;label_smooth_eps=.15;" + WEIGHTS,
     lambda x, t: f.cross_entropy(x, t.argmax(1), label_smoothing=.15 * C / (C - 1), weight=weights, reduction="sum"), x, hard)
case("softmax;spatial=1;label_smooth_eps=.3;" + WEIGHTS,
     lambda x, t: f.cross_entropy(x, smoothed(t, .3), weight=weights, reduction="sum"), x, soft)
case("softmax;spatial=1;temperature=2.5", lambda x, t: f.cross_entropy(x / 2.5, t, reduction="sum"), x, soft)
flat = (x.reshape(N, C * H * W), soft.reshape(N, C * H * W))
case("softmax;groups=2;class_weights=.5,1,2,3.5",
     lambda x, t: f.cross_entropy(x.reshape(N * 2, C), t.reshape(N * 2, C), weight=weights, reduction="sum"), *flat)

case("cost;type=bce", lambda x, t: f.binary_cross_entropy_with_logits(x, t, reduction="sum"), x, several)
case("cost;type=bce;" + WEIGHTS, lambda x, t: f.binary_cross_entropy_with_logits(x, t, weight=column.expand_as(x), reduction="sum"), x, unsure)
case("cost;type=bce;label_smooth_eps=.2", lambda x, t: f.binary_cross_entropy_with_logits(x, t * .8 + .1, reduction="sum"), x, several)
case("logistic;label_smooth_eps=.2;" + WEIGHTS,
     lambda x, t: f.binary_cross_entropy_with_logits(x, t * .8 + .1, weight=column.expand_as(x), reduction="sum"), x, unsure)

case("cost;type=focal", lambda x, t: torchvision.ops.sigmoid_focal_loss(x, t, reduction="sum"), x, several)
case("cost;type=focal;gamma=.5;alpha=.6", lambda x, t: torchvision.ops.sigmoid_focal_loss(x, t, .6, .5, "sum"), x, several)
case("cost;type=focal;label_smooth_eps=.1;" + WEIGHTS, lambda x, t: (focal(x, t * .9 + .05, .25, 2) * column).sum(), x, unsure)

case("cost;type=hinge", lambda x, t: hinge(x, t).sum(), x, several)
case("cost;type=hinge;label_smooth_eps=.2;" + WEIGHTS, lambda x, t: (hinge(x, t * .8 + .1) * column).sum(), x, unsure)
case("cost;type=crammer_singer", crammer_singer, x, hard)
case("cost;type=crammer_singer;label_smooth_eps=.2;" + WEIGHTS, lambda x, t: crammer_singer(x, smoothed(t, .2) * column), x, soft)

corners = torch.tensor([[.1, .2, .5, .6, .3, .3, .9, .8], [.2, .1, .7, .4, .1, .1, .2, .2]])
truth = torch.tensor([[.15, .1, .55, .7, .2, .35, .8, .9], [.3, .2, .6, .5, .5, .6, .8, .7]])


def boxes(kind):
    return lambda x, t: kind(x.reshape(-1, 4), t.reshape(-1, 4), reduction="sum", eps=0)


def iou(a, b, reduction, eps):
    return (1 - torchvision.ops.box_iou(a, b).diagonal()).sum()


def centred(loss):
    def to_corners(v):
        return torchvision.ops.box_convert(v.reshape(-1, 4), "cxcywh", "xyxy")
    return lambda x, t: loss(to_corners(x), to_corners(t))


def to_centre(v):
    return torchvision.ops.box_convert(v.reshape(-1, 4), "xyxy", "cxcywh").reshape(v.shape)


for name, kind in (("iou", iou), ("giou", torchvision.ops.generalized_box_iou_loss), ("diou", torchvision.ops.distance_box_iou_loss)):
    case(f"cost;type={name};box_format=xyxy", boxes(kind), corners, truth)
    case(f"cost;type={name}", centred(boxes(kind)), to_centre(corners), to_centre(truth))


def ciou(a, b, reduction, eps):  # with the gradient of alpha, which torchvision holds constant
    w, h, tw, th = a[:, 2] - a[:, 0], a[:, 3] - a[:, 1], b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]
    v = 4 / torch.pi ** 2 * (torch.atan(tw / th) - torch.atan(w / h)) ** 2
    overlap = torchvision.ops.box_iou(a, b).diagonal()
    return torchvision.ops.distance_box_iou_loss(a, b, reduction="sum", eps=0) + (v * v / (1 - overlap + v)).sum()


case("cost;type=ciou", centred(boxes(ciou)), to_centre(corners), to_centre(truth))

# Logits beyond what e^x can hold.
big = torch.tensor([[1e4, -1e4, 0, 5], [-1e4, -1e4, -1e4, 1e4], [30, -30, 1e4, 1e4]]).reshape(3, 4, 1, 1)
yes = torch.tensor([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0.]]).reshape(3, 4, 1, 1)
case("cost;type=cross_entropy", lambda x, t: f.cross_entropy(x, t.argmax(1), reduction="sum"), big, yes)
case("softmax", lambda x, t: f.cross_entropy(x, t, reduction="sum"), big, yes * .7 + .1)
case("cost;type=bce", lambda x, t: f.binary_cross_entropy_with_logits(x, t, reduction="sum"), big, yes)
case("logistic", lambda x, t: f.binary_cross_entropy_with_logits(x, t, reduction="sum"), big, yes * .6 + .2)
case("cost;type=focal", lambda x, t: focal(x, t, .25, 2).sum(), big, yes)
case("cost;type=hinge", lambda x, t: hinge(x, t).sum(), big, yes)
