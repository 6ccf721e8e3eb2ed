#!/usr/bin/env bash
# precision=bf16: it trains, with the same bytes on any number of threads, and its model is one of 32-bit numbers for either precision.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/net.cfg" <<'CFG'
[net]
width=32
height=32
channels=3
batch=8
max_batches=60
learning_rate=.005
valid_every=30
log_every=5
[data]
train=shapes
valid=shapes
train_count=40
valid_count=24
[convolutional]
filters=16
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=24
size=3
stride=1
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=20
size=1
activation=linear
[yolo]
classes=5
num=2
mask=0,1
anchors=6,6, 12,12
CFG

dlnet train "$T/net.cfg" --set net.precision=bf16 --threads 1 --out "$T/one" -q
expect_status "a run on one thread" 0
dlnet train "$T/net.cfg" --set net.precision=bf16 --threads 2 --out "$T/two" -q
expect_status "a run on two threads" 0
check "the same bytes" cmp "$T/one/last.safetensors" "$T/two/last.safetensors"
dlnet train "$T/net.cfg" --out "$T/fp32" -q
differ() { ! cmp -s "$1" "$2"; }
check "other bytes than with 32 bits" differ "$T/one/last.safetensors" "$T/fp32/last.safetensors"

# The loss of the last row, and of the first.
falls() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "loss") c = i } NR == 2 { first = $c } { last = $c } END { exit !(c && last < first / 2) }' "$1"; }
check "the loss falls" falls "$T/one/metrics.csv"

types() { LC_ALL=C grep -ao '"dtype":"[A-Z0-9]*"' "$1" | sort -u; }
check "the model holds numbers of 32 bits" test "$(types "$T/one/last.safetensors")" = '"dtype":"F32"'
dlnet val "$T/one/last.safetensors" -q --set net.precision=fp32
expect_status "it runs with 32 bits" 0

dlnet bench "$T/net.cfg" --reps 2 --set net.precision=bf16
expect_out "bench names the algorithm" '^ +2  convolutional .* bf16 (AMX|AVX512-BF16|portable)$'
expect_out "bench tells what bfloat16 reaches" '^bf16: +[0-9.]+ GFLOP/s'
dlnet bench "$T/net.cfg" --reps 2 --set net.precision=bf16 --set net.winograd=0
expect_out "3 x 3 too, where Winograd is refused" '^ +1  convolutional .* bf16 (AMX|AVX512-BF16|portable)$'
dlnet train "$T/net.cfg" --set net.precision=fp16
expect_status "a precision that isn't known" 65
expect_err "the known ones" "fp32.*bf16"
finish
