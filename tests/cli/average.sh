#!/usr/bin/env bash
# Early stopping, means of weights, snapshots and ensembles, as a user meets them.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/all.cfg" <<'CFG'
[net]
width=24
height=24
channels=3
batch=8
subdivisions=2
max_batches=60
learning_rate=.02
policy=snapshot
snapshots=3
valid_every=10
log_every=5
save_every=3
ema=.9
swa_start=20
swa_every=20
patience=6
best_metric=loss
[data]
train=shapes
valid=shapes
train_count=20
valid_count=12
[convolutional]
filters=8
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[dropout]
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
CFG
models="snapshot-1 snapshot-2 snapshot-3 ema swa best last"
same_run()
{
    for f in $models; do cmp "$1/$f.safetensors" "$2/$f.safetensors" || return 1; done
    cmp "$1/metrics.csv" "$2/metrics.csv"
}

dlnet train "$T/all.cfg" --out "$T/one" --threads 1
expect_status "a training with EMA, SWA, snapshots and patience" 0
expect_err "the EMA weights are validated, and that is told" 'validation of the EMA weights at 10: '
expect_err "SWA is validated at the end" 'validation of swa.safetensors: '
check "the best model is of the EMA weights" bash -c '! cmp -s "$1/best.safetensors" "$1/last.safetensors"' - "$T/one"
dlnet train "$T/all.cfg" --out "$T/two" --threads 2
check "1 and 2 threads: the same bytes" same_run "$T/one" "$T/two"

# kill -9 at four random moments, each time resumed.
RANDOM=$$
for i in 1 2 3 4; do
    "$DLNET" train "$T/all.cfg" --out "$T/killed" --resume -q >/dev/null 2>&1 &
    pid=$!
    sleep "0.$((RANDOM % 30 + 10))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
done
dlnet train "$T/all.cfg" --out "$T/killed" --resume -q
check "killed and resumed: the same bytes" same_run "$T/one" "$T/killed"

# SWA from the end of the first cycle, every cycle, is the mean of the snapshots.
dlnet average "$T/one"/snapshot-[123].safetensors -o "$T/mean.safetensors" --statistics
expect_status "average" 0
check "the mean of the snapshots is swa.safetensors" cmp "$T/mean.safetensors" "$T/one/swa.safetensors"
dlnet average "$T/one/snapshot-1.safetensors" "$T/one/snapshot-1.safetensors" --out "$T/mean.safetensors"
check "the mean of equal models is the model" cmp "$T/mean.safetensors" "$T/one/snapshot-1.safetensors"
expect_err "averaged statistics are told" '--statistics recomputes'
dlnet average "$T/one/best.safetensors" --out "$T/mean.safetensors"
expect_status "the mean of one model is refused" 2
dlnet train "$T/all.cfg" --set 0.activation=mish --set net.max_batches=20 -q --out "$T/mish"
dlnet average "$T/one/best.safetensors" "$T/mish/best.safetensors" --out "$T/mean.safetensors"
expect_status "models of different cfgs have no mean" 65
expect_err "the difference is told" 'layer 0 \[convolutional\] has activation=mish in .*/mish/best.safetensors, but activation=leaky in .*/one/best'

# Early stopping: nothing changes with a learning rate of 0 and without batch norm.
flat=(--set net.learning_rate=0 --set 0.batch_normalize=0 --set net.policy=constant --set net.snapshots=0 --set net.ema=0 --set net.swa_start=0)
dlnet train "$T/all.cfg" --out "$T/early" "${flat[@]}" --set net.patience=2 --set net.valid_every=5
expect_status "a training without progress" 0
expect_err "it says why it stopped" 'stopped early at iteration 15 of 60: loss .*2 validations \(patience=2\); best: [0-9.]+ at 5$'
cp -r "$T/early" "$T/longer"
dlnet train "$T/all.cfg" --resume "$T/early" "${flat[@]}" --set net.patience=2 --set net.valid_every=5
expect_err "resumed, it stays stopped" 'stopped early at iteration 15 of 60'
dlnet train "$T/all.cfg" --resume "$T/longer" "${flat[@]}" --set net.patience=4 --set net.valid_every=5
expect_err "more patience goes on" 'stopped early at iteration 25 of 60'
dlnet train "$T/all.cfg" --out "$T/never" --set net.best_metric=top1
expect_status "a metric of another task is refused" 65
expect_err "those that fit are told" 'best_metric=top1.*mAP50'

# Ensembles of detectors. A model beside itself changes nothing; two find as many objects as both.
"$DLNET" sample -n 4 --out "$T/pictures" -q >/dev/null
a=$T/one/snapshot-2.safetensors b=$T/mish/best.safetensors
numbers_near() { paste "$1" "$2" | awk -F'\t' '{ for (i = 3; i <= 7; i++) { d = $i - $(i + 7); if (d > .002 || d < -.002) exit 1 } if ($2 != $9) exit 1 }'; }
dlnet detect -m "$a" "$T/pictures" --thresh .01
cp "$T/out" "$T/alone"
dlnet detect -m "$a" -m "$a" "$T/pictures" --thresh .01
check "the boxes are as many" test "$(wc -l <"$T/alone")" -eq "$(wc -l <"$T/out")" -a -s "$T/alone"
sort "$T/alone" >"$T/alone.sorted" && sort "$T/out" >"$T/out.sorted"
check "a detector beside itself finds what it finds alone" numbers_near "$T/alone.sorted" "$T/out.sorted"
figure() { sed 's/.*"mAP50":\([0-9.e-]*\).*/\1/' "$T/out"; }
dlnet val "$a" --json && alone=$(figure)
dlnet val "$a" "$a" --json
check "val: the same mAP50" awk -v a="$alone" -v b="$(figure)" 'BEGIN { exit !(a > 0 && a - b < 1e-5 && b - a < 1e-5) }'
dlnet val "$a" "$b" --set net.width=32 --set net.height=32
expect_status "val of two architectures" 0

# Ensembles of classifiers of different architecture and input size: the mean of the single probabilities.
cat >"$T/class.cfg" <<'CFG'
[net]
width=16
height=16
channels=3
batch=8
max_batches=30
learning_rate=.02
valid_every=30
[data]
train=shapes
valid=shapes
train_count=40
valid_count=24
[convolutional]
filters=6
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[connected]
output=5
activation=linear
[softmax]
CFG
dlnet train "$T/class.cfg" -q --out "$T/a"
dlnet train "$T/class.cfg" -q --out "$T/b" --set net.width=24 --set 0.filters=4
for m in a b; do "$DLNET" predict -m "$T/$m/best.safetensors" "$T/pictures"; done >"$T/single"
dlnet predict -m "$T/a/best.safetensors" "$T/b/best.safetensors" "$T/pictures"
expect_status "predict with two models" 0
check "probabilities are the mean of the single ones" awk -F'\t' \
    'NR == FNR { p[$1 $2] += $3 / 2; next } { n++; d = p[$1 $2] - $3; if (d > 2e-6 || d < -2e-6) bad = 1 } END { exit bad || n != 20 }' "$T/single" "$T/out"
dlnet predict "$T/class.cfg" "$T/a/best.safetensors" "$T/b/best.safetensors" "$T/pictures"
expect_status "a cfg goes with the weights after it" 0
figures() { sed 's/.*"loss":\([0-9.]*\),"top1":\([0-9.]*\).*/\1 \2/' "$T/out"; }
dlnet val "$T/a/best.safetensors" --json && alone=$(figures)
dlnet val "$T/a/best.safetensors" "$T/a/best.safetensors" --json
check "val of a classifier beside itself: the same loss and top1" awk -v a="$alone" -v b="$(figures)" \
    'BEGIN { split(a, x, " "); split(b, y, " "); d = x[1] - y[1]; exit !(x[1] > 0 && d < 1e-5 && d > -1e-5 && x[2] == y[2]) }'
dlnet val "$T/a/best.safetensors" "$T/b/best.safetensors" --json
expect_out "val of classifiers has a loss" '"loss":[0-9.]+,'
dlnet val "$T/a/best.safetensors" "$a"
expect_status "a detector and a classifier don't answer together" 65
dlnet train "$T/class.cfg" -q --out "$T/six" --set 1.output=6 --set net.max_batches=1
dlnet predict -m "$T/a/best.safetensors" -m "$T/six/best.safetensors" "$T/pictures"
expect_status "models of other classes don't either" 65
expect_err "both files are named" 'six/best.safetensors has 6 classes, but .*/a/best.safetensors has 5'
dlnet train "$T/class.cfg" -m "$T/a/best.safetensors" -m "$T/b/best.safetensors"
expect_status "train starts from one model" 2
dlnet predict -m "$T/a/best.safetensors" -m "$T/b/best.safetensors" --mc 5 "$T/pictures"
expect_status "Monte-Carlo dropout is for one model" 2
finish
