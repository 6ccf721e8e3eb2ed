#!/usr/bin/env bash
# The loader as a user sees it: cache=memory and jpeg= change no result that they shouldn't, the cache's bound is kept, bench --loader tells figures.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/net.cfg" <<'CFG'
[net]
width=64
height=48
channels=3
batch=4
max_batches=6
valid_every=6
learning_rate=.001
flip=1
saturation=1.3
seed=3
[data]
train=shapes
valid=shapes
train_count=24
valid_count=4
[augment]
rotate=10
noise=.02,p=.5
mosaic=.5
mixup=.3,p=.5
[convolutional]
filters=8
size=3
stride=16
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

if need_tool "figures as JSON" jq; then
    # agrees NAME FILTER: the filter is true of the last JSON.
    agrees() { check "$1" jq -e "$2" "$T/out"; }
    dlnet bench "$T/net.cfg" --loader --json --reps 2 --threads 2
    expect_status "bench --loader --json" 0
    check "one line" test "$(wc -l <"$T/out")" -eq 1
    agrees "images of two passes" '.images == 48 and .threads == 2'
    agrees "rate and time agree" '.images_per_second > 0 and (.images_per_second * .ms_per_image / 1000 | . > .999 and . < 1.001)'
    dlnet bench "$T/net.cfg" --loader --train --json --reps 6 --threads 2
    expect_status "bench --loader --train --json" 0
    agrees "steps of both kinds" '.batch == 4 and .reps == 6 and .loader_step_ms > 0 and .memory_step_ms > 0'
    agrees "their ratio" '.ratio * .memory_step_ms / .loader_step_ms | . > .99 and . < 1.01'
    dlnet bench "$T/net.cfg" --loader --train --json --reps 3 --batch 2
    agrees "--batch" '.batch == 2'
fi
dlnet bench "$T/net.cfg" --loader --reps 1 --threads 2
expect_status "a line of figures" 0
expect_out "its form" '^[0-9.]+ images/s, [0-9.]+ ms an image \(64 x 48 x 3\), 2 threads, 24 images$'
dlnet bench "$T/net.cfg" --loader --reps 1 --set data.cache=memory
expect_out "what the cache holds: all 24 pictures" ', 0\.2 MB kept$'
dlnet bench "$T/net.cfg" --loader --train --reps 3
expect_out "a step with the loader" '^step with the loader: +[0-9.]+ ms$'
expect_out "a step without" '^step on data in memory: +[0-9.]+ ms$'
expect_out "their ratio" '^ratio: +[0-9.]+ \(batch 4, [0-9]+ threads, means of 3\)$'

# same_weights MODEL MODEL: all parameters; the cfg that a model holds tells of the cache.
same_weights()
{
    "$DLNET" export -m "$1" --out "$T/one.weights" -q && "$DLNET" export -m "$2" --out "$T/two.weights" -q && cmp "$T/one.weights" "$T/two.weights"
}

if need_data "caches and decoders of real pictures" bccd; then
    sed -i "s#^train=shapes#train=$DATA/bccd#; s#^valid=shapes#valid=$DATA/bccd#; /_count=/d" "$T/net.cfg"
    dlnet train "$T/net.cfg" --out "$T/none" -q --set data.cache=none
    expect_status "training without a cache" 0
    for set in cache=auto 'cache=auto --set data.cache_mb=3' cache=memory 'cache=memory --set data.cache_mb=3' 'cache=memory --threads 1'; do
        # shellcheck disable=SC2086
        dlnet train "$T/net.cfg" --out "$T/run" -q --set data.$set
        expect_status "training with $set" 0
        check "the same bytes with $set" same_weights "$T/none/last.safetensors" "$T/run/last.safetensors"
        rm -rf "$T/run"
    done
    dlnet bench "$T/net.cfg" --loader --reps 1 --set data.cache=memory --set data.cache_mb=3
    check "cache_mb= is kept: three pictures of .88 MB, not four" grep -Eq ', 2\.6 MB kept$' "$T/out"
    dlnet train "$T/net.cfg" --out "$T/run" --set data.cache=none
    without=$(sed -n 's/^memory: about \([0-9]*\) MB.*/\1/p' "$T/err")
    rm -rf "$T/run"
    dlnet train "$T/net.cfg" --out "$T/run" --set data.cache=memory --set data.cache_mb=100
    with=$(sed -n 's/^memory: about \([0-9]*\) MB.*/\1/p' "$T/err")
    check "the memory told counts the cache" test -n "$with" -a "$((with - without))" -ge 30
    rm -rf "$T/run"
    dlnet train "$T/net.cfg" --out "$T/run" --set data.cache_mb=100
    check "pictures that don't all fit aren't kept by default" test "$(sed -n 's/^memory: about \([0-9]*\) MB.*/\1/p' "$T/err")" -eq "$without"
    rm -rf "$T/run"
    dlnet train "$T/net.cfg" --out "$T/run" --set data.cache_mb=1000
    with=$(sed -n 's/^memory: about \([0-9]*\) MB.*/\1/p' "$T/err")
    check "those that do are, and the memory told counts them" test -n "$with" -a "$((with - without))" -ge 150
    rm -rf "$T/run"
    dlnet train "$T/net.cfg" --out "$T/run" -q --set data.jpeg=turbo
    if grep -q 'built without libjpeg' "$T/err"; then
        expect_status "jpeg=turbo where there is no libjpeg" 65
    else
        expect_status "training with jpeg=turbo" 0
        rm -rf "$T/run"
        dlnet train "$T/net.cfg" --out "$T/run" -q --set data.jpeg=scaled
        expect_status "training with jpeg=scaled" 0
    fi
fi
finish
