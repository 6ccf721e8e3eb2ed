#!/usr/bin/env bash
# Models are .safetensors as published: what dlnet writes another reader reads, and what another writer writes dlnet reads.
. "${BASH_SOURCE[0]%/*}/lib.sh"

need_tool "safetensors against python" python3 || finish
cat >"$T/tiny.cfg" <<'CFG'
[net]
width=32
height=32
channels=3
batch=8
max_batches=3
learning_rate=.01
[data]
train=shapes
valid=shapes
train_count=24
valid_count=16
[convolutional]
filters=8
size=3
stride=4
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=30
size=1
activation=linear
[yolo]
mask=0,1,2
anchors=8,8, 16,16, 24,24
num=3
classes=5
CFG
python() { run python3 tests/cli/safetensors.py "$@"; }

dlnet train "$T/tiny.cfg" --out "$T/run"
expect_status "a short training" 0
for which in best last; do
    python check "$T/run/$which.safetensors"
    expect_status "$which is well-formed" 0
    expect_out "$which is a model of dlnet" '^format dlnet$'
    expect_out "$which holds the cfg" '^sections 5$'
    expect_out "$which holds the weights in their shape" '^first 8 3 3 3$'
    check "$which tells no path of the run" bash -c "test -s '$T/run/$which.safetensors' && ! grep -q '$T/run' '$T/run/$which.safetensors'"
done

dlnet val "$T/run/best.safetensors" --json
expect_status "val on the model" 0
cp "$T/out" "$T/expected"
python rewrite "$T/run/best.safetensors" "$T/other.safetensors"
expect_status "another writer writes it" 0
dlnet val "$T/other.safetensors" --json
expect_status "val on what another writer wrote" 0
expect_out "the figures are there" '"mAP50":'
check "they are the same" diff "$T/expected" "$T/out"

# Damaged and missing.
head -c -100 "$T/other.safetensors" >"$T/cut.safetensors"
dlnet val "$T/cut.safetensors"
expect_status "a cut model" 65
expect_err "a cut model is named" 'cut\.safetensors: '
expect_no_out "a cut model gives nothing on stdout"
dlnet val "$T/none.safetensors"
expect_status "a missing model" 66
finish
