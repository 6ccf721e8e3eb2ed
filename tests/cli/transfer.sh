#!/usr/bin/env bash
# Training that starts from another model: another number of classes, frozen layers.
. "${BASH_SOURCE[0]%/*}/lib.sh"

# Seven classes; the built-in pictures have five.
cat >"$T/seven.cfg" <<'CFG'
[net]
width=32
height=32
channels=3
batch=8
max_batches=12
learning_rate=.01
decay=.01
max_norm=.5
ema=.9
swa_start=4
swa_every=2
valid_every=6
[data]
train=shapes
valid=shapes
train_count=24
valid_count=8
[convolutional]
filters=8
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=8
groups=8
size=3
pad=1
batch_normalize=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=16
size=1
batch_normalize=1
activation=leaky
[convolutional]
filters=24
size=1
activation=linear
[yolo]
classes=7
num=2
mask=0,1
anchors=8,8, 14,14
CFG
# body FILE FIRST COUNT: numbers of its parameters, as .weights has them. Layer 0: 4 x 8 + 216 numbers, 1: 4 x 8 + 72, 3: 4 x 16 + 128, 4: 20 + 320.
body() { "$DLNET" export -m "$1" --out "$T/body.weights" && tail -c +$((21 + 4 * $2)) "$T/body.weights" | head -c $((4 * $3)); }
same() { body "$1" "$3" "$4" >"$T/1.body" && body "$2" "$3" "$4" >"$T/2.body" && test -s "$T/1.body" && cmp "$T/1.body" "$T/2.body"; }
differ() { ! same "$@"; }

dlnet train "$T/seven.cfg" -q --out "$T/seven"
expect_status "a model of seven classes" 0
from=$T/seven/best.safetensors
dlnet export -m "$from" --out "$T/seven.weights"

# ---- another number of classes ----
dlnet train "$T/seven.cfg" "$T/seven.weights" --classes 5 --out "$T/five"
expect_status "from .weights to five classes" 0
expect_err "what starts anew is told" 'starting from .*seven\.weights: 3 of 4 layers with parameters; anew: 4 \[convolutional\]$'
check "the cfg of the run says filters" grep -q '^filters=20$' "$T/five/effective.cfg"
check "and classes" grep -q '^classes=5$' "$T/five/effective.cfg"
dlnet train "$T/five/effective.cfg" -q --init "$from" --out "$T/same"
check "a cfg changed by hand and a .safetensors file: the same bytes" same "$T/five/best.safetensors" "$T/same/best.safetensors" 0 884
dlnet train "$T/seven.cfg" --init "$from" --out "$T/all"
expect_err "the same classes: all is taken" 'best\.safetensors: all 4 layers with parameters$'
dlnet train "$T/seven.cfg" --init "$T/five/best.safetensors" --set 0.filters=9 --set 1.filters=9 --set 1.groups=9 --set 3.filters=17 --out "$T/none"
expect_status "nothing fits" 65
expect_err "that is told" 'no layer of it fits'
dlnet train "$T/seven.cfg" --classes 0 --out "$T/none"
expect_status "no classes" 2
dlnet lrfind "$T/seven.cfg" --init "$T/seven.weights" --classes 5 --steps 10 --out "$T"
expect_status "lrfind knows --classes" 0

# ---- frozen layers ----
keep=(--classes 5 --init "$from")
dlnet train "$T/seven.cfg" "${keep[@]}" --set net.freeze=3 --out "$T/frozen"
expect_status "three layers frozen" 0
for m in best last ema swa; do
    check "$m: the frozen layers have their bytes" same "$from" "$T/frozen/$m.safetensors" 0 352
    check "$m: the next one hasn't" differ "$from" "$T/frozen/$m.safetensors" 352 192
done
dlnet train "$T/seven.cfg" "${keep[@]}" --set net.freeze=1-1,3-3 --set net.optimizer=adamw -q --out "$T/ranges"
check "ranges: layer 1 is kept" same "$from" "$T/ranges/last.safetensors" 248 104
check "ranges: layer 3 is kept" same "$from" "$T/ranges/swa.safetensors" 352 192
check "ranges: layer 0 learns" differ "$from" "$T/ranges/last.safetensors" 0 248
dlnet train "$T/seven.cfg" "${keep[@]}" --set net.freeze=all-but-heads -q --out "$T/heads"
check "all but heads: the body is kept" same "$from" "$T/heads/swa.safetensors" 0 544
check "all but heads: the head learns" differ "$T/heads/best.safetensors" "$T/heads/last.safetensors" 544 340
dlnet train "$T/seven.cfg" "${keep[@]}" --set 0.lr_mult=0 --set 1.lr_mult=0 -q --out "$T/mult"
check "lr_mult=0 does the same" same "$T/mult/swa.safetensors" "$T/frozen/swa.safetensors" 0 884
dlnet train "$T/seven.cfg" --set net.freeze=6 --out "$T/nothing"
expect_status "nothing left to learn" 65
expect_err "that is told" 'nothing learns'
dlnet train "$T/seven.cfg" --set net.freeze=2 --set net.max_batches=1 --out "$T/random"
expect_err "frozen initial weights are a reason to warn" 'warning: .*2 frozen layers .*initial weights'

# ---- and on, after a kill ----
"$DLNET" train "$T/seven.cfg" "${keep[@]}" --set net.freeze=3 --set net.save_every=1 --out "$T/killed" -q >/dev/null 2>&1 &
sleep .3
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
dlnet train "$T/seven.cfg" --classes 5 --set net.freeze=3 --set net.save_every=1 --resume "$T/killed" -q
dlnet train "$T/seven.cfg" "${keep[@]}" --set net.freeze=3 --set net.save_every=1 --out "$T/whole" -q
check "killed and resumed: the same bytes" cmp "$T/killed/swa.safetensors" "$T/whole/swa.safetensors"

if need_data "a published detector for other classes" yolo-fastest-1.1_coco; then
    model=$DATA/yolo-fastest-1.1_coco/yolo-fastest-1.1
    dlnet train "$model.cfg" "$model.weights" --classes 5 --set data.train=shapes --set data.train_count=8 --set net.max_batches=1 --set net.batch=4 \
        --set net.freeze=all-but-heads --out "$T/fast"
    expect_err "a published detector for other classes" '82 of 84 layers with parameters; anew: 120 \[convolutional\], 129 \[convolutional\]'
fi
finish
