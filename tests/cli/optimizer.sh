#!/usr/bin/env bash
# Optimisers, regularisers and policies as a user asks for them: their state goes through a resume, the penalty stands in the log.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/tiny.cfg" <<'CFG'
[net]
width=32
height=32
channels=3
batch=4
max_batches=40
learning_rate=.01
valid_every=5
log_every=5
[data]
train=shapes
valid=shapes
train_count=24
valid_count=8
[convolutional]
filters=8
size=3
stride=4
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=20
size=1
stride=2
activation=linear
[yolo]
classes=5
num=2
mask=0,1
anchors=6,6, 12,12
CFG
set_all() { for key in "$@"; do printf -- '--set\nnet.%s\n' "$key"; done; }
# best.safetensors may hold the cfg of the first half, which has another max_batches=.
same() { for f in last.safetensors metrics.csv metrics.jsonl; do cmp "$1/$f" "$2/$f" || return 1; done; }

# resumed NAME KEY=VALUE …: 40 updates at once, and 20 and then the rest, are the same.
resumed()
{
    local name=$1
    shift
    mapfile -t keys < <(set_all "$@")
    dlnet train "$T/tiny.cfg" --out "$T/$name" --threads 1 "${keys[@]}"
    expect_status "$name: ends well" 0
    dlnet train "$T/tiny.cfg" --out "$T/$name-2" "${keys[@]}" --set net.max_batches=20 -q
    dlnet train "$T/tiny.cfg" --resume "$T/$name-2" "${keys[@]}" --set net.max_batches=40
    check "$name: the same bytes after a resume, whatever the threads" same "$T/$name" "$T/$name-2"
}
resumed adam optimizer=adam noise=.001 noise_gamma=.55 clip_norm=5 policy=plateau plateau_patience=0 plateau_threshold=.2 l1=.001 max_norm=3
check "plateau: the rate has fallen" awk -F, 'NR == 2 { first = $3 } END { exit !($3 < first / 5) }' "$T/adam/metrics.csv"
resumed rmsprop optimizer=rmsprop policy=random power=1 decay=0

dlnet train "$T/tiny.cfg" --out "$T/plain"
expect_err "the optimiser is told" '^optimiser: momentum, momentum 0\.9, decay 0\.0001$'
expect_err "the penalty stands beside the loss" '40/40 .* loss [0-9.]+ \+ penalty 0\.[0-9]+ '
check "metrics.csv has the penalty" awk -F, 'NR == 1 { good = $NF == "penalty" } NR > 1 && !($NF > 0) { good = 0 } END { exit !good }' "$T/plain/metrics.csv"
check "metrics.jsonl has it" grep -q '"penalty": 0\.' "$T/plain/metrics.jsonl"
check "no decay, no l1: no penalty" bash -c '! grep -q penalty "$1/metrics.csv"' - "$T/rmsprop"

# The table of a run from before that column goes on.
cut -d, -f1-8 "$T/plain/metrics.csv" >"$T/old.csv"
mv "$T/old.csv" "$T/plain/metrics.csv"
dlnet train "$T/tiny.cfg" --resume "$T/plain" --set net.max_batches=45
expect_status "a table without the column is read" 0
check "its rows stand in the right columns" awk -F, 'NR == 1 { n = NF } NF != n { bad = 1 } NR == 2 && $NF != "" { bad = 1 }
    END { exit !(n == 9 && NR == 10 && $NF > 0 && !bad) }' "$T/plain/metrics.csv"

sed '/^valid=/d' "$T/tiny.cfg" >"$T/blind.cfg"
dlnet train "$T/blind.cfg" --out "$T/blind" --set net.policy=plateau
expect_status "plateau without validation" 65
expect_err "is told at its key" 'policy=plateau watches the validation.*valid='
for policy in constant step steps exp poly sgdr sig sigmoid cosine one-cycle; do
    dlnet train "$T/tiny.cfg" --out "$T/$policy" -q --set net.max_batches=2 --set net.policy=$policy --set net.steps=1 --set net.scales=.5
    expect_status "policy=$policy trains" 0
done
finish
