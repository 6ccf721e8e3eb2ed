#!/usr/bin/env bash
# Models from one file format to another and back: nothing gets lost.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/small.cfg" <<'CFG'
[net]
width=16
height=16
channels=3
batch=4
max_batches=2
[data]
train=shapes
train_count=8
[convolutional]
filters=4
size=3
stride=4
batch_normalize=1
activation=leaky
[convolutional]
filters=30
size=1
activation=linear
[yolo]
mask=0,1,2
anchors=4,4, 6,6, 8,8
num=3
classes=5
CFG
dlnet train "$T/small.cfg" --out "$T/run" -q
dlnet export -m "$T/run/best.safetensors" --out "$T/a.weights"
expect_status "a model as .weights" 0
expect_no_out "nothing on stdout"
check "its size: header, 4 x 4 + 4 x 27 and 30 + 30 x 4 numbers" test "$(wc -c <"$T/a.weights")" -eq $((20 + 4 * (16 + 108 + 150)))
dlnet export "$T/small.cfg" "$T/a.weights" --out "$T/b.safetensors"
dlnet export -m "$T/b.safetensors" --out "$T/b.weights"
check "and back: the same bytes" cmp "$T/a.weights" "$T/b.weights"
dlnet export -m "$T/b.safetensors" --layers 1 --out "$T/one.weights"
check "the first layer alone" cmp <(tail -c +21 "$T/a.weights" | head -c $((4 * 124))) <(tail -c +21 "$T/one.weights")
dlnet train "$T/small.cfg" "$T/one.weights" --layers 1 --out "$T/from" -q
expect_status "training starts from it" 0
dlnet export -m "$T/b.safetensors"
expect_status "no --out" 2
dlnet export -m "$T/b.safetensors" --out "$T/x.onnx"
expect_status "an unknown ending" 2
dlnet export -m "$T/b.safetensors" --layers 9 --out "$T/x.weights"
expect_err "too many layers" 'the network has 3 layers'

if need_data "a published detector" yolo-fastest-1.1_coco; then
    model=$DATA/yolo-fastest-1.1_coco/yolo-fastest-1.1
    dlnet export "$model.cfg" "$model.weights" --names "$DATA/yolo-fastest-1.1_coco/coco.names" --out "$T/fast.safetensors"
    dlnet export -m "$T/fast.safetensors" --out "$T/fast.weights"
    check "a published detector: the same numbers" cmp <(tail -c +21 "$model.weights") <(tail -c +21 "$T/fast.weights")
    dlnet detect -m "$T/fast.safetensors" "$DATA/darknet-samples/dog.jpg"
    expect_out "the model carries its class names" 'bicycle'
fi
finish
