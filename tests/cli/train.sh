#!/usr/bin/env bash
# Training as a user does it: the same bytes with any number of threads, and after kill -9 and resume.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/tiny.cfg" <<'CFG'
[net]
width=32
height=32
channels=3
batch=8
subdivisions=2
max_batches=60
learning_rate=.01
burn_in=5
policy=sgdr
valid_every=20
log_every=5
save_every=3
hue=.1
saturation=1.5
mosaic=1
[augment]
rotate=10,p=.5
noise=.02
cutout=.2,p=.3
copy_paste=2,p=.3
gridmask=.7,p=.5,ramp=.8
cutmix=1,p=.2
mixup=1,p=.2
blur=1
[data]
train=shapes
valid=shapes
train_count=40
valid_count=24
[convolutional]
filters=8
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=16
size=3
stride=2
pad=1
batch_normalize=1
activation=mish
bn_after=1
[dropout]
probability=.1
dropblock=1
dropblock_size_abs=2
[groupnorm]
groups=4
[gaussian_dropout]
probability=.1
[convolutional]
filters=20
size=1
activation=linear
[yolo]
classes=5
num=2
mask=0,1
anchors=6,6, 12,12
jitter=.2
random=1
CFG

same_run() { for f in last.safetensors best.safetensors metrics.csv metrics.jsonl chart.svg chart.png effective.cfg; do cmp "$1/$f" "$2/$f" || return 1; done; }

dlnet train "$T/tiny.cfg" --out "$T/one" --threads 1
expect_status "training ends well" 0
expect_out "stdout names the best model" "^$T/one/best\.safetensors$"
check "stdout has one line" test "$(wc -l <"$T/out")" -eq 1
dlnet train "$T/tiny.cfg" --out "$T/two" --threads 2
check "1 and 2 threads: the same bytes" same_run "$T/one" "$T/two"
dlnet train "$T/tiny.cfg" --out "$T/other" --threads 2 --seed 9
check "another seed: other weights" bash -c '! cmp -s "$1/last.safetensors" "$2/last.safetensors"' - "$T/one" "$T/other"

# What the training said of its best model is what val says of it: the same pictures, the same figures (batch norm is folded there).
dlnet val "$T/one/best.safetensors" --json
best=$(awk -F, 'NR > 1 && $6 > m { m = $6 } END { print m }' "$T/one/metrics.csv")
check "val agrees with the validation of the training" awk -v a="$best" -v b="$(sed 's/.*"mAP50":\([0-9.e-]*\).*/\1/' "$T/out")" \
    'BEGIN { exit !(a - b < 1e-4 && b - a < 1e-4 && a > 0) }'

dlnet train "$T/tiny.cfg" --out "$T/one"
expect_status "a run is never overwritten" 2
expect_err "the message says what to do" "$T/one: holds a run already.*--resume"

# kill -9 at five random moments, each time resumed; the moments come from the clock, so each run of the test tries others.
RANDOM=$$
for i in 1 2 3 4 5; do
    "$DLNET" train "$T/tiny.cfg" --out "$T/killed" --resume -q >/dev/null 2>&1 &
    pid=$!
    sleep "0.$((RANDOM % 35 + 10))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
done
dlnet train "$T/tiny.cfg" --out "$T/killed" --resume
expect_status "resumed after five kills" 0
check "killed and resumed: the same bytes" same_run "$T/one" "$T/killed"

# SIGINT finishes the step, saves, tells how to go on.
"$DLNET" train "$T/tiny.cfg" --out "$T/stopped" --set net.max_batches=100000 --set net.learning_rate=1e-6 >"$T/out" 2>"$T/err" &
pid=$!
sleep 1
kill -INT $pid
wait $pid
status=$?
expect_status "SIGINT: exit status 130" 130
check "SIGINT: a checkpoint is there" test -s "$T/stopped/last.safetensors"
expect_err "SIGINT: how to go on, with the same assignments" "go on with: dlnet train .* --set net.max_batches=100000 --set net.learning_rate=1e-6 --resume $T/stopped"

dlnet train "$T/tiny.cfg" --resume "$T/one" --set net.learning_rate=.5
expect_status "resuming with another cfg is refused" 65
expect_err "the differing key is named" "learning_rate"

# Sizes that the layers refuse are told before the training, and resize_step= helps.
cat >"$T/wide.cfg" <<'CFG'
[net]
width=128
height=128
channels=3
batch=2
max_batches=21
learning_rate=.0001
[data]
train=shapes
train_count=4
[convolutional]
filters=4
size=3
stride=8
pad=1
[convolutional]
filters=4
size=3
stride=8
pad=1
[upsample]
stride=8
[route]
layers=-1,0
[convolutional]
filters=20
activation=linear
[yolo]
classes=5
num=2
anchors=20,20, 40,40
random=1
CFG
dlnet train "$T/wide.cfg" --out "$T/wide"
expect_status "random=1 at sizes that don't fit" 65
expect_err "the message names the size and the key" "96 x 96.*resize_step="
dlnet train "$T/wide.cfg" --out "$T/wide" --set net.resize_step=64
expect_status "resize_step=64 makes them fit" 0

# The names of the classes are those of the data, whatever model the training starts from.
sed 's/^train=.*/&\nnames=other.names/; s/^max_batches=.*/max_batches=1/' "$T/tiny.cfg" >"$T/named.cfg"
printf '%s\n' a b c d e >"$T/other.names"
dlnet train "$T/named.cfg" --out "$T/named" --init "$T/one/best.safetensors"
check "the names come from the data" grep -aFq '"names":"[\"a\",\"b\"' "$T/named/best.safetensors"

# A run that diverges says where, and keeps the last good model.
cp "$T/one/last.safetensors" "$T/before"
dlnet train "$T/tiny.cfg" --out "$T/diverged" --set net.policy=steps --set net.steps=30 --set net.scales=1e30
expect_status "divergence: exit status 1" 1
expect_err "divergence names layer and iteration" 'iteration [0-9]+: the (loss|gradient of [0-9]+\.[a-z]+\.[a-z]+) is not finite'
expect_err "divergence names the last good model" "last good model is $T/diverged/last.safetensors"
finish
